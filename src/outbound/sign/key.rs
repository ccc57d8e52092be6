use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::config::ConfigError;
use crate::outbound::random;
use crate::secret::Secret;

/// A key that signs, as the text that its receivers were shown: a secret (`whsec_…`, or any other text),
/// or an Ed25519 private key (`whsk_…`), whose receivers are shown the public one.
#[derive(Clone)]
pub struct SigningKey {
    text: Zeroizing<String>,
    kind: KeyKind,
}

/// What a key can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyKind {
    /// A secret that sender and receivers share.
    Hmac,
    /// An Ed25519 private key.
    Ed25519,
}

impl SigningKey {
    /// Takes the text of a key. What begins with `whsk_` is an Ed25519 private key, all else a secret.
    ///
    /// # Errors
    ///
    /// Returns an error when a secret is empty or shorter than 16 bytes; when a private key is not
    /// 32 bytes in base64, or 64 whose second half is its public key; for public keys; and for private ones
    /// without the feature `ed25519`.
    pub fn new(text: impl Into<String>) -> Result<Self, ConfigError> {
        let text = Zeroizing::new(text.into());
        let kind = if text.starts_with("whsk_") {
            Self::check_private(&text)?;
            KeyKind::Ed25519
        } else if text.starts_with("whpk_") {
            // As a secret it would sign, with what anybody may know.
            return Err(ConfigError::new("key", "is a public key"));
        } else {
            let wrong = |err: crate::secret::SecretError| ConfigError::new("key", err.reason());
            drop(Secret::new(text.as_bytes()).map_err(wrong)?);
            KeyKind::Hmac
        };
        Ok(Self { text, kind })
    }

    #[cfg(feature = "ed25519")]
    fn check_private(text: &str) -> Result<(), ConfigError> {
        crate::scheme::sign::FormKey::ed25519(text).map(drop)
    }

    #[cfg(not(feature = "ed25519"))]
    fn check_private(_: &str) -> Result<(), ConfigError> {
        Err(ConfigError::new("key", "needs the feature `ed25519`"))
    }

    /// A new secret: `whsec_` and the base64 of 32 random bytes.
    ///
    /// # Panics
    ///
    /// Panics when the operating system has no random bytes to give: no key is better than a weak one.
    #[must_use]
    pub fn generate() -> Self {
        let bytes = Zeroizing::new(random::bytes::<32>());
        Self {
            text: text("whsec_", &*bytes),
            kind: KeyKind::Hmac,
        }
    }

    /// A new private key: `whsk_` and the base64 of its 32 random bytes and its public key.
    ///
    /// # Panics
    ///
    /// As for [`generate`](Self::generate).
    #[cfg(feature = "ed25519")]
    #[must_use]
    pub fn generate_ed25519() -> Self {
        let seed = Zeroizing::new(random::bytes::<32>());
        let key = ed25519_dalek::SigningKey::from_bytes(&seed);
        let pair = Zeroizing::new(key.to_keypair_bytes());
        Self {
            text: text("whsk_", &*pair),
            kind: KeyKind::Ed25519,
        }
    }

    /// The text itself, to be shown to its receivers once. That of a private key is for nobody: see
    /// [`public_key`](Self::public_key).
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// The public key of a private one, `whpk_…`, which anybody may know.
    #[cfg(feature = "ed25519")]
    #[must_use]
    pub fn public_key(&self) -> Option<String> {
        use crate::scheme::sign::FormKey;
        if self.kind != KeyKind::Ed25519 {
            return None;
        }
        match FormKey::ed25519(&self.text) {
            Ok(FormKey::Ed25519(key)) => {
                let public = STANDARD.encode(key.verifying_key().to_bytes());
                Some(format!("whpk_{public}"))
            }
            _ => None,
        }
    }

    /// What the key can do.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        self.kind
    }
}

/// Written into room for all of it: a text that grew would leave copies behind.
fn text(prefix: &str, bytes: &[u8]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(prefix.len() + bytes.len() * 2));
    text.push_str(prefix);
    STANDARD.encode_string(bytes, &mut text);
    text
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}
