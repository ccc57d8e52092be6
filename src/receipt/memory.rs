use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::store::MAX_ATTEMPTS;
use super::{
    NewReceipt, Reason, Receipt, ReceiptError, ReceiptId, ReceiptQuery, ReceiptStore, State,
    Transition,
};

/// Receipts in the memory of the process, up to a number: the oldest that is final goes first.
pub struct MemoryReceipts {
    capacity: usize,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    // In the order they came.
    rows: BTreeMap<u64, Receipt>,
    places: HashMap<ReceiptId, u64>,
    next: u64,
}

impl MemoryReceipts {
    /// Keeps up to 10,000 receipts.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(10_000)
    }

    /// Keeps up to `capacity` receipts. Where all are open, new ones are refused.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            capacity: capacity.max(1),
            table: Mutex::default(),
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // No code under this lock can panic half-way through a change.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn remove(&mut self, place: u64) {
        if let Some(row) = self.rows.remove(&place) {
            self.places.remove(&row.id);
        }
    }

    /// Makes room among the receipts of one payload, and among all.
    fn make_room(&mut self, new: &NewReceipt, capacity: usize) -> bool {
        let same = |row: &Receipt| row.digest == new.digest && row.connection == new.connection;
        let of_same = self.rows.values().filter(|row| same(row)).count();
        if of_same >= MAX_ATTEMPTS {
            let rows = self.rows.iter();
            let last = rows.filter(|(_, row)| same(row) && row.state.is_final());
            // Of equals the first, which is the oldest.
            let oldest = last.min_by_key(|(_, row)| row.state.name() == "acknowledged");
            if let Some(place) = oldest.map(|(place, _)| *place) {
                self.remove(place);
            }
        }
        if self.rows.len() >= capacity {
            let mut rows = self.rows.iter();
            let oldest = rows.find(|(_, row)| row.state.is_final());
            match oldest.map(|(place, _)| *place) {
                Some(place) => self.remove(place),
                None => return false,
            }
        }
        true
    }
}

impl ReceiptStore for MemoryReceipts {
    async fn receive(&self, receipt: &NewReceipt) -> Result<(), ReceiptError> {
        let mut table = self.table();
        if table.places.contains_key(&receipt.id) {
            return Ok(());
        }
        if !table.make_room(receipt, self.capacity) {
            return Err(ReceiptError::unavailable("all receipts are open"));
        }
        let place = table.next;
        table.next += 1;
        table.places.insert(receipt.id, place);
        table.rows.insert(place, receipt.into());
        Ok(())
    }

    async fn transition(
        &self,
        id: ReceiptId,
        step: Transition,
        key: Option<&str>,
        at: i64,
    ) -> Result<bool, ReceiptError> {
        let mut table = self.table();
        let place = table.places.get(&id).copied();
        let row = place.and_then(|place| table.rows.get_mut(&place));
        let Some(row) = row.filter(|row| row.state == step.from()) else {
            return Ok(false);
        };
        row.state = step.to();
        row.changed_at = at;
        if let Some(key) = key {
            row.key = Some(key.to_owned());
        }
        Ok(true)
    }

    async fn query(&self, query: &ReceiptQuery) -> Result<Vec<Receipt>, ReceiptError> {
        let asked = |row: &&Receipt| {
            let is = |wanted: &Option<String>, has: Option<&str>| {
                wanted.as_deref().is_none_or(|wanted| has == Some(wanted))
            };
            is(&query.connection, Some(&row.connection))
                && is(&query.state, Some(row.state.name()))
                && is(&query.key, row.key.as_deref())
                && query.since.is_none_or(|since| row.received_at >= since)
                && query.until.is_none_or(|until| row.received_at < until)
        };
        let table = self.table();
        let mut rows: Vec<_> = table.rows.values().rev().filter(asked).collect();
        // Stable: of one second, the one that came later is the newer.
        rows.sort_by_key(|row| Reverse(row.received_at));
        let rows = rows
            .into_iter()
            .skip(query.offset as usize)
            .take(query.limit.min(1000) as usize);
        Ok(rows.cloned().collect())
    }

    async fn sweep(
        &self,
        before: i64,
        at: i64,
    ) -> Result<Vec<(Receipt, Transition)>, ReceiptError> {
        let mut swept = Vec::new();
        for row in self.table().rows.values_mut() {
            let step = Transition::new(row.state, State::Rejected(Reason::Abandoned));
            if let Some(step) = step.filter(|_| row.changed_at < before) {
                row.state = step.to();
                row.changed_at = at;
                swept.push((row.clone(), step));
            }
        }
        Ok(swept)
    }

    async fn purge(&self, before: i64) -> Result<u64, ReceiptError> {
        let mut table = self.table();
        let is_old = |row: &Receipt| row.state.is_final() && row.changed_at < before;
        let old = table.rows.iter().filter(|(_, row)| is_old(row));
        let old: Vec<_> = old.map(|(place, _)| *place).collect();
        old.iter().for_each(|place| table.remove(*place));
        Ok(old.len() as u64)
    }
}

impl Default for MemoryReceipts {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryReceipts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryReceipts")
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}
