use std::cmp::Ordering;
use std::fmt::{self, Write as _};
use std::hash::{BuildHasher as _, Hash, Hasher, RandomState};
use std::sync::{Arc, LazyLock};

use sha2::{Digest as _, Sha256};

/// Longest key that is kept as text, in characters.
const MAX_CHARS: usize = 255;

/// The key of a delivery: `connection:event_type:nonce`, each part escaped.
///
/// At most 255 characters and without control characters, so that every store can hold it; a longer
/// one becomes the 64 hex digits of its SHA-256.
#[derive(Clone, PartialEq, Eq)]
pub struct IdemKey {
    // Of the whole text, with a seed of the process: a store in memory asks for it at the claim and at its
    // completion, and it costs as much as either.
    hash: u64,
    text: Arc<str>,
}

impl IdemKey {
    /// Joins the parts. `%`, `:` and control characters in a part are percent-escaped first: joined
    /// as they are, `a:b` + `c` would equal `a` + `b:c`.
    #[must_use]
    pub fn compose(connection: &str, event_type: Option<&str>, nonce: &str) -> Self {
        Self::join(connection, event_type, [nonce])
    }

    /// As [`compose`](Self::compose), of a nonce in parts.
    pub(crate) fn join<const N: usize>(
        connection: &str,
        event_type: Option<&str>,
        nonce: [&str; N],
    ) -> Self {
        let length = nonce.iter().map(|part| part.len()).sum::<usize>();
        let mut key = String::with_capacity(connection.len() + length + 32);
        escape(&mut key, connection);
        key.push(':');
        escape(&mut key, event_type.unwrap_or_default());
        key.push(':');
        nonce.iter().for_each(|part| escape(&mut key, part));
        // Bytes are at least as many as characters, and cheaper to count.
        if key.len() > MAX_CHARS && key.chars().count() > MAX_CHARS {
            key = const_hex::encode(Sha256::digest(&key));
        }
        static SEED: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        Self {
            hash: SEED.hash_one(&key),
            text: key.into(),
        }
    }

    /// The text of the key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

fn escape(key: &mut String, part: &str) {
    // Hardly any part needs more.
    if is_plain(part.as_bytes()) {
        key.push_str(part);
        return;
    }
    for char in part.chars() {
        if char == '%' || char == ':' || char.is_control() {
            let mut bytes = [0; 4];
            for byte in char.encode_utf8(&mut bytes).bytes() {
                write!(key, "%{byte:02X}").expect("a `String` takes everything");
            }
        } else {
            key.push(char);
        }
    }
}

/// Sixteen at once, without an early end or a branch among them.
fn is_plain(part: &[u8]) -> bool {
    let (all, rest) = part.as_chunks::<16>();
    let faults = |bytes: &[u8; 16]| bytes.iter().fold(0, |faults, byte| faults | fault(*byte));
    all.iter().all(|bytes| faults(bytes) == 0) && rest.iter().all(|byte| fault(*byte) == 0)
}

fn fault(byte: u8) -> u8 {
    u8::from(byte < b' ') | u8::from(byte > b'~') | u8::from(byte == b'%') | u8::from(byte == b':')
}

// Not derived: the hash stands for the text, which was hashed already.
impl Hash for IdemKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

// Not derived: the order is that of the text.
impl Ord for IdemKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(&other.text)
    }
}

impl PartialOrd for IdemKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

// Not derived: a full key is not for logs.
impl fmt::Debug for IdemKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let connection = self.text.split(':').next().unwrap_or_default();
        write!(f, "IdemKey({connection}:…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(nonce: &str, hash: u64) -> IdemKey {
        let key = IdemKey::compose("github", None, nonce);
        IdemKey { hash, ..key }
    }

    #[test]
    fn keys_of_one_hash_are_told_apart() {
        assert_eq!(key("1", 7), key("1", 7));
        assert_ne!(key("1", 7), key("2", 7));
    }

    #[test]
    fn a_part_is_escaped_wherever_it_has_to_be() {
        for (sign, escaped) in [("%", "%25"), (":", "%3A"), ("\n", "%0A"), ("\u{7f}", "%7F")] {
            for len in [1, 2, 15, 16, 17, 40] {
                // Once and twice: two must not make up for each other.
                for (one, other) in (0..len).flat_map(|one| [(one, one), (one, len - 1 - one)]) {
                    let mut part = "~".repeat(len);
                    part.replace_range(one..=one, sign);
                    part.replace_range(other..=other, sign);
                    let expected = format!("github::{}", part.replace(sign, escaped));
                    let key = IdemKey::compose("github", None, &part);
                    assert_eq!(key.as_str(), expected);
                }
            }
        }
    }

    #[test]
    fn keys_of_one_text_have_one_hash_and_are_ordered_by_their_text() {
        let [one, again, two] = ["1", "1", "2"].map(|it| IdemKey::compose("github", None, it));
        let state = RandomState::new();
        assert_eq!(state.hash_one(&one), state.hash_one(&again));
        assert_ne!(state.hash_one(&one), state.hash_one(&two));
        assert!(key("1", 9) < key("2", 7));
    }
}
