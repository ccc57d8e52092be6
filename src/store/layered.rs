use std::time::Duration;

use moka::sync::Cache;
use tokio::time::Instant;

use super::{
    Claim, Claimant, Fence, Fingerprint, Held, IdemKey, IdempotencyStore, Retention, StoreError,
    StoredAnswer,
};
use crate::time::{Clock as _, SystemClock};

/// Markers kept unless said otherwise.
const CAPACITY: u64 = 65_536;
/// How far the clocks of two instances may be apart.
const SKEW: Duration = Duration::from_secs(60);

/// A store with a memory in front of it, for what is completed and for nothing else.
///
/// A duplicate of what this instance completed costs no round trip; a claim always asks the store
/// behind. With [`with_retention`](Self::with_retention) that holds for what other instances
/// completed, too. What is remembered here is forgotten before the store behind forgets it, and may
/// be forgotten at any time: then the store is asked.
///
/// A duplicate at this instance hears what the layer completed with. A handler that completes in its
/// own transaction gives that the same answer.
///
/// # Example
///
/// ```no_run
/// # #[cfg(feature = "redis")]
/// # async fn example() -> Result<(), tower_webhook::store::ConnectError> {
/// use tower_webhook::store::{LayeredStore, RedisStore};
///
/// let store = LayeredStore::new(RedisStore::connect("redis://127.0.0.1").await?);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct LayeredStore<S> {
    shared: S,
    done: Cache<IdemKey, Marker>,
    // Claims of this instance: a completion says neither the payload nor when it was claimed.
    running: Cache<IdemKey, Run>,
    keep: Option<Retention>,
}

#[derive(Clone, Debug)]
struct Marker {
    payload: Fingerprint,
    answer: StoredAnswer,
    until: Instant,
}

#[derive(Clone, Debug)]
struct Run {
    fence: Fence,
    payload: Fingerprint,
    // Before the claim was asked for. The claim is completed later, so what is counted from here ends
    // before the memory of the store behind.
    since: Instant,
}

impl<S> LayeredStore<S> {
    /// Remembers 65,536 completed deliveries in front of `shared`.
    #[must_use]
    pub fn new(shared: S) -> Self {
        Self::with_capacity(shared, CAPACITY)
    }

    /// Remembers `capacity` completed deliveries in front of `shared`.
    #[must_use]
    pub fn with_capacity(shared: S, capacity: u64) -> Self {
        // Moka may evict what it likes: what it forgets is asked for behind.
        Self {
            shared,
            done: Cache::new(capacity),
            running: Cache::new(capacity),
            keep: None,
        }
    }

    /// Remembers what other instances completed, too. `keep` is the shortest retention that any of
    /// them completes with, and their clocks are at most 60 s apart: by that it is known how long the
    /// store behind will remember.
    #[must_use]
    pub fn with_retention(mut self, keep: Retention) -> Self {
        self.keep = Some(keep);
        self
    }

    fn remembered(&self, key: &IdemKey, payload: &Fingerprint, now: Instant) -> Option<Claim> {
        let marker = self.done.get(key)?;
        if now >= marker.until {
            self.done.invalidate(key);
            return None;
        }
        Some(if marker.payload == *payload {
            let answer = marker.answer;
            Claim::Done { answer }
        } else {
            Claim::Mismatch
        })
    }

    /// Remembers what another instance completed, as long as it is known to be remembered behind.
    fn learn(&self, key: &IdemKey, payload: &Fingerprint, answer: &StoredAnswer, now: Instant) {
        let Some(keep) = self.keep else { return };
        let age = SystemClock
            .unix_seconds()
            .saturating_sub(answer.accepted_at);
        // A time in the future says nothing about the age.
        let Ok(age) = u64::try_from(age) else { return };
        let left = keep
            .full
            .checked_sub(Duration::from_secs(age))
            .and_then(|left| left.checked_sub(SKEW));
        if let Some(left) = left {
            let marker = Marker {
                payload: *payload,
                answer: answer.clone(),
                until: now + left,
            };
            self.done.insert(key.clone(), marker);
        }
    }
}

impl<S: IdempotencyStore> IdempotencyStore for LayeredStore<S> {
    async fn claim(
        &self,
        key: &IdemKey,
        who: Claimant,
        payload: &Fingerprint,
        lease: Duration,
    ) -> Result<Claim, StoreError> {
        let now = Instant::now();
        if let Some(claim) = self.remembered(key, payload, now) {
            return Ok(claim);
        }
        let claim = self.shared.claim(key, who, payload, lease).await?;
        match &claim {
            Claim::Acquired { fence, .. } => {
                let run = Run {
                    fence: *fence,
                    payload: *payload,
                    since: now,
                };
                self.running.insert(key.clone(), run);
            }
            Claim::Done { answer } => self.learn(key, payload, answer, now),
            Claim::InProgress { .. } | Claim::Mismatch => {}
        }
        Ok(claim)
    }

    async fn renew(
        &self,
        key: &IdemKey,
        fence: Fence,
        lease: Duration,
    ) -> Result<Held, StoreError> {
        self.shared.renew(key, fence, lease).await
    }

    async fn complete(
        &self,
        key: &IdemKey,
        fence: Fence,
        answer: &StoredAnswer,
        keep: Retention,
    ) -> Result<Held, StoreError> {
        let held = self.shared.complete(key, fence, answer, keep).await?;
        let run = self.running.get(key).filter(|run| run.fence == fence);
        if let Some(run) = run {
            self.running.invalidate(key);
            if held == Held::Yes {
                let marker = Marker {
                    payload: run.payload,
                    answer: answer.clone(),
                    until: run.since + keep.full,
                };
                self.done.insert(key.clone(), marker);
            }
        }
        Ok(held)
    }

    async fn release(&self, key: &IdemKey, fence: Fence) -> Result<Held, StoreError> {
        if self.running.get(key).is_some_and(|run| run.fence == fence) {
            self.running.invalidate(key);
        }
        self.shared.release(key, fence).await
    }
}
