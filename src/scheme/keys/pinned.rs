use std::collections::HashMap;
use std::sync::Arc;

use super::{KeyError, KeySource, VerifyingKey};

/// A fixed set of keys.
///
/// # Example
///
/// ```
/// # #[cfg(feature = "rfc9421")] {
/// use tower_webhook::scheme::{PinnedKeys, VerifyingKey};
/// use tower_webhook::secret::Secret;
///
/// let keys = PinnedKeys::new()
///     .with("key-2025", VerifyingKey::hmac_sha256(Secret::new("the old one, 16+ bytes")?))
///     .with("key-2026", VerifyingKey::hmac_sha256(Secret::new("the new one, 16+ bytes")?));
/// # }
/// # Ok::<(), tower_webhook::secret::SecretError>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct PinnedKeys {
    by_id: HashMap<Box<str>, Arc<VerifyingKey>>,
    any: Option<Arc<VerifyingKey>>,
}

impl PinnedKeys {
    /// No key at all: every id is unknown.
    pub fn new() -> Self {
        Self::default()
    }

    /// One key, whatever id the sender names.
    pub fn one(key: VerifyingKey) -> Self {
        Self {
            by_id: HashMap::new(),
            any: Some(Arc::new(key)),
        }
    }

    /// Adds the key of `id`: a `kid`, a `keyid` or the URL of a certificate, letter for letter.
    pub fn with(mut self, id: impl Into<Box<str>>, key: VerifyingKey) -> Self {
        self.by_id.insert(id.into(), Arc::new(key));
        self
    }

    /// Adds a JSON Web Key under its own `kid`. See [`VerifyingKey::jwk`].
    ///
    /// # Errors
    ///
    /// Returns an error when the key has no `kid`, or as for [`VerifyingKey::jwk`].
    #[cfg(feature = "jwt")]
    pub fn with_jwk(self, json: &str) -> Result<Self, crate::config::ConfigError> {
        let (id, key) = super::key::jwk(json)?;
        let id = id.ok_or_else(|| crate::config::ConfigError::new("kid", "is missing"))?;
        Ok(self.with(id, key))
    }
}

impl KeySource for PinnedKeys {
    fn find(&self, id: &str) -> Result<Arc<VerifyingKey>, KeyError> {
        let key = self.by_id.get(id).or(self.any.as_ref());
        key.cloned().ok_or(KeyError::Unknown)
    }
}
