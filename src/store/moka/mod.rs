mod ledger;
mod record;
mod room;
mod shard;

use std::fmt;
use std::hash::{BuildHasher as _, BuildHasherDefault};
use std::num::NonZeroU64;
use std::time::Duration;

use moka::sync::Cache;
use tokio::time::Instant;

use self::ledger::{Due, Ledger};
use self::record::Record;
use self::shard::{Brought, Flight, Shard};
use super::{
    Claim, Claimant, Fence, Fingerprint, Held, IdemKey, IdempotencyStore, Retention, StoreError,
    StoredAnswer,
};
use crate::sync::{AtomicU64, AtomicUsize, Mutex, MutexGuard, Ordering, PoisonError};
use crate::time::{Clock as _, SystemClock};

/// Records kept unless said otherwise: 136 MB at the 517 bytes a record that were measured.
const CAPACITY: usize = 262_144;
const SHARDS: usize = 64;

/// A store in the memory of one process. Nothing of it survives a restart, and other instances do
/// not see it. A record takes about 520 bytes: see [capacity](crate::store#capacity).
///
/// Claims stand in a table, completed deliveries in a [`moka`] cache that is not allowed to evict:
/// its policy would forget the newest markers first. The store keeps its own bound and forgets only
/// what its [`Retention`] allows; without room it refuses claims.
pub struct MokaStore {
    shards: Box<[Mutex<Shard>]>,
    done: Cache<IdemKey, Record, BuildHasherDefault<Brought>>,
    ledger: Mutex<Ledger>,
    fences: AtomicU64,
    // One slot a claim and one a completed record; a claim's slot becomes the record's.
    slots: AtomicUsize,
    early: AtomicU64,
    capacity: usize,
}

impl MokaStore {
    /// A store of 262,144 records.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(CAPACITY)
    }

    /// A store of `capacity` records, claims included.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        // A fence must be greater than those of the process before this one.
        let start = SystemClock.unix_seconds().unsigned_abs();
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            // Room for the usual number at once: to grow costs as much as half a write.
            done: Cache::builder()
                .initial_capacity(capacity.min(CAPACITY))
                .build_with_hasher(BuildHasherDefault::default()),
            ledger: Mutex::default(),
            fences: AtomicU64::new(start.saturating_mul(1_000_000).max(1)),
            slots: AtomicUsize::new(0),
            early: AtomicU64::new(0),
            capacity: capacity.max(1),
        }
    }

    /// Records held at this moment, claims included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.load(Ordering::Relaxed)
    }

    /// Records held at most.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// How many completed deliveries were forgotten before their retention was over, for want of room.
    /// All were older than their safety window; a late retry of one runs again. Where this grows, the
    /// capacity is too small for the traffic.
    #[must_use]
    pub fn forgotten_early(&self) -> u64 {
        self.early.load(Ordering::Relaxed)
    }

    /// Whether nothing is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn shard(&self, key: &IdemKey) -> MutexGuard<'_, Shard> {
        let hash = BuildHasherDefault::<Brought>::default().hash_one(key);
        // The upper bits: a table finds its places by the lower ones. The remainder is below `SHARDS`.
        lock(&self.shards[(hash >> 32) as usize % SHARDS])
    }

    fn next_fence(&self) -> Fence {
        let number = self.fences.fetch_add(1, Ordering::Relaxed);
        Fence::new(NonZeroU64::new(number).expect("the counter starts above zero"))
    }

    /// The completed record of `key`. Asked under the lock of its shard.
    fn record(&self, key: &IdemKey, now: Instant) -> Option<Record> {
        self.done.get(key).filter(|record| record.is_kept_at(now))
    }

    fn take_slot(&self) -> bool {
        let taken = self
            .slots
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |slots| {
                (slots < self.capacity).then_some(slots + 1)
            });
        taken.is_ok()
    }

    fn give_slots(&self, count: usize) {
        self.slots.fetch_sub(count, Ordering::Relaxed);
    }

    fn try_claim(
        &self,
        key: &IdemKey,
        who: Claimant,
        payload: &Fingerprint,
        lease: Duration,
        now: Instant,
    ) -> Option<Claim> {
        let mut shard = self.shard(key);
        if let Some(flight) = shard.get(key) {
            if let Some(answer) = flight.answer_to(who, payload, now) {
                return Some(answer);
            }
        } else if let Some(record) = self.record(key, now) {
            return Some(record.answer_to(payload, now));
        } else if !self.take_slot() {
            return None;
        }
        let fence = self.next_fence();
        let flight = Flight::new(fence, who, *payload, lease, now);
        let before = shard.insert(key.clone(), flight);
        let reclaimed = before.is_some_and(|before| !before.is_released());
        self.give_slots(shard.drop_lapsed_if_grown(now));
        Some(Claim::Acquired { fence, reclaimed })
    }
}

impl IdempotencyStore for MokaStore {
    async fn claim(
        &self,
        key: &IdemKey,
        who: Claimant,
        payload: &Fingerprint,
        lease: Duration,
    ) -> Result<Claim, StoreError> {
        let now = Instant::now();
        loop {
            if let Some(claim) = self.try_claim(key, who, payload, lease, now) {
                return Ok(claim);
            }
            // Again, for another claim may take the room before this one does.
            if !self.make_room(now) {
                return Err(StoreError::full());
            }
        }
    }

    async fn renew(
        &self,
        key: &IdemKey,
        fence: Fence,
        lease: Duration,
    ) -> Result<Held, StoreError> {
        let mut shard = self.shard(key);
        let flight = shard.get_mut(key).filter(|flight| flight.is_run_by(fence));
        Ok(flight.map_or(Held::Lost, |flight| {
            flight.renew(lease, Instant::now());
            Held::Yes
        }))
    }

    async fn complete(
        &self,
        key: &IdemKey,
        fence: Fence,
        answer: &StoredAnswer,
        keep: Retention,
    ) -> Result<Held, StoreError> {
        let now = Instant::now();
        {
            let mut shard = self.shard(key);
            let flight = shard.get(key);
            let Some(flight) = flight.filter(|flight| flight.is_run_by(fence)) else {
                let known = self.record(key, now).is_some_and(|r| r.fence == fence);
                return Ok(if known { Held::Yes } else { Held::Lost });
            };
            let record = Record::new(fence, flight.payload(), answer, keep, now);
            self.done.insert(key.clone(), record);
            shard.remove(key);
        }
        let key = key.clone();
        let due = {
            let mut ledger = lock(&self.ledger);
            ledger.enter(Due { key, fence }, keep, now);
            ledger.take_due(now)
        };
        self.settle(due);
        Ok(Held::Yes)
    }

    async fn release(&self, key: &IdemKey, fence: Fence) -> Result<Held, StoreError> {
        let mut shard = self.shard(key);
        let flight = shard.get_mut(key).filter(|flight| flight.fence() == fence);
        Ok(flight.map_or(Held::Lost, |flight| {
            flight.release(Instant::now());
            Held::Yes
        }))
    }
}

impl Default for MokaStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MokaStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MokaStore")
            .field("len", &self.len())
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}

/// No code under these locks can panic half-way through a change.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
