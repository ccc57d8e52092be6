//! What holds whatever is sent: one function a target, which panics where it does not hold.
//!
//! Run `cargo test` here: each target takes its seeds and `FUZZ_RUNS` mutations of them, by words of its
//! dictionary. `./run SECONDS` gives each to libFuzzer. The functions are the same.

mod compare;
mod json;
mod request;
mod run;
mod sign;
#[cfg(test)]
mod smoke;
mod targets;
mod vectors;

pub use self::targets::{
    differential, envelope, forwarded, key, rfc9421, schemes, signatures, stack, timestamp,
};

/// Now, for everything that has a clock.
pub(crate) const NOW: i64 = 1_763_700_000;
/// What everything is signed with.
pub(crate) const KEY: &[u8] = b"an example secret of 32 bytes...";
