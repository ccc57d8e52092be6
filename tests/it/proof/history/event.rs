//! What was asked of a store, and what was heard.

use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::time::Instant;
use tower_webhook::store::Claimant;

/// A call and its reply.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event {
    pub(super) key: usize,
    pub(super) asked: Tick,
    /// `None` where the reply was lost: the call may yet be carried out, at any time.
    pub(super) heard: Option<(Tick, Reply)>,
    pub(super) call: Call,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Claim(Claimant),
    Renew(u64),
    Complete(u64),
    Release(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Acquired(u64),
    InProgress,
    /// With the token of the completion.
    Done(u64),
    Mismatch,
    Held,
    Lost,
}

/// A place in the order of all that happened.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tick {
    pub(super) number: u64,
    pub(super) time: Instant,
}

impl Tick {
    pub(super) fn is_before(self, other: Self) -> bool {
        self.number < other.number
    }
}

/// Where events are noted.
#[derive(Debug, Default)]
pub(super) struct Diary {
    ticks: AtomicU64,
    events: Mutex<Vec<Event>>,
}

impl Diary {
    pub(super) fn tick(&self) -> Tick {
        Tick {
            number: self.ticks.fetch_add(1, Ordering::SeqCst),
            time: Instant::now(),
        }
    }

    pub(super) fn note(&self, event: Event) {
        self.events.lock().unwrap().push(event);
    }

    pub(super) fn into_events(self) -> Vec<Event> {
        self.events.into_inner().unwrap()
    }
}

/// What must never happen, and did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Violation {
    TwoCommits(usize),
    GrantedAfterCommit(usize),
    CommitForgotten(usize),
    AnswerOfAnother(usize),
    AnswerOfNobody(usize),
    FenceNotGrown(usize),
    FenceGivenTwice(usize),
    GrantedWhileHeld(usize),
    HeldAfterTakeover(usize),
    ReleasedAfterCommit(usize),
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}
