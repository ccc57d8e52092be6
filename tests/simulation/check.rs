//! Whether what happened may happen.

use std::collections::{BTreeMap, BTreeSet};

use tower_webhook::receipt::{Acknowledged, State, Transition};

use crate::journal::{Entry, Fact, Fault};
use crate::plan::{Event, FORGED, Fate, Plan, Wire};

/// What must never happen, and did: with the number of its event, key or receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Violation {
    /// An event was answered with 2xx, and its handler had no effect.
    AckedWithoutEffect(usize),
    /// A duplicate got the answer of another event.
    AnswerOfAnother(usize),
    /// An event was answered as none of its kind may be.
    WrongAnswer(usize, u16),
    /// A sender did not hear in time what it had to hear.
    NeverFinished(usize),
    TwoCommits(usize),
    /// A handler had its effect after its key was completed.
    EffectAfterCommit(usize),
    /// An older holder had its effect after a newer one.
    FenceWentBack(usize),
    /// An effect was had again, although its holder lived and was told that it is remembered.
    EffectTwiceWithoutCause(usize),
    /// A holder lost its claim, although each call that keeps it was answered.
    LostWithoutCause,
    /// What must be refused had an effect.
    EffectOfRefused(usize),
    /// A capture under another name ran where ids are not believed.
    ReplayRan(usize),
    /// A forgery was answered otherwise than with 401.
    ForgeryAnswered(u16),
    /// The store was asked for a key of a forger.
    ForgedKey,
    /// A receipt left the paths of its states.
    ReceiptLeftItsPath(usize),
    /// Two receipts say that they handled one key.
    TwoReceipts(usize),
    /// A receipt says that its event was handled, and it was not.
    ReceiptWithoutEffect(usize),
}

/// An effect, and what happened since.
#[derive(Clone, Copy)]
struct Last {
    fence: u64,
    host: usize,
    has_cause: bool,
}

#[derive(Default)]
struct Checker {
    found: Vec<Violation>,
    finished: BTreeMap<usize, usize>,
    effects: BTreeMap<usize, Last>,
    commits: BTreeMap<usize, u64>,
    /// Events with an effect.
    handled: BTreeSet<usize>,
    /// The keys under which an event was completed.
    completed: BTreeMap<usize, BTreeSet<usize>>,
    events: BTreeMap<usize, usize>,
    receipts: BTreeMap<usize, State>,
    acknowledged: BTreeSet<usize>,
    /// Tokens of holders whom the store did not answer.
    doubted: BTreeSet<u64>,
}

/// What is wrong with a journal. It begins with the beginning of the simulation.
pub(crate) fn check(plan: &Plan, entries: &[Entry]) -> Vec<Violation> {
    let mut checker = Checker::default();
    for (_, fact) in entries {
        checker.take(plan, fact);
    }
    for event in &plan.events {
        // Once while all goes wrong, and once when all is over.
        let finished = checker.finished.get(&event.number).copied();
        if finished.unwrap_or(0) < 2 {
            checker.found.push(Violation::NeverFinished(event.number));
        }
    }
    checker.found
}

impl Checker {
    fn take(&mut self, plan: &Plan, fact: &Fact) {
        match fact {
            Fact::Began { key, event, .. } => {
                self.events.insert(*key, *event);
            }
            Fact::Effect {
                key,
                fence,
                event,
                host,
            } => {
                self.effect(plan, *key, *fence, *event, *host);
            }
            Fact::Committed { key, fence } => self.commit(plan, *key, *fence),
            Fact::RenewalInDoubt { fence } => {
                self.doubted.insert(*fence);
            }
            Fact::CommitInDoubt { fence } => {
                self.doubted.insert(*fence);
                self.excuse(|last| last.fence == *fence);
            }
            Fact::CommitLost { fence } => {
                if !self.doubted.contains(fence) {
                    self.found.push(Violation::LostWithoutCause);
                }
                self.excuse(|last| last.fence == *fence);
            }
            Fact::Fault(Fault::Crash(host)) => self.excuse(|last| last.host == *host),
            Fact::Answered {
                event,
                answer: Some(answer),
            } => {
                self.answer(plan, *event, answer.status, &answer.body);
            }
            Fact::Finished { event } => *self.finished.entry(*event).or_default() += 1,
            Fact::Forged { status: 401 } => {}
            Fact::Forged { status } => self.found.push(Violation::ForgeryAnswered(*status)),
            Fact::ForgedKey => self.found.push(Violation::ForgedKey),
            Fact::Receipt {
                receipt,
                from,
                to,
                key,
            } => self.receipt(*receipt, *from, *to, *key),
            _ => {}
        }
    }

    fn effect(&mut self, plan: &Plan, key: usize, fence: u64, event: usize, host: usize) {
        let fate = plan.events.get(event).map(|event| event.fate);
        if event == FORGED || fate != Some(Fate::Handled) {
            self.found.push(Violation::EffectOfRefused(event));
        }
        if self.commits.contains_key(&key) {
            self.found.push(Violation::EffectAfterCommit(key));
        }
        let last = Last {
            fence,
            host,
            has_cause: false,
        };
        if let Some(before) = self.effects.insert(key, last) {
            if before.fence >= fence {
                self.found.push(Violation::FenceWentBack(key));
            }
            if !before.has_cause {
                self.found.push(Violation::EffectTwiceWithoutCause(key));
            }
        }
        self.handled.insert(event);
    }

    fn commit(&mut self, plan: &Plan, key: usize, fence: u64) {
        if *self.commits.entry(key).or_insert(fence) != fence {
            self.found.push(Violation::TwoCommits(key));
        }
        let Some(event) = self.events.get(&key).copied() else {
            return;
        };
        let keys = self.completed.entry(event).or_default();
        let is_strict = plan.is_strict
            && plan
                .events
                .get(event)
                .is_some_and(|e| e.wire == Wire::GitHub);
        if keys.insert(key) && keys.len() > 1 && is_strict {
            self.found.push(Violation::ReplayRan(event));
        }
    }

    /// What happened since an effect is a reason to have it again.
    fn excuse(&mut self, is_meant: impl Fn(&Last) -> bool) {
        let meant = self.effects.values_mut().filter(|last| is_meant(last));
        meant.for_each(|last| last.has_cause = true);
    }

    fn answer(&mut self, plan: &Plan, event: usize, status: u16, body: &str) {
        let Event { fate, wire, .. } = plan.events[event];
        // Without a signed time, 409 says that it was accepted before.
        let is_old = status == 409 && wire == Wire::GitHub;
        if (200..300).contains(&status) || is_old {
            if fate == Fate::Handled && !self.handled.contains(&event) {
                self.found.push(Violation::AckedWithoutEffect(event));
            }
            if body.parse().is_ok_and(|other: usize| other != event) {
                self.found.push(Violation::AnswerOfAnother(event));
            }
        }
        let is_right = match fate {
            Fate::Handled => matches!(status, 200..300 | 409 | 500 | 503),
            Fate::Refused => matches!(status, 409 | 422 | 500 | 503),
            Fate::Malformed => matches!(status, 400 | 409 | 503),
            Fate::Forged => matches!(status, 401 | 503),
            Fate::Stale => matches!(status, 409 | 503),
        };
        if !is_right {
            self.found.push(Violation::WrongAnswer(event, status));
        }
    }

    fn receipt(&mut self, receipt: usize, from: Option<State>, to: State, key: Option<usize>) {
        let before = self.receipts.insert(receipt, to);
        // A step of which nobody was told may lie between.
        let is_step = match from {
            None => to == State::Received && before.is_none(),
            Some(from) => Transition::new(from, to).is_some(),
        };
        if !is_step || before.is_some_and(State::is_final) {
            self.found.push(Violation::ReceiptLeftItsPath(receipt));
        }
        if let (State::Acknowledged(Acknowledged::Handled), Some(key)) = (to, key) {
            if !self.acknowledged.insert(key) {
                self.found.push(Violation::TwoReceipts(key));
            }
            if !self.effects.contains_key(&key) {
                self.found.push(Violation::ReceiptWithoutEffect(key));
            }
        }
    }
}
