//! What every [`OutboundStore`] must do, as one suite of facts.
//!
//! Times are arguments of a store, so nothing is waited for.
//!
//! # Example
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! use tower_webhook::outbound::MemoryOutbox;
//! use tower_webhook::outbound::store::conformance::run;
//!
//! let facts = run(async || MemoryOutbox::new()).await;
//! assert!(facts >= 80);
//! # });
//! ```

mod asking;
mod changing;
mod claiming;
mod emitting;
mod fencing;
mod forgetting;
mod health;
mod leasing;
mod limits;
mod racing;
mod reviving;
mod settling;

use std::fmt::Debug;

use super::{
    Attempt, ClaimRequest, Claimed, ClaimedDelivery, Delivery, DeliveryId, DeliveryQuery,
    DeliveryState, EndpointChange, HealthEffect, Next, OutboundStore, Settled, Settlement,
};
use crate::outbound::endpoint::{Endpoint, EndpointId, EndpointRecord, EndpointState, Health};
use crate::outbound::event::{Event, EventId};
use crate::outbound::tenant::Tenant;

const NOW: i64 = 1_763_724_670_000;
const LEASE: i64 = 30_000;

/// Runs the suite and says how many facts hold. `fresh` is asked for a store for each fact: one
/// with nothing in it.
///
/// # Panics
///
/// Panics with the fact that does not hold.
pub async fn run<S: OutboundStore>(fresh: impl AsyncFn() -> S) -> usize {
    let mut suite = Suite { fresh, facts: 0 };
    emitting::run(&mut suite).await;
    claiming::run(&mut suite).await;
    limits::run(&mut suite).await;
    leasing::run(&mut suite).await;
    settling::run(&mut suite).await;
    fencing::run(&mut suite).await;
    health::run(&mut suite).await;
    changing::run(&mut suite).await;
    asking::run(&mut suite).await;
    reviving::run(&mut suite).await;
    forgetting::run(&mut suite).await;
    racing::run(&mut suite).await;
    suite.facts
}

struct Suite<F> {
    fresh: F,
    facts: usize,
}

impl<S: OutboundStore, F: AsyncFn() -> S> Suite<F> {
    async fn fact(&mut self, fact: &'static str, check: impl AsyncFnOnce(Case<S>)) {
        self.facts += 1;
        let store = (self.fresh)().await;
        check(Case { store, fact }).await;
    }
}

/// One fact, with a store of its own.
#[derive(Clone)]
struct Case<S> {
    store: S,
    fact: &'static str,
}

impl<S: OutboundStore> Case<S> {
    async fn add(&self, record: EndpointRecord) -> EndpointId {
        let is_new = self.store.insert_endpoint(&record).await;
        self.that(is_new.expect(self.fact));
        record.endpoint.id
    }

    /// An endpoint that wants everything.
    async fn endpoint(&self, id: &str) -> EndpointId {
        self.add(record(id, &["*"])).await
    }

    async fn known(&self, id: &EndpointId) -> Endpoint {
        self.record(id).await.endpoint
    }

    async fn record(&self, id: &EndpointId) -> EndpointRecord {
        let found = self.store.endpoint(id).await.expect(self.fact);
        found.expect(self.fact)
    }

    async fn change(&self, id: &EndpointId, change: EndpointChange, at: i64) -> bool {
        let changed = self.store.change_endpoint(id, &change, at).await;
        changed.expect(self.fact)
    }

    async fn disable(&self, id: &EndpointId, at: i64) {
        let (reason, failures) = ("gone", 0);
        let change = EndpointChange::Disable { reason, failures };
        self.that(self.change(id, change, at).await);
    }

    /// What its owner does to an endpoint.
    async fn update(&self, id: &EndpointId, change: impl FnOnce(&mut Endpoint), at: i64) {
        let mut record = self.record(id).await;
        let version = record.endpoint.version;
        change(&mut record.endpoint);
        let updated = self.store.update_endpoint(&record, version, at).await;
        self.that(updated.expect(self.fact));
    }

    async fn emit(&self, event: &Event, at: i64) -> Option<u64> {
        self.store.emit(event, at).await.expect(self.fact)
    }

    async fn emit_to(&self, event: &Event, to: &EndpointId, at: i64) -> bool {
        self.store.emit_to(event, to, at).await.expect(self.fact)
    }

    async fn claim(&self, request: &ClaimRequest) -> Claimed {
        self.store.claim(request).await.expect(self.fact)
    }

    /// All that is due.
    async fn due(&self, at: i64) -> Vec<ClaimedDelivery> {
        self.claim(&ask(at)).await.deliveries
    }

    /// The only delivery that is due.
    async fn one(&self, at: i64) -> ClaimedDelivery {
        let mut due = self.due(at).await;
        self.is(due.len(), 1);
        due.remove(0)
    }

    async fn settle(&self, settlements: &[Settlement]) -> Settled {
        self.store.settle(settlements).await.expect(self.fact)
    }

    /// Whether the attempt held its delivery.
    async fn end(&self, claimed: &ClaimedDelivery, next: Next, at: i64) -> bool {
        let settled = self.settle(&[said(claimed, next, at)]).await;
        self.is(settled.held.len(), 1);
        settled.held[0]
    }

    /// Claims the only delivery that is due, and ends its attempt.
    async fn attempt(&self, at: i64, next: Next) -> ClaimedDelivery {
        let claimed = self.one(at).await;
        self.that(self.end(&claimed, next, at).await);
        claimed
    }

    async fn ask(&self, query: DeliveryQuery) -> Vec<Delivery> {
        self.store.deliveries(&query).await.expect(self.fact)
    }

    async fn deliveries(&self, to: &EndpointId) -> Vec<Delivery> {
        self.ask(DeliveryQuery {
            limit: 1000,
            ..DeliveryQuery::new(to.clone())
        })
        .await
    }

    /// The only delivery to an endpoint.
    async fn delivery(&self, to: &EndpointId) -> Delivery {
        let mut deliveries = self.deliveries(to).await;
        self.is(deliveries.len(), 1);
        deliveries.remove(0)
    }

    async fn attempts(&self, id: DeliveryId) -> Vec<Attempt> {
        self.store.attempts(&[id]).await.expect(self.fact)
    }

    #[expect(clippy::needless_pass_by_value, reason = "the facts read better")]
    fn is<V: PartialEq + Debug>(&self, actual: V, expected: V) {
        assert_eq!(actual, expected, "{}", self.fact);
    }

    fn that(&self, holds: bool) {
        assert!(holds, "{}", self.fact);
    }
}

fn record(id: &str, events: &[&str]) -> EndpointRecord {
    let endpoint = Endpoint {
        id: id.into(),
        tenant: Tenant::default(),
        url: format!("https://{id}.example/hooks"),
        description: format!("endpoint {id}"),
        events: events.iter().map(ToString::to_string).collect(),
        max_concurrent: None,
        max_per_second: None,
        state: EndpointState::Active,
        health: Health::default(),
        created_at: NOW,
        updated_at: NOW,
        version: 1,
    };
    EndpointRecord::new(endpoint, b"sealed \xff\x00".to_vec())
}

/// An event of the type `order.created`.
fn event(id: &str) -> Event {
    typed(id, "order.created")
}

fn typed(id: &str, event_type: &str) -> Event {
    let event = Event::new(event_type, r#"{"number":7}"#);
    event.expect("the suite names types").id(named(id))
}

fn named(id: &str) -> EventId {
    EventId::new(id).expect("the suite makes plain ids")
}

/// All that is due, without limits.
fn ask(at: i64) -> ClaimRequest {
    ClaimRequest {
        concurrent: 1000,
        ..ClaimRequest::new(at, at + LEASE, 1000)
    }
}

/// How an attempt ended, with what it usually says of the endpoint.
fn said(claimed: &ClaimedDelivery, next: Next, at: i64) -> Settlement {
    let (health, status) = match next {
        Next::Delivered => (HealthEffect::Success, Some(204)),
        Next::Retry { .. } | Next::Dead { .. } => (HealthEffect::Failure, Some(500)),
        Next::Released { .. } => (HealthEffect::None, None),
    };
    let mut attempt = Attempt::new(claimed.held, at - 10);
    attempt.status = status;
    attempt.took = 10;
    let endpoint = claimed.endpoint.endpoint.id.clone();
    Settlement::new(attempt, endpoint, next, health, at)
}

fn retry(due_at: i64) -> Next {
    Next::Retry { due_at }
}

const EXHAUSTED: Next = Next::Dead {
    reason: "exhausted",
};

fn dead(reason: &str) -> DeliveryState {
    let reason = reason.to_owned();
    DeliveryState::Dead { reason }
}

fn pending(due_at: i64) -> DeliveryState {
    let leased = false;
    DeliveryState::Pending { due_at, leased }
}

fn leased(until: i64) -> DeliveryState {
    DeliveryState::Pending {
        due_at: until,
        leased: true,
    }
}

fn numbers(attempts: &[Attempt]) -> Vec<u32> {
    attempts.iter().map(|attempt| attempt.number).collect()
}

/// The events of deliveries, in their order.
fn events(deliveries: &[ClaimedDelivery]) -> Vec<&str> {
    let ids = deliveries.iter().map(|taken| taken.event.id.as_str());
    ids.collect()
}

/// The endpoints of deliveries, in their order.
fn endpoints(deliveries: &[ClaimedDelivery]) -> Vec<&str> {
    let ids = deliveries
        .iter()
        .map(|taken| taken.endpoint.endpoint.id.as_str());
    ids.collect()
}
