//! Signing secrets: never empty, never short, never printed, wiped when dropped.

use std::error::Error as StdError;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// Shortest key that is accepted, in bytes. NIST SP 800-107 asks for keys of at least half the
/// digest; 16 bytes are what the shortest-keyed large providers issue.
pub const MIN_SECRET_BYTES: usize = 16;

/// A signing key.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes the bytes of `text` as the key.
    ///
    /// # Errors
    ///
    /// Returns an error when `text` is empty, only white space, or under [`MIN_SECRET_BYTES`].
    pub fn new(text: impl AsRef<[u8]>) -> Result<Self, SecretError> {
        let key = text.as_ref();
        if key.len() < MIN_SECRET_BYTES {
            return Err(SecretError(if key.trim_ascii().is_empty() {
                SecretErrorKind::Empty
            } else {
                SecretErrorKind::Short
            }));
        }
        Self::dangerous_any_length(key)
    }

    /// Decodes a Standard Webhooks secret: base64, with or without `whsec_` before it.
    ///
    /// # Errors
    ///
    /// Returns an error when the text is not base64, or as for [`new`](Self::new).
    pub fn standard_webhooks(text: &str) -> Result<Self, SecretError> {
        let text = text.strip_prefix("whsec_").unwrap_or(text);
        let key = STANDARD
            .decode(text)
            .map_err(|_| SecretError(SecretErrorKind::Encoding))?;
        Self::new(Zeroizing::new(key))
    }

    /// Takes a key of any length but zero. Under 16 bytes a key can be guessed.
    ///
    /// # Errors
    ///
    /// Returns an error when `key` is empty or only white space: with an empty key anybody can sign.
    pub fn dangerous_any_length(key: impl AsRef<[u8]>) -> Result<Self, SecretError> {
        let key = key.as_ref();
        if key.trim_ascii().is_empty() {
            return Err(SecretError(SecretErrorKind::Empty));
        }
        Ok(Self(Zeroizing::new(key.to_vec())))
    }

    pub(crate) fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

/// Why a secret was refused. Never holds the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretError(SecretErrorKind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SecretErrorKind {
    Empty,
    Short,
    Encoding,
}

impl fmt::Display for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            SecretErrorKind::Empty => "`secret` is empty",
            SecretErrorKind::Short => "`secret` is shorter than 16 bytes",
            SecretErrorKind::Encoding => "`secret` is not base64",
        })
    }
}

impl StdError for SecretError {}
