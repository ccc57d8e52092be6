//! Secrets at rest.

use std::fmt;

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use super::random;
use crate::config::ConfigError;

/// A key that the host keeps, and that the secrets of endpoints are sealed with before they are stored.
///
/// XChaCha20-Poly1305 with a random nonce, bound to the endpoint: what was sealed for one opens for no other. Whoever
/// reads the database without this key learns no secret and can forge none.
///
/// # Example
///
/// ```
/// use tower_webhook::outbound::SealingKey;
///
/// let old = SealingKey::hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")?;
/// // To rotate: the new key seals, the old one still opens.
/// let key = SealingKey::generate().also_opens(old);
/// # Ok::<(), tower_webhook::config::ConfigError>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct SealingKey {
    key: Zeroizing<[u8; 32]>,
    older: Vec<Zeroizing<[u8; 32]>>,
}

const NONCE: usize = 24;

impl SealingKey {
    /// Takes the key.
    pub fn new(key: [u8; 32]) -> Self {
        Self {
            key: Zeroizing::new(key),
            older: Vec::new(),
        }
    }

    /// Reads a key of 64 hex digits.
    ///
    /// # Errors
    ///
    /// Returns an error that names `sealing_key` when the text is anything else.
    pub fn hex(text: &str) -> Result<Self, ConfigError> {
        let mut key = Zeroizing::new([0; 32]);
        const_hex::decode_to_slice(text, &mut *key)
            .map_err(|_| ConfigError::new("sealing_key", "is not 64 hex digits"))?;
        Ok(Self::new(*key))
    }

    /// A new key. It must be kept: what it sealed opens with no other.
    pub fn generate() -> Self {
        Self::new(random::bytes())
    }

    /// Also opens what was sealed with an older key.
    pub fn also_opens(mut self, older: Self) -> Self {
        self.older.push(older.key);
        self.older.extend(older.older);
        self
    }

    /// Seals `secret` for the owner named.
    pub(crate) fn seal(&self, secret: &[u8], owner: &str) -> Vec<u8> {
        let nonce = random::bytes::<NONCE>();
        let payload = Payload {
            msg: secret,
            aad: owner.as_bytes(),
        };
        let sealed = cipher(&self.key).encrypt(&XNonce::from(nonce), payload);
        // It fails only beyond 256 GiB.
        [&nonce[..], &sealed.expect("a secret is short")].concat()
    }

    /// Opens what was sealed; `None` where it was sealed for another owner, or with an unknown key.
    pub(crate) fn open(&self, sealed: &[u8], owner: &str) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, msg) = sealed.split_first_chunk::<NONCE>()?;
        let nonce = XNonce::from(*nonce);
        let aad = owner.as_bytes();
        let mut keys = std::iter::once(&self.key).chain(&self.older);
        let open =
            |key: &Zeroizing<[u8; 32]>| cipher(key).decrypt(&nonce, Payload { msg, aad }).ok();
        keys.find_map(open).map(Zeroizing::new)
    }
}

fn cipher(key: &[u8; 32]) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&Key::from(*key))
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_with_its_key_for_its_owner_only() {
        let (key, other) = (SealingKey::generate(), SealingKey::generate());
        let sealed = key.seal(b"secret", "ep_1");
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
        assert_eq!(key.open(&sealed, "ep_1").unwrap()[..], b"secret"[..]);
        assert!(key.open(&sealed, "ep_2").is_none());
        assert!(other.open(&sealed, "ep_1").is_none());
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 1;
            assert!(key.open(&changed, "ep_1").is_none());
        }
        for short in 0..sealed.len() {
            assert!(key.open(&sealed[..short], "ep_1").is_none());
        }
    }

    #[test]
    fn a_new_key_opens_what_an_older_one_sealed() {
        let old = SealingKey::generate();
        let sealed = old.seal(b"secret", "ep_1");
        let new = SealingKey::generate().also_opens(old.clone());
        let newest = SealingKey::generate().also_opens(new.clone());
        assert!(newest.open(&sealed, "ep_1").is_some());
        assert!(old.open(&new.seal(b"secret", "ep_1"), "ep_1").is_none());
    }

    #[test]
    fn two_seals_of_one_secret_differ() {
        let key = SealingKey::generate();
        assert_ne!(key.seal(b"secret", "ep_1"), key.seal(b"secret", "ep_1"));
    }
}
