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

#[cfg(test)]
mod tests {
    use super::fraction;

    #[test]
    fn fractions_are_spread_from_nought_to_one() {
        let mut tenths = [0; 10];
        // A tenth is missed by a thousand once in 10^45.
        for _ in 0..1000 {
            let drawn = fraction();
            assert!((0.0..1.0).contains(&drawn));
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let tenth = (drawn * 10.0) as usize;
            tenths[tenth] += 1;
        }
        assert!(tenths.iter().all(|count| *count > 0), "{tenths:?}");
    }
}
