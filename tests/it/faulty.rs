//! A store that fails as told.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tower_webhook::store::{
    Claim, Claimant, Fence, Fingerprint, Held, IdemKey, IdempotencyStore, MokaStore, Retention,
    StoreError, StoredAnswer,
};

/// A store that counts what it is asked, and fails as often as it is told.
#[derive(Debug, Default)]
pub(crate) struct Faulty {
    inner: MokaStore,
    pub(crate) claimants: Mutex<Vec<Claimant>>,
    pub(crate) calls: AtomicUsize,
    pub(crate) claims_to_fail: AtomicUsize,
    pub(crate) completions_to_fail: AtomicUsize,
    pub(crate) completions: AtomicUsize,
    pub(crate) kept: Mutex<Vec<Retention>>,
    pub(crate) renewals: AtomicUsize,
    pub(crate) renewals_to_hang: AtomicUsize,
    pub(crate) releases: AtomicUsize,
    pub(crate) releases_to_fail: AtomicUsize,
    pub(crate) is_lost: AtomicBool,
    pub(crate) is_full: AtomicBool,
}

fn fails(count: &AtomicUsize) -> Result<(), StoreError> {
    let left = count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
        left.checked_sub(1)
    });
    left.map_or(Ok(()), |_| Err(StoreError::unavailable("as told")))
}

impl IdempotencyStore for Faulty {
    async fn claim(
        &self,
        key: &IdemKey,
        who: Claimant,
        payload: &Fingerprint,
        lease: Duration,
    ) -> Result<Claim, StoreError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.claimants.lock().unwrap().push(who);
        fails(&self.claims_to_fail)?;
        if self.is_full.load(Ordering::Relaxed) {
            return Err(StoreError::full());
        }
        self.inner.claim(key, who, payload, lease).await
    }

    async fn renew(
        &self,
        key: &IdemKey,
        fence: Fence,
        lease: Duration,
    ) -> Result<Held, StoreError> {
        self.renewals.fetch_add(1, Ordering::Relaxed);
        if fails(&self.renewals_to_hang).is_err() {
            return std::future::pending().await;
        }
        if self.is_lost.load(Ordering::Relaxed) {
            return Ok(Held::Lost);
        }
        self.inner.renew(key, fence, lease).await
    }

    async fn complete(
        &self,
        key: &IdemKey,
        fence: Fence,
        answer: &StoredAnswer,
        keep: Retention,
    ) -> Result<Held, StoreError> {
        self.completions.fetch_add(1, Ordering::Relaxed);
        self.kept.lock().unwrap().push(keep);
        fails(&self.completions_to_fail)?;
        if self.is_lost.load(Ordering::Relaxed) {
            return Ok(Held::Lost);
        }
        self.inner.complete(key, fence, answer, keep).await
    }

    async fn release(&self, key: &IdemKey, fence: Fence) -> Result<Held, StoreError> {
        self.releases.fetch_add(1, Ordering::Relaxed);
        fails(&self.releases_to_fail)?;
        self.inner.release(key, fence).await
    }
}
