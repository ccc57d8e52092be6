use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ::http::request::Parts;

use super::{Authenticator, Profile};
use crate::sync::{PoisonError, RwLock};

/// A scheme that can be replaced while the receiver runs, for new secrets. Clones share it.
///
/// A request is judged by the scheme that was in place when its head came; the next one by the new.
///
/// # Example
///
/// ```
/// use tower_webhook::scheme::{HmacScheme, Swap};
/// use tower_webhook::secret::Secret;
///
/// let now = 1_800_000_000;
/// let old = Secret::new("the old one, 16+ bytes")?;
/// let scheme = Swap::new(HmacScheme::github(old.clone()));
/// // … the layers are built with `scheme.clone()`, and some day:
/// let new = Secret::new("the new one, 16+ bytes")?;
/// scheme.replace(HmacScheme::github(new).or_secret(old.retired_at(now)));
/// # Ok::<(), tower_webhook::secret::SecretError>(())
/// ```
pub struct Swap<V>(Arc<RwLock<Arc<V>>>);

impl<V> Swap<V> {
    /// Begins with `scheme`.
    #[must_use]
    pub fn new(scheme: V) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(scheme))))
    }

    /// Puts `scheme` in place, for all clones.
    pub fn replace(&self, scheme: V) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(scheme);
    }

    /// The scheme that is in place.
    #[must_use]
    pub fn current(&self) -> Arc<V> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<V: Authenticator> Authenticator for Swap<V> {
    type Pass = V::Pass;
    type Opening = V::Opening;

    fn open(&self, head: &Parts) -> V::Opening {
        self.current().open(head)
    }

    fn profile(&self) -> Option<Arc<Profile>> {
        self.current().profile()
    }

    fn max_window(&self) -> Duration {
        self.current().max_window()
    }
}

// Not derived, because that would require `V: Clone`.
impl<V> Clone for Swap<V> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<V: fmt::Debug> fmt::Debug for Swap<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Swap").field(&self.current()).finish()
    }
}
