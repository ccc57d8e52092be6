//! Random bytes of the system.

/// Random bytes.
///
/// # Panics
///
/// Panics when the system gives none: nothing that is sent could be told apart or kept secret.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system gives random bytes");
    bytes
}

/// An id that nobody can guess, 32 hex digits behind `prefix`.
pub(crate) fn id(prefix: &str) -> String {
    format!("{prefix}{}", const_hex::encode(bytes::<16>()))
}

/// A number from 0 up to 1.
pub(crate) fn fraction() -> f64 {
    f64::from(u32::from_le_bytes(bytes())) / (f64::from(u32::MAX) + 1.0)
}
