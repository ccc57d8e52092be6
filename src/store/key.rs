use std::fmt::{self, Write as _};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

/// Longest key that is kept as text, in characters.
const MAX_CHARS: usize = 255;

/// The key of a delivery: `connection:event_type:nonce`, each part escaped.
///
/// At most 255 characters and without control characters, so that every store can hold it; a longer
/// one becomes the 64 hex digits of its SHA-256.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdemKey(Arc<str>);

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
        Self(key.into())
    }

    /// The text of the key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn escape(key: &mut String, part: &str) {
    // Without an early end, so that many bytes are compared at once. Hardly any part needs more.
    let is_plain = |byte: u8| (b' '..=b'~').contains(&byte) && byte != b'%' && byte != b':';
    if part.bytes().fold(true, |all, byte| all & is_plain(byte)) {
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

// Not derived: a full key is not for logs.
impl fmt::Debug for IdemKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let connection = self.0.split(':').next().unwrap_or_default();
        write!(f, "IdemKey({connection}:…)")
    }
}
