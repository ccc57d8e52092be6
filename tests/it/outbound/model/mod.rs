//! Random operations on a store and on the one in memory, compared after each.

mod tell;

use std::collections::BTreeSet;
use std::fmt::Debug;

use tower_webhook::outbound::endpoint::{EndpointId, EndpointRecord, EndpointState};
use tower_webhook::outbound::event::{Event, EventId};
use tower_webhook::outbound::store::{
    Allowance, ClaimRequest, ClaimedDelivery, EndpointChange, HealthEffect, Next, Purge, Revival,
    Revive,
};
use tower_webhook::outbound::{MemoryOutbox, OutboundStore};

use self::tell::{Said, endpoints, health, history, record, settlement, taken};

const TYPES: [&str; 3] = ["order.created", "order.paid", "order"];
const WANTED: [&[&str]; 6] = [
    &["*"],
    &["order.*"],
    &["order", "order.paid"],
    &["*"],
    &["order.created"],
    &["*"],
];

/// Runs so many operations, from the same seed always the same.
pub(super) async fn agrees<S: OutboundStore>(store: S, seed: u64, steps: usize) {
    let model = MemoryOutbox::new();
    let mut records = Vec::new();
    for (number, wanted) in WANTED.iter().enumerate() {
        records.push(record(number, wanted).await);
    }
    let mut pair = Pair {
        model,
        store,
        records,
        open: Vec::new(),
        after: None,
        now: 1_800_000_000_000,
        random: seed,
        step: String::new(),
    };
    for number in 0..pair.records.len() {
        pair.insert(number).await;
    }
    for number in 0..steps {
        pair.now += pair.below(40) as i64;
        pair.step = format!("seed {seed}, step {number}");
        pair.step().await;
        pair.compare().await;
    }
}

/// An attempt under way, as both stores gave it, and what was said of it.
struct Open {
    model: ClaimedDelivery,
    store: ClaimedDelivery,
    said: Option<Said>,
}

struct Pair<S> {
    model: MemoryOutbox,
    store: S,
    records: Vec<EndpointRecord>,
    open: Vec<Open>,
    after: Option<EndpointId>,
    now: i64,
    random: u64,
    step: String,
}

/// Asks both the same, and gives the one answer.
macro_rules! both {
    ($pair:ident, $call:ident($($argument:expr),*)) => {{
        let expected = $pair.model.$call($($argument),*).await.unwrap();
        let actual = $pair.store.$call($($argument),*).await.unwrap();
        $pair.is(&actual, &expected);
        expected
    }};
}

impl<S: OutboundStore> Pair<S> {
    fn below(&mut self, end: u64) -> u64 {
        tell::random(&mut self.random) % end
    }

    fn soon(&mut self, millis: u64) -> i64 {
        self.now + self.below(millis) as i64
    }

    fn ago(&mut self, millis: u64) -> i64 {
        self.now - self.below(millis) as i64
    }

    fn endpoint(&mut self) -> EndpointId {
        let at = self.below(self.records.len() as u64) as usize;
        self.records[at].endpoint.id.clone()
    }

    fn event(&mut self) -> Event {
        let id = EventId::new(format!("evt_{}", self.below(150))).unwrap();
        let body = self.below(u64::MAX).to_le_bytes().to_vec();
        let event = Event::new(TYPES[self.below(3) as usize], body).unwrap();
        event
            .id(id)
            .tenant(["", "", "other"][self.below(3) as usize])
    }

    #[track_caller]
    fn is<V: PartialEq + Debug>(&self, actual: &V, expected: &V) {
        assert_eq!(actual, expected, "{}", self.step);
    }

    async fn step(&mut self) {
        let kind = self.below(100);
        self.step += &format!(", kind {kind}");
        let now = self.now;
        match kind {
            0..20 => {
                let event = self.event();
                both!(self, emit(&event, now));
            }
            20..25 => {
                let (event, endpoint) = (self.event(), self.endpoint());
                both!(self, emit_to(&event, &endpoint, now));
            }
            25..50 => self.claim().await,
            50..80 => self.settle().await,
            80..84 => self.renew().await,
            84..87 => self.update().await,
            87..89 => {
                let (id, until) = (self.endpoint(), self.soon(150));
                let change = EndpointChange::Pause { until };
                both!(self, change_endpoint(&id, &change, now));
            }
            89..91 => {
                let (id, failures) = (self.endpoint(), self.below(4) as u32);
                let reason = "failing";
                let change = EndpointChange::Disable { reason, failures };
                both!(self, change_endpoint(&id, &change, now));
            }
            91..95 => {
                let endpoint = self.endpoint();
                let which = match self.below(2) {
                    0 => Revival::Event(self.event().event_id().clone()),
                    _ => Revival::Since {
                        time: self.ago(2000),
                        delivered: self.below(2) == 0,
                    },
                };
                let revive = Revive { endpoint, which };
                both!(self, revive(&revive, now));
            }
            95..98 => {
                let purge = Purge {
                    delivered_before: self.ago(2000),
                    dead_before: self.ago(2000),
                };
                both!(self, purge(&purge));
            }
            98 => {
                let id = self.endpoint();
                both!(self, delete_endpoint(&id));
            }
            _ => {
                let number = self.below(self.records.len() as u64) as usize;
                self.insert(number).await;
            }
        }
    }

    async fn insert(&mut self, number: usize) {
        let record = self.records[number].clone();
        both!(self, insert_endpoint(&record));
    }

    async fn update(&mut self) {
        let id = self.endpoint();
        let Some(mut record) = self.model.endpoint(&id).await.unwrap() else {
            return;
        };
        let version = record.endpoint.version - i64::from(self.below(5) == 0);
        record.endpoint.state = match self.below(3) {
            0 => EndpointState::disabled("asked"),
            _ => EndpointState::Active,
        };
        record.endpoint.max_concurrent = [None, Some(1), Some(3)][self.below(3) as usize];
        record.endpoint.max_per_second = [None, None, Some(2)][self.below(3) as usize];
        let now = self.now;
        both!(self, update_endpoint(&record, version, now));
    }

    async fn claim(&mut self) {
        let (until, limit) = (self.soon(300) + 1, 1 + self.below(12) as u32);
        let mut request = ClaimRequest::new(self.now, until, limit);
        request.concurrent = 1 + self.below(4) as u32;
        request.half_open = [1, 3, u32::MAX][self.below(3) as usize];
        request.after = match self.below(3) {
            0 => None,
            1 => Some(self.endpoint()),
            _ => self.after.take(),
        };
        for _ in 0..self.below(3) {
            let (most, in_flight) = (self.below(4) as u32, self.below(2) as u32);
            let allowance = Allowance::new(self.endpoint(), most, in_flight);
            request.allowances.push(allowance);
        }
        let model = self.model.claim(&request).await.unwrap();
        let store = self.store.claim(&request).await.unwrap();
        self.is(&taken(&store), &taken(&model));
        self.is(&store.after, &model.after);
        // Whether one that may get none is looked at again is left to the store.
        if request.allowances.is_empty() {
            self.is(&store.next_due, &model.next_due);
        }
        self.after = model.after;
        let both = model.deliveries.into_iter().zip(store.deliveries);
        self.open.extend(both.map(|(model, store)| Open {
            model,
            store,
            said: None,
        }));
    }

    async fn renew(&mut self) {
        let until = self.soon(300);
        let mut held = (Vec::new(), Vec::new());
        for at in 0..self.open.len() {
            if self.below(3) == 0 {
                held.0.push(self.open[at].model.held);
                held.1.push(self.open[at].store.held);
            }
        }
        self.model.renew(&held.0, until).await.unwrap();
        self.store.renew(&held.1, until).await.unwrap();
    }

    async fn settle(&mut self) {
        let (mut model, mut store) = (Vec::new(), Vec::new());
        for _ in 0..self.below(4) {
            if self.open.is_empty() {
                break;
            }
            let at = self.below(self.open.len() as u64) as usize;
            let mut open = self.open.swap_remove(at);
            // What is said again is the same as before.
            let said = match open.said {
                Some(said) => said,
                None => self.outcome(),
            };
            open.said = Some(said);
            model.push(settlement(&open.model, said));
            store.push(settlement(&open.store, said));
            // What was given back is not said again: nothing of it is known.
            let is_known = !matches!(said.0, Next::Released { .. });
            if is_known && self.below(3) == 0 {
                self.open.push(open);
            }
        }
        let expected = self.model.settle(&model).await.unwrap();
        let actual = self.store.settle(&store).await.unwrap();
        self.is(&actual.held, &expected.held);
        let deliveries = model.iter().map(|said| said.attempt.delivery);
        // What is said twice of one delivery may be told step by step.
        if deliveries.collect::<BTreeSet<_>>().len() == model.len() {
            self.is(&health(&actual), &health(&expected));
        }
    }

    fn outcome(&mut self) -> Said {
        let (due_at, reason) = (self.soon(200), "exhausted");
        let (next, health) = match self.below(10) {
            0..4 => (Next::Delivered, HealthEffect::Success),
            4..7 => (Next::Retry { due_at }, HealthEffect::Failure),
            7..9 => (Next::Dead { reason }, HealthEffect::Failure),
            _ => (Next::Released { due_at }, HealthEffect::None),
        };
        let is_silent = self.below(5) == 0;
        let health = if is_silent {
            HealthEffect::None
        } else {
            health
        };
        (next, health, self.now)
    }

    /// All that can be asked is the same.
    async fn compare(&self) {
        let (expected, actual) = (endpoints(&self.model).await, endpoints(&self.store).await);
        self.is(&actual, &expected);
        for record in &self.records {
            let id = &record.endpoint.id;
            let expected = history(&self.model, id).await;
            let actual = history(&self.store, id).await;
            self.is(&actual, &expected);
        }
    }
}
