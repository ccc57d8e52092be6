//! The memory of deliveries, small enough to be full soon.

use std::time::Duration;

use tower_webhook::store::{
    Claim, Claimant, Fence, Fingerprint, Held, IdemKey, IdempotencyStore, MokaStore, Retention,
    StoreError, StoredAnswer,
};

/// Full after six minutes at 200 events a second: from then on the oldest delivery that its signed time guards goes for
/// each that comes. The longest window and skew have 360 s together.
const CAPACITY: usize = 30_000;
/// How long what no signed time guards is remembered: an hour has no week.
const MINUTES: Duration = Duration::from_secs(240);

/// `MokaStore`, but for the week that deliveries without a signed time are kept.
#[derive(Debug)]
pub(crate) struct Minutes(MokaStore);

impl Minutes {
    pub(crate) fn new() -> Self {
        Self(MokaStore::with_capacity(CAPACITY))
    }

    /// What it holds, and what it forgot.
    pub(crate) fn story(&self) -> String {
        let (len, early) = (self.0.len(), self.0.forgotten_early());
        format!("{len} of {CAPACITY} records, {early} forgotten to make room")
    }
}

impl IdempotencyStore for Minutes {
    async fn claim(
        &self,
        key: &IdemKey,
        who: Claimant,
        payload: &Fingerprint,
        lease: Duration,
    ) -> Result<Claim, StoreError> {
        self.0.claim(key, who, payload, lease).await
    }

    async fn renew(
        &self,
        key: &IdemKey,
        fence: Fence,
        lease: Duration,
    ) -> Result<Held, StoreError> {
        self.0.renew(key, fence, lease).await
    }

    async fn complete(
        &self,
        key: &IdemKey,
        fence: Fence,
        answer: &StoredAnswer,
        keep: Retention,
    ) -> Result<Held, StoreError> {
        let keep = match keep.safety {
            Some(_) => keep,
            None => Retention::new(MINUTES / 2, MINUTES),
        };
        self.0.complete(key, fence, answer, keep).await
    }

    async fn release(&self, key: &IdemKey, fence: Fence) -> Result<Held, StoreError> {
        self.0.release(key, fence).await
    }
}
