//! Keys that are known by an id: pinned, or cached by the user, never fetched from in here.

mod key;
mod pinned;

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

pub(super) use self::key::Algorithm;
pub use self::key::VerifyingKey;
pub use self::pinned::PinnedKeys;
use super::{AuthError, AuthErrorKind};
use crate::time::Clock;

/// Gives the key of an id from what is at hand.
///
/// The id is what the sender wrote: the `kid` of a token, the `keyid` of an RFC 9421 signature
/// (empty where there is none), or the URL of a certificate. It is not authenticated. A URL is
/// asked for only after it has passed the provider's host rule.
///
/// The look-up is synchronous and must not wait: it answers from [`PinnedKeys`], or from a cache
/// that something else fills. A source that has to fetch says [`KeyError::Unavailable`], remembers
/// the id, and has it when the sender tries again.
///
/// # Deployment caveat
///
/// Anybody can ask for any id, so a source that fetches must bound how many ids it remembers and
/// how often it asks, and remember for a while which ids the provider does not know. A certificate
/// is trusted because the source gave it: fetch it over TLS with the host checked, without
/// following redirects.
///
/// # Example
///
/// ```
/// use std::collections::{HashMap, HashSet};
/// use std::sync::{Arc, Mutex};
///
/// use tower_webhook::scheme::{KeyError, KeySource, VerifyingKey};
///
/// #[derive(Default)]
/// struct Cached {
///     keys: Mutex<HashMap<String, Arc<VerifyingKey>>>,
///     wanted: Mutex<HashSet<String>>, // a task fetches these
/// }
///
/// impl KeySource for Cached {
///     fn find(&self, id: &str) -> Result<Arc<VerifyingKey>, KeyError> {
///         if let Some(key) = self.keys.lock().unwrap().get(id) {
///             return Ok(Arc::clone(key));
///         }
///         let mut wanted = self.wanted.lock().unwrap();
///         if wanted.len() >= 16 {
///             return Err(KeyError::Unknown);
///         }
///         wanted.insert(id.to_owned());
///         Err(KeyError::Unavailable)
///     }
/// }
/// ```
pub trait KeySource: Send + Sync + 'static {
    /// Gives the key of `id`.
    ///
    /// # Errors
    ///
    /// [`KeyError::Unknown`] when there is no such key, [`KeyError::Unavailable`] when that cannot
    /// be said yet.
    fn find(&self, id: &str) -> Result<Arc<VerifyingKey>, KeyError>;
}

impl<K: KeySource + ?Sized> KeySource for Arc<K> {
    fn find(&self, id: &str) -> Result<Arc<VerifyingKey>, KeyError> {
        (**self).find(id)
    }
}

/// Why there is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// Nobody has a key of this id: [`AuthErrorKind::UnknownKey`].
    Unknown,
    /// The key is not here yet: [`AuthErrorKind::KeyUnavailable`], so that the sender tries again.
    Unavailable,
}

impl From<KeyError> for AuthError {
    fn from(err: KeyError) -> Self {
        match err {
            KeyError::Unknown => AuthErrorKind::UnknownKey.into(),
            KeyError::Unavailable => AuthErrorKind::KeyUnavailable.into(),
        }
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "the key is unknown",
            Self::Unavailable => "the key is not available yet",
        })
    }
}

impl StdError for KeyError {}

/// The key of `id`, where it is accepted today.
pub(super) fn find(
    keys: &dyn KeySource,
    clock: &dyn Clock,
    id: &str,
) -> Result<Arc<VerifyingKey>, AuthError> {
    let key = keys.find(id)?;
    if key.is_dated() && !key.holds_at(clock.unix_seconds()) {
        return Err(AuthErrorKind::UnknownKey.into());
    }
    Ok(key)
}
