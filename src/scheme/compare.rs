use subtle::{Choice, ConstantTimeEq as _};

/// Whether two texts are the same, in a time that depends on their lengths alone.
///
/// The one comparison of this crate: whatever an attacker may guess at is compared here, eight bytes at a time.
pub(super) fn equal(left: &[u8], right: &[u8]) -> Choice {
    if left.len() != right.len() {
        return Choice::from(0);
    }
    let words = left.chunks(8).zip(right.chunks(8));
    words.fold(Choice::from(1), |same, (left, right)| {
        same & word(left).ct_eq(&word(right))
    })
}

/// Up to eight bytes as a number; of two texts of one length it is the same where they are.
fn word(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    u64::from_ne_bytes(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_the_same_where_no_bit_differs() {
        for len in 0..=72_u8 {
            let text: Vec<u8> = (0..len).collect();
            assert!(bool::from(equal(&text, &text.clone())), "{len}");
            for at in 0..text.len() {
                for bit in 0..8 {
                    let mut other = text.clone();
                    other[at] ^= 1 << bit;
                    assert!(!bool::from(equal(&text, &other)), "{len} {at} {bit}");
                }
            }
        }
    }

    #[test]
    fn a_beginning_is_not_the_whole() {
        for len in 1..=40 {
            let text = vec![0; len];
            assert!(!bool::from(equal(&text, &text[1..])), "{len}");
            assert!(!bool::from(equal(&text[1..], &text)), "{len}");
        }
    }
}
