use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::Instant;
use tower_webhook::store::{
    Claim, Claimant, Fence, Fingerprint, Held, IdemKey, IdempotencyStore, Retention, StoreError,
    StoredAnswer,
};

/// The least that a store can be: a table under a lock, and the order in which records end. It is what the
/// other stores are measured against.
pub(crate) struct TableStore(Mutex<Table>, AtomicU64);

#[derive(Default)]
struct Table {
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
        Self(Mutex::default(), AtomicU64::new(1))
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().expect("nobody panics under it")
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
        let mut table = self.table();
        let entry = table.records.entry(key.clone());
        let mut reclaimed = false;
        if let Entry::Occupied(found) = &entry {
            let record = found.get();
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
        let fence = self.1.fetch_add(1, Ordering::Relaxed);
        let fence = Fence::new(NonZeroU64::new(fence).expect("it starts at one"));
        entry.insert_entry(Record {
            fence,
            who,
            payload: *payload,
            until: now + lease,
            answer: None,
        });
        Ok(Claim::Acquired { fence, reclaimed })
    }

    async fn renew(
        &self,
        key: &IdemKey,
        fence: Fence,
        lease: Duration,
    ) -> Result<Held, StoreError> {
        let mut table = self.table();
        let record = table.records.get_mut(key).filter(|r| r.fence == fence);
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
        let mut table = self.table();
        let Some(record) = table.records.get_mut(key).filter(|r| r.fence == fence) else {
            return Ok(Held::Lost);
        };
        record.answer = Some(answer.clone());
        record.until = now + keep.tombstone;
        let until = record.until;
        table.ends.push_back((until, key.clone()));
        while let Some((_, key)) = table.ends.pop_front_if(|(until, _)| now >= *until) {
            if table.records.get(&key).is_some_and(|r| now >= r.until) {
                table.records.remove(&key);
            }
        }
        Ok(Held::Yes)
    }

    async fn release(&self, key: &IdemKey, fence: Fence) -> Result<Held, StoreError> {
        let mut table = self.table();
        if table.records.get(key).is_none_or(|r| r.fence != fence) {
            return Ok(Held::Lost);
        }
        table.records.remove(key);
        Ok(Held::Yes)
    }
}
