use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::{
    Claim, Claimant, Fence, Fingerprint, Held, IdemKey, IdempotencyStore, Retention, StoreError,
    StoredAnswer,
};

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// A store of any kind, chosen at run time. A clone is the same store.
///
/// # Example
///
/// ```
/// # #[cfg(feature = "moka")] {
/// use tower_webhook::store::{BoxStore, MokaStore};
///
/// let store = BoxStore::new(MokaStore::new());
/// # }
/// ```
#[derive(Clone)]
pub struct BoxStore(Arc<dyn DynStore>);

impl BoxStore {
    /// Hides the kind of `store`, at one allocation a call.
    #[must_use]
    pub fn new(store: impl IdempotencyStore) -> Self {
        Self(Arc::new(store))
    }
}

impl fmt::Debug for BoxStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoxStore").finish_non_exhaustive()
    }
}

/// The object-safe twin of [`IdempotencyStore`], which every store has.
trait DynStore: Send + Sync + 'static {
    fn claim<'a>(
        &'a self,
        key: &'a IdemKey,
        who: Claimant,
        payload: &'a Fingerprint,
        lease: Duration,
    ) -> BoxFuture<'a, Claim>;

    fn renew<'a>(&'a self, key: &'a IdemKey, fence: Fence, lease: Duration) -> BoxFuture<'a, Held>;

    fn complete<'a>(
        &'a self,
        key: &'a IdemKey,
        fence: Fence,
        answer: &'a StoredAnswer,
        keep: Retention,
    ) -> BoxFuture<'a, Held>;

    fn release<'a>(&'a self, key: &'a IdemKey, fence: Fence) -> BoxFuture<'a, Held>;
}

impl<S: IdempotencyStore> DynStore for S {
    fn claim<'a>(
        &'a self,
        key: &'a IdemKey,
        who: Claimant,
        payload: &'a Fingerprint,
        lease: Duration,
    ) -> BoxFuture<'a, Claim> {
        Box::pin(IdempotencyStore::claim(self, key, who, payload, lease))
    }

    fn renew<'a>(&'a self, key: &'a IdemKey, fence: Fence, lease: Duration) -> BoxFuture<'a, Held> {
        Box::pin(IdempotencyStore::renew(self, key, fence, lease))
    }

    fn complete<'a>(
        &'a self,
        key: &'a IdemKey,
        fence: Fence,
        answer: &'a StoredAnswer,
        keep: Retention,
    ) -> BoxFuture<'a, Held> {
        Box::pin(IdempotencyStore::complete(self, key, fence, answer, keep))
    }

    fn release<'a>(&'a self, key: &'a IdemKey, fence: Fence) -> BoxFuture<'a, Held> {
        Box::pin(IdempotencyStore::release(self, key, fence))
    }
}

impl IdempotencyStore for BoxStore {
    async fn claim(
        &self,
        key: &IdemKey,
        who: Claimant,
        payload: &Fingerprint,
        lease: Duration,
    ) -> Result<Claim, StoreError> {
        DynStore::claim(&*self.0, key, who, payload, lease).await
    }

    async fn renew(
        &self,
        key: &IdemKey,
        fence: Fence,
        lease: Duration,
    ) -> Result<Held, StoreError> {
        DynStore::renew(&*self.0, key, fence, lease).await
    }

    async fn complete(
        &self,
        key: &IdemKey,
        fence: Fence,
        answer: &StoredAnswer,
        keep: Retention,
    ) -> Result<Held, StoreError> {
        DynStore::complete(&*self.0, key, fence, answer, keep).await
    }

    async fn release(&self, key: &IdemKey, fence: Fence) -> Result<Held, StoreError> {
        DynStore::release(&*self.0, key, fence).await
    }
}
