use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher as _, RandomState};
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::Instant;
use tower_webhook::store::{
    Claim, Claimant, Fence, Fingerprint, Held, IdemKey, IdempotencyStore, Retention, StoreError,
    StoredAnswer,
};

/// The least that a store can be: sixteen tables under locks, and the order in which records end. It is
/// what the other stores are measured against.
pub(crate) struct TableStore {
    shards: Vec<Mutex<Shard>>,
    hasher: RandomState,
    fences: AtomicU64,
}

#[derive(Default)]
struct Shard {
    records: HashMap<IdemKey, Record>,
    ends: VecDeque<(Instant, IdemKey)>,
}

struct Record {
    fence: Fence,
    who: Claimant,
    payload: Fingerprint,
    until: Instant,
    answer: Option<StoredAnswer>,
}

impl TableStore {
    pub(crate) fn new() -> Self {
        Self {
            shards: (0..16).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
            fences: AtomicU64::new(1),
        }
    }

    fn shard(&self, key: &IdemKey) -> MutexGuard<'_, Shard> {
        let index = self.hasher.hash_one(key) as usize % self.shards.len();
        self.shards[index].lock().expect("nobody panics under it")
    }
}

impl IdempotencyStore for TableStore {
    async fn claim(
        &self,
        key: &IdemKey,
        who: Claimant,
        payload: &Fingerprint,
        lease: Duration,
    ) -> Result<Claim, StoreError> {
        let now = Instant::now();
        let mut shard = self.shard(key);
        let mut reclaimed = false;
        if let Some(record) = shard.records.get(key) {
            reclaimed = now >= record.until;
            if record.payload != *payload {
                return Ok(Claim::Mismatch);
            }
            match &record.answer {
                Some(answer) if !reclaimed => {
                    let answer = answer.clone();
                    return Ok(Claim::Done { answer });
                }
                None if record.who == who => {
                    let (fence, reclaimed) = (record.fence, false);
                    return Ok(Claim::Acquired { fence, reclaimed });
                }
                None if !reclaimed => {
                    let retry_after = record.until - now;
                    return Ok(Claim::InProgress { retry_after });
                }
                _ => {}
            }
        }
        let fence = self.fences.fetch_add(1, Ordering::Relaxed);
        let fence = Fence::new(NonZeroU64::new(fence).expect("it starts at one"));
        let record = Record {
            fence,
            who,
            payload: *payload,
            until: now + lease,
            answer: None,
        };
        shard.records.insert(key.clone(), record);
        Ok(Claim::Acquired { fence, reclaimed })
    }

    async fn renew(
        &self,
        key: &IdemKey,
        fence: Fence,
        lease: Duration,
    ) -> Result<Held, StoreError> {
        let mut shard = self.shard(key);
        let record = shard.records.get_mut(key).filter(|r| r.fence == fence);
        Ok(record.map_or(Held::Lost, |record| {
            record.until = Instant::now() + lease;
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
        let mut shard = self.shard(key);
        let Some(record) = shard.records.get_mut(key).filter(|r| r.fence == fence) else {
            return Ok(Held::Lost);
        };
        record.answer = Some(answer.clone());
        record.until = now + keep.tombstone;
        let until = record.until;
        shard.ends.push_back((until, key.clone()));
        while let Some((_, key)) = shard.ends.pop_front_if(|(until, _)| now >= *until) {
            if shard.records.get(&key).is_some_and(|r| now >= r.until) {
                shard.records.remove(&key);
            }
        }
        Ok(Held::Yes)
    }

    async fn release(&self, key: &IdemKey, fence: Fence) -> Result<Held, StoreError> {
        let mut shard = self.shard(key);
        if shard.records.get(key).is_none_or(|r| r.fence != fence) {
            return Ok(Held::Lost);
        }
        shard.records.remove(key);
        Ok(Held::Yes)
    }
}
