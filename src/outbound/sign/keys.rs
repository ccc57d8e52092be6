use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{KeyKind, SigningKey};
use crate::config::ConfigError;

/// The version of [`SigningKeys::to_bytes`].
const VERSION: u8 = 1;

/// The keys that sign for one endpoint: those of today, and those before them until they end.
///
/// # Example
///
/// ```
/// use tower_webhook::outbound::sign::{SigningKey, SigningKeys};
/// # let now = 1_800_000_000;
///
/// let keys = SigningKeys::new(SigningKey::generate());
/// // Both sign for another day.
/// let keys = keys.rotated(SigningKey::generate(), now + 86_400);
/// let sealed = keys.to_bytes();
/// assert!(SigningKeys::from_bytes(&sealed).is_ok());
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct SigningKeys(Vec<Held>);

/// A key and its end, in Unix seconds, which is included.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) key: SigningKey,
    pub(super) until: Option<i64>,
}

impl SigningKeys {
    /// Signs with `key`.
    pub fn new(key: SigningKey) -> Self {
        Self(vec![Held { key, until: None }])
    }

    /// Signs with `key` too, which is of another kind: a secret beside a private key.
    ///
    /// # Errors
    ///
    /// Returns an error when there is a key of this kind already that has no end: see
    /// [`rotated`](Self::rotated).
    pub fn and(mut self, key: SigningKey) -> Result<Self, ConfigError> {
        if self.current(key.kind()).is_some() {
            return Err(ConfigError::new("keys", "holds a key of this kind already"));
        }
        self.0.insert(0, Held { key, until: None });
        Ok(self)
    }

    /// Signs with `key` too, which was replaced, until this time in Unix seconds, included. Of several,
    /// the one replaced last is added first.
    pub fn with_previous(mut self, key: SigningKey, until: i64) -> Self {
        let until = Some(until);
        self.0.push(Held { key, until });
        self
    }

    /// Signs with `key`, and with those of its kind before it until this time in Unix seconds, included;
    /// those that end earlier keep their end.
    pub fn rotated(mut self, key: SigningKey, until: i64) -> Self {
        let olds = self.0.iter_mut();
        for old in olds.filter(|held| held.key.kind() == key.kind()) {
            old.until = Some(old.until.map_or(until, |end| end.min(until)));
        }
        self.0.insert(0, Held { key, until: None });
        self
    }

    /// Forgets the keys that ended before `now`, in Unix seconds.
    pub fn without_ended(mut self, now: i64) -> Self {
        self.0
            .retain(|held| held.until.is_none_or(|end| now <= end));
        self
    }

    /// The key of this kind that has no end.
    #[must_use]
    pub fn current(&self, kind: KeyKind) -> Option<&SigningKey> {
        let mut all = self.0.iter();
        let held = all.find(|held| held.key.kind() == kind && held.until.is_none());
        held.map(|held| &held.key)
    }

    /// When the last of the previous keys ends, in Unix seconds; `None` where there are none.
    #[must_use]
    pub fn grace_ends(&self) -> Option<i64> {
        self.0.iter().filter_map(|held| held.until).max()
    }

    /// All of them, the newest first.
    pub(super) fn held(&self) -> &[Held] {
        &self.0
    }

    /// Writes the keys, in the clear: to be sealed before they are stored.
    #[must_use]
    pub fn to_bytes(&self) -> KeyBytes {
        let keys = self.0.iter().map(|held| Line {
            key: Cow::Borrowed(held.key.reveal()),
            until: held.until,
        });
        let written = Written {
            version: VERSION,
            keys: keys.collect(),
        };
        // Room for all of it, each byte escaped: bytes that grew would leave copies behind.
        let room = self.0.iter().map(|held| 64 + 6 * held.key.reveal().len());
        let mut bytes = Zeroizing::new(Vec::with_capacity(32 + room.sum::<usize>()));
        serde_json::to_writer(&mut *bytes, &written).expect("texts and numbers can be written");
        KeyBytes(bytes)
    }

    /// Reads keys that were written by [`to_bytes`](Self::to_bytes).
    ///
    /// # Errors
    ///
    /// Returns an error when `bytes` are no keys or of a later version, and as for [`SigningKey::new`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ConfigError> {
        let unread = |_| ConfigError::new("keys", "are not in their encoding");
        let Written { version, keys } = serde_json::from_slice(bytes).map_err(unread)?;
        if version != VERSION {
            return Err(ConfigError::new("keys", "are of another version"));
        }
        if keys.is_empty() {
            return Err(ConfigError::new("keys", "are none"));
        }
        let keys = keys.into_iter().map(|Line { key, until }| {
            let key = SigningKey::new(key)?;
            Ok(Held { key, until })
        });
        keys.collect::<Result<Vec<_>, _>>().map(Self)
    }
}

impl From<SigningKey> for SigningKeys {
    fn from(key: SigningKey) -> Self {
        Self::new(key)
    }
}

// Without a `Debug`: it holds the keys in the clear.
#[derive(Serialize, Deserialize)]
struct Written<'k> {
    version: u8,
    #[serde(borrow)]
    keys: Vec<Line<'k>>,
}

#[derive(Serialize, Deserialize)]
struct Line<'k> {
    #[serde(borrow)]
    key: Cow<'k, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<i64>,
}

/// Keys written down, in the clear. Wiped when dropped.
#[derive(Clone)]
pub struct KeyBytes(Zeroizing<Vec<u8>>);

impl std::ops::Deref for KeyBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for KeyBytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for KeyBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyBytes(redacted)")
    }
}
