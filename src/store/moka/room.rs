//! How a store with a bound comes by room.

use tokio::time::Instant;

use super::ledger::Due;
use super::{MokaStore, lock};
use crate::sync::Ordering;

impl MokaStore {
    /// Forgets what is due and, where that gives no room, one record past its safety window. Says
    /// whether there was room after that. Called without the lock of a shard.
    pub(super) fn make_room(&self, now: Instant) -> bool {
        self.sweep(now);
        for shard in &self.shards {
            self.give_slots(lock(shard).drop_lapsed(now));
        }
        if self.len() < self.capacity {
            return true;
        }
        let early = lock(&self.ledger).take_early(now);
        if let Some(due) = &early {
            self.early.fetch_add(1, Ordering::Relaxed);
            self.forget(due);
        }
        early.is_some()
    }

    /// Forgets and strips what is due.
    pub(super) fn sweep(&self, now: Instant) {
        let due = lock(&self.ledger).take_due(now);
        self.settle(due);
    }

    pub(super) fn settle(&self, (strip, forget): (Vec<Due>, Vec<Due>)) {
        for due in strip {
            let _shard = self.shard(&due.key);
            if let Some(mut record) = self.done.get(&due.key).filter(|r| r.fence == due.fence) {
                record.strip();
                self.done.insert(due.key, record);
            }
        }
        forget.iter().for_each(|due| self.forget(due));
    }

    fn forget(&self, due: &Due) {
        // Under the lock, so that a record that took the place of this one is not forgotten.
        let _shard = self.shard(&due.key);
        if self
            .done
            .get(&due.key)
            .is_some_and(|r| r.fence == due.fence)
        {
            self.done.invalidate(&due.key);
        }
        self.give_slots(1);
    }
}
