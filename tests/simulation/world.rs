//! What all machines of a simulation share, and no machine of a real one would.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use http::Request;
use tower_webhook::receipt::MemoryReceipts;
use tower_webhook::store::{Claim, Held};
use tower_webhook::testing::Payload;
use tower_webhook::time::Clock;

use crate::dice::Dice;
use crate::journal::{Fact, Journal};
use crate::memory::{Call, Memory, Reply};
use crate::plan::{Plan, RECEIVERS, Wire};
use crate::shop::{Cloakroom, StoreFault};

/// When simulations begin, in Unix seconds.
pub(crate) const BEGIN: i64 = 1_800_000_000;

pub(crate) struct World {
    pub(crate) plan: Plan,
    pub(crate) journal: Journal,
    pub(crate) cloakroom: Mutex<Cloakroom>,
    pub(crate) receipts: Arc<MemoryReceipts>,
    /// Deliveries as they were sent, for who listens on the way.
    pub(crate) captured: Mutex<Vec<(Wire, Request<Payload>)>>,
    /// How often the handler was called for each event.
    pub(crate) runs: Mutex<Vec<usize>>,
    /// Senders that have heard all they have to hear.
    pub(crate) content: AtomicUsize,
    pub(crate) is_calm: AtomicBool,
    /// Until the machines are taken down with the simulation itself.
    pub(crate) is_running: AtomicBool,
    offsets: [Arc<AtomicI64>; RECEIVERS],
    memory: Mutex<Memory>,
    dice: Mutex<Dice>,
}

impl World {
    pub(crate) fn new(plan: Plan) -> Self {
        Self {
            journal: Journal::default(),
            cloakroom: Mutex::default(),
            receipts: Arc::default(),
            captured: Mutex::default(),
            runs: Mutex::new(vec![0; plan.events.len()]),
            content: AtomicUsize::new(0),
            is_calm: AtomicBool::new(false),
            is_running: AtomicBool::new(true),
            offsets: Default::default(),
            memory: Mutex::new(Memory::new(plan.memory, plan.flaw)),
            dice: Mutex::new(Dice::new(plan.seed, 2)),
            plan,
        }
    }

    pub(crate) fn is_calm(&self) -> bool {
        self.is_calm.load(Ordering::Relaxed)
    }

    pub(crate) fn clock(&self, receiver: usize) -> SkewedClock {
        SkewedClock(Arc::clone(&self.offsets[receiver]))
    }

    pub(crate) fn set_clock(&self, receiver: usize, ahead: i64) {
        self.offsets[receiver].store(ahead, Ordering::Relaxed);
    }

    /// What goes wrong at the next call of the store.
    pub(crate) fn store_fault(&self) -> Option<StoreFault> {
        if self.is_calm() {
            return None;
        }
        let mut dice = self.dice.lock().unwrap();
        Some(match dice.below(100) {
            0..4 => StoreFault::CannotBefore,
            4..8 => StoreFault::CannotAfter,
            8..10 => StoreFault::GoneBefore,
            10..12 => StoreFault::GoneAfter,
            // Some are applied after the lease that they belong to.
            12..16 => StoreFault::SlowBefore(dice.millis(100, 8_000)),
            16..19 => StoreFault::SlowAfter(dice.millis(100, 2_000)),
            _ => return None,
        })
    }

    /// When the next call of the store of receipts fails.
    pub(crate) fn receipt_fault(&self) -> Option<Moment> {
        if self.is_calm() {
            return None;
        }
        match self.dice.lock().unwrap().below(100) {
            0..4 => Some(Moment::Before),
            4..8 => Some(Moment::After),
            _ => None,
        }
    }

    /// Applies a call, and notes what comes of it.
    pub(crate) fn apply(&self, call: &Call) -> Reply {
        let now = turmoil::sim_elapsed().expect("the store is a machine");
        let reply = self.memory.lock().unwrap().apply(call, now);
        match (call, &reply) {
            (Call::Claim(key, ..), _) if key.as_str().contains("forged") => {
                self.journal.note(Fact::ForgedKey);
            }
            (Call::Claim(key, ..), Reply::Claim(Claim::Acquired { fence, .. })) => {
                let (key, fence) = (self.journal.key(key.as_str()), self.journal.fence(*fence));
                self.journal.note(Fact::Granted { key, fence });
            }
            (Call::Complete(key, fence, ..), Reply::Held(Held::Yes)) => {
                let (key, fence) = (self.journal.key(key.as_str()), self.journal.fence(*fence));
                self.journal.note(Fact::Committed { key, fence });
            }
            _ => {}
        }
        reply
    }
}

/// When a call fails.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Moment {
    Before,
    /// It was carried out.
    After,
}

/// The clock of a receiver, which is set forward and backward.
#[derive(Clone, Debug)]
pub(crate) struct SkewedClock(Arc<AtomicI64>);

impl Clock for SkewedClock {
    fn unix_seconds(&self) -> i64 {
        now() + self.0.load(Ordering::Relaxed)
    }
}

/// The time that it is, in Unix seconds.
pub(crate) fn now() -> i64 {
    let elapsed = turmoil::sim_elapsed().unwrap_or_default();
    BEGIN + i64::try_from(elapsed.as_secs()).expect("a simulation is short")
}
