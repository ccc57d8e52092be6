//! What happened, in the order in which it happened.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Mutex;
use std::time::Duration;

use tower_webhook::receipt::{ReceiptId, State};
use tower_webhook::store::Fence;

/// A fact, and when it was.
pub(crate) type Entry = (Duration, Fact);

/// Keys, tokens and receipts are counted as they come: what they are differs from run to run.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Fact {
    Sent {
        event: usize,
        receiver: usize,
    },
    /// `None` where no answer came.
    Answered {
        event: usize,
        answer: Option<Answer>,
    },
    /// A sender has heard what it has to hear of an event.
    Finished {
        event: usize,
    },
    Forged {
        status: u16,
    },
    Began {
        key: usize,
        fence: u64,
        event: usize,
    },
    Effect {
        key: usize,
        fence: u64,
        event: usize,
        host: usize,
    },
    Granted {
        key: usize,
        fence: u64,
    },
    Committed {
        key: usize,
        fence: u64,
    },
    /// A holder does not know whether its claim was renewed.
    RenewalInDoubt {
        fence: u64,
    },
    /// A holder does not know whether its claim was completed.
    CommitInDoubt {
        fence: u64,
    },
    /// A holder was told that its claim is another's when it was done.
    CommitLost {
        fence: u64,
    },
    /// A key of a forger reached the store.
    ForgedKey,
    Receipt {
        receipt: usize,
        from: Option<State>,
        to: State,
        key: Option<usize>,
    },
    Fault(Fault),
    StoreFault,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) is_duplicate: bool,
    pub(crate) body: String,
}

/// What is done to the machines and to the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Fault {
    Crash(usize),
    Restart(usize),
    StoreDown,
    StoreUp,
    Cut(Line),
    /// What is asked arrives, and no answer comes back.
    Mute(Line),
    Hold(Line),
    Mend(Line),
    /// The clock of a receiver is so many seconds ahead.
    Clock(usize, i64),
    Calm,
}

/// A way on the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Line {
    /// From a sender to a receiver.
    In(usize, usize),
    /// From a receiver to the store.
    Store(usize),
}

#[derive(Debug, Default)]
pub(crate) struct Journal(Mutex<Pages>);

#[derive(Debug, Default)]
struct Pages {
    entries: Vec<Entry>,
    keys: BTreeMap<String, usize>,
    // The first token that was given: stores do not begin at one.
    first_fence: Option<u64>,
    receipts: Vec<ReceiptId>,
}

impl Journal {
    pub(crate) fn note(&self, fact: Fact) {
        let at = turmoil::sim_elapsed().unwrap_or_default();
        self.note_at(at, fact);
    }

    pub(crate) fn note_at(&self, at: Duration, fact: Fact) {
        self.0.lock().unwrap().entries.push((at, fact));
    }

    pub(crate) fn key(&self, key: &str) -> usize {
        let mut pages = self.0.lock().unwrap();
        let next = pages.keys.len();
        *pages.keys.entry(key.to_owned()).or_insert(next)
    }

    pub(crate) fn fence(&self, fence: Fence) -> u64 {
        let mut pages = self.0.lock().unwrap();
        let first = *pages.first_fence.get_or_insert(fence.get());
        fence.get().wrapping_sub(first)
    }

    pub(crate) fn receipt(&self, id: ReceiptId) -> usize {
        let receipts = &mut self.0.lock().unwrap().receipts;
        let place = receipts.iter().position(|known| *known == id);
        place.unwrap_or_else(|| {
            receipts.push(id);
            receipts.len() - 1
        })
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.0.lock().unwrap().entries.clone()
    }

    /// Two runs that went the same way have the same.
    pub(crate) fn trace(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.0.lock().unwrap().entries.hash(&mut hasher);
        hasher.finish()
    }
}
