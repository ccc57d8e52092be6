use std::fmt;

use sha2::Digest as _;
use zeroize::Zeroizing;

use super::entry::SecretFormat;
use crate::config::ConfigError;
use crate::secret::Secret;

/// A secret as it stands in a configuration, before it is known how it is written.
#[derive(Clone)]
#[must_use]
pub struct SecretText {
    text: Zeroizing<String>,
    // The key itself, where it is decoded already.
    key: Option<Secret>,
    id: Option<String>,
    not_before: Option<i64>,
    not_after: Option<i64>,
}

impl SecretText {
    /// Takes the text as the provider gives it.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: Zeroizing::new(text.into()),
            key: None,
            id: None,
            not_before: None,
            not_after: None,
        }
    }

    /// See [`Secret::with_id`].
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// See [`Secret::not_before`].
    pub fn not_before(mut self, unix_seconds: i64) -> Self {
        self.not_before = Some(unix_seconds);
        self
    }

    /// See [`Secret::not_after`].
    pub fn not_after(mut self, unix_seconds: i64) -> Self {
        self.not_after = Some(unix_seconds);
        self
    }

    /// What tells two secrets apart without keeping either.
    pub(crate) fn digest(&self) -> [u8; 32] {
        let key = self
            .key
            .as_ref()
            .map_or(self.text.as_bytes(), Secret::expose);
        sha2::Sha256::digest(key).into()
    }

    #[cfg_attr(
        not(any(
            feature = "ed25519",
            feature = "ecdsa",
            feature = "x509",
            feature = "jwt",
            feature = "rfc9421"
        )),
        expect(dead_code, reason = "only keys that are no secrets are read so")
    )]
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    pub(in crate::scheme) fn read(
        &self,
        format: SecretFormat,
        allows_short: bool,
    ) -> Result<Secret, ConfigError> {
        if let Some(key) = &self.key {
            return Ok(self.dated(key.clone()));
        }
        let text = self.text.as_str();
        let secret = match format {
            _ if text.trim().is_empty() => Secret::new(""),
            SecretFormat::Whsec => Secret::standard_webhooks(text),
            SecretFormat::Base64 => Secret::base64(text),
            SecretFormat::Hex => Secret::hex(text),
            SecretFormat::Text15 if text.len() == 15 => Secret::dropbox(text),
            _ if allows_short => Secret::dangerous_any_length(text),
            _ => Secret::new(text),
        };
        let secret = secret.map_err(|err| ConfigError::new("signing_secrets", err.reason()))?;
        Ok(self.dated(secret))
    }

    fn dated(&self, mut secret: Secret) -> Secret {
        if let Some(time) = self.not_before {
            secret = secret.not_before(time);
        }
        if let Some(time) = self.not_after {
            secret = secret.not_after(time);
        }
        if let Some(id) = &self.id {
            secret = secret.with_id(id.as_str());
        }
        secret
    }
}

/// A key that is decoded already, however the provider writes it. Its dates and its id stay.
impl From<Secret> for SecretText {
    fn from(key: Secret) -> Self {
        Self {
            key: Some(key),
            ..Self::new("")
        }
    }
}

impl From<&str> for SecretText {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretText")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
