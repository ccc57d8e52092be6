//! Signing secrets: never empty, never short, never printed, wiped when dropped.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// Shortest key that is accepted, in bytes. NIST SP 800-107 asks for keys of at least half the
/// digest; 16 bytes are what the shortest-keyed large providers issue.
pub const MIN_SECRET_BYTES: usize = 16;

/// How long an old key is accepted after a rotation, in seconds: 24 h, which covers the retries of
/// most providers.
pub const ROTATION_GRACE: i64 = 86_400;

/// A signing key, and when it is accepted.
#[derive(Clone)]
#[must_use]
pub struct Secret {
    key: Zeroizing<Vec<u8>>,
    validity: Validity,
    id: Option<Arc<str>>,
}

/// When a key is accepted, in Unix seconds, both ends included.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Validity {
    not_before: Option<i64>,
    not_after: Option<i64>,
}

impl Validity {
    pub(crate) fn is_dated(self) -> bool {
        self.not_before.is_some() || self.not_after.is_some()
    }

    pub(crate) fn holds_at(self, now: i64) -> bool {
        self.not_before.is_none_or(|start| start <= now)
            && self.not_after.is_none_or(|end| now <= end)
    }
}

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
        Self::base64(text)
    }

    /// Decodes a key that is given as hex digits.
    ///
    /// # Errors
    ///
    /// Returns an error when the text is not hex digits, or as for [`new`](Self::new).
    pub fn hex(text: &str) -> Result<Self, SecretError> {
        let key = const_hex::decode(text).map_err(|_| SecretError(SecretErrorKind::Encoding))?;
        Self::new(Zeroizing::new(key))
    }

    /// Decodes a key that is given as padded base64.
    ///
    /// # Errors
    ///
    /// Returns an error when the text is not base64, or as for [`new`](Self::new).
    pub fn base64(text: &str) -> Result<Self, SecretError> {
        let key = STANDARD.decode(text);
        let key = key.map_err(|_| SecretError(SecretErrorKind::Encoding))?;
        Self::new(Zeroizing::new(key))
    }

    /// Takes an app secret of Dropbox, which has 15 characters.
    ///
    /// # Errors
    ///
    /// Returns an error when `text` is shorter.
    pub fn dropbox(text: impl AsRef<[u8]>) -> Result<Self, SecretError> {
        match text.as_ref() {
            key if key.len() == MIN_SECRET_BYTES - 1 => Self::dangerous_any_length(key),
            key => Self::new(key),
        }
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
        Ok(Self {
            key: Zeroizing::new(key.to_vec()),
            validity: Validity::default(),
            id: None,
        })
    }

    /// The key is not accepted before this time, in Unix seconds.
    pub fn not_before(mut self, unix_seconds: i64) -> Self {
        self.validity.not_before = Some(unix_seconds);
        self
    }

    /// The key is not accepted after this time, in Unix seconds. 24 h after a rotation is the
    /// usual grace: it covers the retries of most providers.
    pub fn not_after(mut self, unix_seconds: i64) -> Self {
        self.validity.not_after = Some(unix_seconds);
        self
    }

    /// The key was replaced at this time, in Unix seconds, and is accepted for [`ROTATION_GRACE`] more:
    /// deliveries that were signed with it are still on their way.
    pub fn retired_at(self, unix_seconds: i64) -> Self {
        self.not_after(unix_seconds.saturating_add(ROTATION_GRACE))
    }

    /// Names the key. The name of the one that matched is told with the delivery and to the observer;
    /// it must not say anything of the key.
    pub fn with_id(mut self, id: impl Into<Arc<str>>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// The name of the key.
    #[must_use]
    pub fn id(&self) -> Option<&Arc<str>> {
        self.id.as_ref()
    }

    /// The key itself, for whoever was handed it by a provider and must keep it.
    #[must_use]
    pub fn reveal(&self) -> &[u8] {
        &self.key
    }

    pub(crate) fn expose(&self) -> &[u8] {
        &self.key
    }

    pub(crate) fn validity(&self) -> Validity {
        self.validity
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

impl SecretError {
    /// What is wrong, without the name of the setting.
    pub(crate) fn reason(self) -> &'static str {
        match self.0 {
            SecretErrorKind::Empty => "is empty",
            SecretErrorKind::Short => "is shorter than 16 bytes",
            SecretErrorKind::Encoding => "is not in its encoding",
        }
    }
}

impl fmt::Display for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`secret` {}", self.reason())
    }
}

impl StdError for SecretError {}
