//! A simple store that may have one flaw.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::task::yield_now;
use tokio::time::Instant;
use tower_webhook::store::{
    Claim, Claimant, Fence, Fingerprint, Held, IdemKey, IdempotencyStore, Retention, StoreError,
    StoredAnswer,
};

use super::flaw::Flaw;
use super::record::{self, Record, State};

const CONSTANT: Duration = Duration::from_millis(400);

/// Right without a flaw, as long as one thread asks it: nothing is awaited between reading and writing.
#[derive(Default)]
pub(in crate::proof) struct Simple {
    pub(super) flaw: Option<Flaw>,
    memory: Mutex<Memory>,
}

#[derive(Default)]
pub(super) struct Memory {
    records: HashMap<String, Record>,
    pub(super) refused: HashSet<Claimant>,
    pub(super) grants: u64,
    retention: Option<Retention>,
    pub(super) answer: Option<StoredAnswer>,
}

impl Simple {
    pub(in crate::proof) fn new(flaw: Option<Flaw>) -> Self {
        Self {
            flaw,
            ..Self::default()
        }
    }

    pub(super) fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    pub(super) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap()
    }

    fn find(&self, key: &IdemKey) -> Option<Record> {
        let memory = self.memory();
        memory.records.get(&record::file(key, self.flaw)).cloned()
    }

    fn write(&self, key: &IdemKey, record: Record) {
        let file = record::file(key, self.flaw);
        self.memory().records.insert(file, record);
    }

    /// Writes the state of every record.
    fn write_all(&self, state: &State) {
        let mut memory = self.memory();
        for record in memory.records.values_mut() {
            record.state = state.clone();
        }
    }

    fn lease(&self, lease: Duration) -> Duration {
        match self.flaw {
            Some(Flaw::LeaseEndsEarly) => lease / 4,
            Some(Flaw::LeaseIsConstant) => CONSTANT,
            Some(Flaw::LeaseInWholeSeconds) => Duration::from_secs(lease.as_secs() + 1),
            Some(Flaw::LeaseIn32Bits) => record::in_32_bits(lease),
            _ => lease,
        }
    }
}

impl IdempotencyStore for Simple {
    async fn claim(
        &self,
        key: &IdemKey,
        who: Claimant,
        payload: &Fingerprint,
        lease: Duration,
    ) -> Result<Claim, StoreError> {
        let now = Instant::now();
        let mut before = self.find(key);
        if self.has(Flaw::RefusedClaimantIsRefusedForEver) && self.memory().refused.contains(&who) {
            let retry_after = lease;
            return Ok(Claim::InProgress { retry_after });
        }
        if let Some(record) = before
            .as_mut()
            .filter(|record| !record.is_forgotten(self.flaw, now))
        {
            if let Some(claim) = self.answer_to(record, who, payload, now) {
                self.write(key, record.clone());
                return Ok(claim);
            }
        } else if self.has(Flaw::PayloadKeptOverForgetting)
            && before.as_ref().is_some_and(|r| r.payload != Some(*payload))
        {
            return Ok(Claim::Mismatch);
        }
        if self.has(Flaw::ClaimIsNotAtomic) && before.is_none()
            || self.has(Flaw::TakeoverIsNotAtomic) && before.is_some()
        {
            yield_now().await;
        }
        let fence = self.draw_fence(before.as_ref());
        if self.has(Flaw::FenceDrawnBeforeItIsWritten) {
            yield_now().await;
        }
        let state = before.as_ref().map(|record| &record.state);
        let reclaimed = match state {
            Some(State::Running { .. }) => !self.has(Flaw::TakeoverIsNotTold),
            Some(State::Released) => self.has(Flaw::ReleaseIsTakenForTakeover),
            Some(State::Done { .. }) => self.has(Flaw::ForgettingIsTakenForTakeover),
            None => false,
        };
        let (until, payload) = match (&before, state) {
            (Some(record), Some(State::Running { until })) => (
                self.has(Flaw::TakeoverKeepsTheOldLease).then_some(*until),
                if self.has(Flaw::PayloadNotWrittenByTakeover) {
                    record.payload
                } else {
                    Some(*payload)
                },
            ),
            _ => (None, Some(*payload)),
        };
        let lease = self.lease(lease);
        let until = until.unwrap_or(now + lease);
        let record = Record {
            state: State::Running { until },
            fence,
            who,
            before: before.map(|record| record.who),
            payload,
            claimed: now,
            lease,
        };
        self.write(key, record);
        Ok(Claim::Acquired { fence, reclaimed })
    }

    async fn renew(
        &self,
        key: &IdemKey,
        fence: Fence,
        lease: Duration,
    ) -> Result<Held, StoreError> {
        let now = Instant::now();
        let mut until = now + self.lease(lease);
        let Some(mut record) = self.find(key) else {
            if self.has(Flaw::RenewalOfUnknownMakesOne) {
                self.write(key, unknown(fence, State::Running { until }, now));
            }
            return Ok(Held::Lost);
        };
        let is_current = record.fence == fence
            || self.has(Flaw::RenewalByAnybody)
            || self.has(Flaw::RenewalTakesBack) && record.fence > fence;
        let may = match &record.state {
            State::Running { until } => now < *until || !self.has(Flaw::RenewalOfLapsedIsRefused),
            State::Released => self.has(Flaw::RenewalRevivesTheReleased),
            State::Done { .. } => self.has(Flaw::RenewalUndoesCompletion),
        };
        if !is_current || !may {
            return Ok(Held::Lost);
        }
        if self.has(Flaw::RenewalDoesNothing) {
            return Ok(Held::Yes);
        }
        if self.has(Flaw::RenewalIsNotAtomic) {
            yield_now().await;
        }
        match (self.flaw, &record.state) {
            (Some(Flaw::RenewalAddsUp), State::Running { until: before }) => {
                until = *before + lease;
            }
            (Some(Flaw::RenewalForgetsItsLength), _) => until = now + record.lease,
            (Some(Flaw::RenewalChangesFence), _) => record.fence = self.draw_fence(Some(&record)),
            (Some(Flaw::RenewalTakesBack), _) => record.fence = fence,
            (Some(Flaw::RenewalOfAllKeys), _) => self.write_all(&State::Running { until }),
            _ => {}
        }
        record.state = State::Running { until };
        self.write(key, record);
        Ok(Held::Yes)
    }

    async fn complete(
        &self,
        key: &IdemKey,
        fence: Fence,
        answer: &StoredAnswer,
        keep: Retention,
    ) -> Result<Held, StoreError> {
        let now = Instant::now();
        let keep = match self.flaw {
            Some(Flaw::RetentionIsOneForAll) => *self.memory().retention.get_or_insert(keep),
            Some(Flaw::RetentionIn32Bits) => Retention::new(
                record::in_32_bits(keep.full),
                record::in_32_bits(keep.tombstone),
            ),
            _ => keep,
        };
        let answer = record::kept(answer, self.flaw);
        let mut done = State::Done {
            answer: answer.clone(),
            keep,
            since: now,
        };
        let Some(mut record) = self.find(key) else {
            if self.has(Flaw::CompletionOfUnknownMakesOne) {
                self.write(key, unknown(fence, done, now));
            }
            return Ok(Held::Lost);
        };
        let is_current = match self.flaw {
            Some(Flaw::CompletionByAnybody) => true,
            Some(Flaw::CompletionBySmallerFence) => fence <= record.fence,
            Some(Flaw::CompletionByGreaterFence) => fence >= record.fence,
            _ => fence == record.fence,
        };
        if !is_current {
            return Ok(Held::Lost);
        }
        let is_gone = record.is_forgotten(self.flaw, now);
        match &mut record.state {
            State::Done {
                since,
                keep,
                answer: first,
            } if !is_gone => {
                match self.flaw {
                    Some(Flaw::RepeatedCompletionIsRefused) => return Ok(Held::Lost),
                    Some(Flaw::RepeatedCompletionOverwrites) => *first = answer,
                    Some(Flaw::RepeatedCompletionProlongs) => *since = now,
                    Some(Flaw::RepeatedCompletionRefillsTombstone) if now >= *since + keep.full => {
                        (*since, *first) = (now, answer);
                    }
                    _ => {}
                }
                self.write(key, record);
                return Ok(Held::Yes);
            }
            State::Done { .. } => return Ok(Held::Lost),
            State::Released if !self.has(Flaw::CompletionOfReleased) => return Ok(Held::Lost),
            State::Running { until }
                if now >= *until && self.has(Flaw::LateCompletionIsRefused) =>
            {
                return Ok(Held::Lost);
            }
            State::Running { .. } | State::Released => {}
        }
        if self.has(Flaw::CompletionIsNotAtomic) {
            yield_now().await;
        }
        match (self.flaw, &mut done) {
            (Some(Flaw::CompletionWritesNothing), _) => return Ok(Held::Yes),
            (Some(Flaw::CompletionForgets), _) => done = State::Released,
            (Some(Flaw::CompletionOfAllKeys), done) => self.write_all(done),
            (Some(Flaw::RetentionFromTheClaim), State::Done { since, .. }) => {
                *since = record.claimed;
            }
            _ => {}
        }
        self.memory().answer = Some(answer);
        record.state = done;
        self.write(key, record);
        Ok(Held::Yes)
    }

    async fn release(&self, key: &IdemKey, fence: Fence) -> Result<Held, StoreError> {
        let now = Instant::now();
        let Some(mut record) = self.find(key) else {
            let held = self.has(Flaw::ReleaseOfUnknownIsHeld);
            return Ok(if held { Held::Yes } else { Held::Lost });
        };
        if record.fence != fence && !self.has(Flaw::ReleaseByAnybody) {
            return Ok(Held::Lost);
        }
        match &record.state {
            State::Released if self.has(Flaw::RepeatedReleaseIsRefused) => return Ok(Held::Lost),
            State::Done { since, keep, .. } => {
                let is_whole = now < *since + keep.full;
                if !(self.has(Flaw::ReleaseFreesTheCompleted) && is_whole
                    || self.has(Flaw::ReleaseFreesTombstones) && !is_whole)
                {
                    return Ok(Held::Lost);
                }
            }
            State::Released | State::Running { .. } => {}
        }
        if self.has(Flaw::ReleaseIsNotAtomic) {
            yield_now().await;
        }
        if self.has(Flaw::ReleaseOfAllKeys) {
            self.write_all(&State::Released);
        }
        if !self.has(Flaw::ReleaseDoesNothing) {
            record.state = State::Released;
            self.write(key, record);
        }
        Ok(Held::Yes)
    }
}

/// A record of a holder that was never granted anything.
fn unknown(fence: Fence, state: State, now: Instant) -> Record {
    Record {
        state,
        fence,
        who: Claimant::unique(),
        before: None,
        payload: None,
        claimed: now,
        lease: CONSTANT,
    }
}
