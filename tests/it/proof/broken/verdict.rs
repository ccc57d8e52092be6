//! Which token is drawn, and what a claim gets to hear.

use std::num::NonZeroU64;
use std::time::Duration;

use tokio::time::Instant;
use tower_webhook::store::{Claim, Claimant, Fence, Fingerprint};

use super::flaw::Flaw;
use super::record::{self, Record, State};
use super::store::Simple;

const HUGE: Duration = Duration::from_secs(86_400);
const FIRST_FENCE: u64 = 1000;

impl Simple {
    pub(super) fn draw_fence(&self, before: Option<&Record>) -> Fence {
        let mut memory = self.memory();
        memory.grants += 1;
        let next = before.map_or(FIRST_FENCE, |record| record.fence.get() + 1);
        let kept = before.map(|record| record.fence.get());
        let number = match (self.flaw, before.map(|record| &record.state)) {
            (Some(Flaw::OneFenceForAll), _) => FIRST_FENCE,
            (Some(Flaw::FenceShrinks), _) => (1 << 40) - memory.grants,
            (Some(Flaw::FenceKeptOverRelease), Some(State::Released)) => kept.unwrap(),
            (Some(Flaw::FenceKeptOverTakeover), Some(State::Running { .. })) => kept.unwrap(),
            (Some(Flaw::FenceStartsAgainAfterForgetting), Some(State::Done { .. })) => FIRST_FENCE,
            _ => next.max(FIRST_FENCE + memory.grants),
        };
        fence(number)
    }

    /// What a claim gets to hear of a record, or `None` where it is granted.
    pub(super) fn answer_to(
        &self,
        record: &mut Record,
        who: Claimant,
        payload: &Fingerprint,
        now: Instant,
    ) -> Option<Claim> {
        let is_same = record.payload.is_none_or(|known| known == *payload);
        match &mut record.state {
            State::Released if self.has(Flaw::PayloadKeptOverRelease) && !is_same => {
                Some(Claim::Mismatch)
            }
            State::Released => None,
            State::Running { until } if now >= *until => {
                let keeps = self.has(Flaw::PayloadKeptOverTakeover) && !is_same;
                (self.has(Flaw::LeaseNeverEnds) || keeps).then_some(if keeps {
                    Claim::Mismatch
                } else {
                    Claim::InProgress {
                        retry_after: Duration::ZERO,
                    }
                })
            }
            State::Running { until } => {
                let left = *until - now;
                let is_holder = match self.flaw {
                    Some(Flaw::ClaimantIgnored) => false,
                    Some(Flaw::EverybodyIsTheHolder) => true,
                    Some(Flaw::OldClaimantIsLetIn) => {
                        record.who == who || record.before == Some(who)
                    }
                    _ => record.who == who,
                };
                if is_holder && (is_same || self.has(Flaw::ClaimantTrustedWithAnotherPayload)) {
                    return Some(self.again(record));
                }
                if !is_same && !self.has(Flaw::PayloadIgnoredWhileRunning) {
                    if self.has(Flaw::PayloadOverwrittenByRefused) {
                        record.payload = Some(*payload);
                    }
                    return Some(Claim::Mismatch);
                }
                if self.has(Flaw::RefusedClaimantBecomesTheHolder) {
                    record.who = who;
                }
                self.memory().refused.insert(who);
                let retry_after = match self.flaw {
                    Some(Flaw::WaitIsZero) => Duration::ZERO,
                    Some(Flaw::WaitIsTheWholeLease) => record.lease,
                    Some(Flaw::WaitIsHuge) => HUGE,
                    Some(Flaw::WaitIsOfTheClaim) => {
                        (record.claimed + record.lease).saturating_duration_since(now)
                    }
                    _ => left,
                };
                Some(Claim::InProgress { retry_after })
            }
            State::Done {
                answer,
                keep,
                since,
            } => {
                let is_whole = now < *since + keep.full && !self.has(Flaw::FullRetentionIgnored);
                let forgets = match self.flaw {
                    Some(Flaw::PayloadForgottenByCompletion) => true,
                    Some(Flaw::PayloadForgottenByTombstone) => !is_whole,
                    _ => false,
                };
                if !is_same && !forgets {
                    return Some(Claim::Mismatch);
                }
                if self.has(Flaw::CompletionIsHiddenFromItsClaimant) && record.who == who {
                    return Some(Claim::Acquired {
                        fence: record.fence,
                        reclaimed: false,
                    });
                }
                if self.has(Flaw::DuplicateProlongs) {
                    *since = now;
                }
                let answer = match is_whole {
                    true if self.has(Flaw::OneAnswerForAll) => self.memory().answer.clone()?,
                    true => answer.clone(),
                    false => record::tombstone(answer, self.flaw),
                };
                Some(Claim::Done { answer })
            }
        }
    }

    /// The claim that its holder asked for twice.
    fn again(&self, record: &mut Record) -> Claim {
        if self.has(Flaw::RepetitionHasAnotherFence) {
            record.fence = self.draw_fence(Some(record));
        }
        Claim::Acquired {
            fence: record.fence,
            reclaimed: self.has(Flaw::RepetitionIsATakeover),
        }
    }
}

fn fence(number: u64) -> Fence {
    Fence::new(NonZeroU64::new(number).unwrap())
}
