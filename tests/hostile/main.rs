//! Senders that mean harm, over real sockets: slow ones, floods, bombs, and bytes that are hardly HTTP.
//!
//! After each of them a good delivery is answered as ever. `GARBAGE` sets how many requests a flood has; see
//! `tests/README.md`.

mod bombs;
mod floods;
mod frames;
mod framing;
mod heads;
mod memory;
mod process;
mod receiver;
mod requests;
mod slow;
mod streams;
mod wire;
