//! A store that fails, a sender that dies, two senders.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tower_webhook::outbound::MemoryOutbox;
use tower_webhook::outbound::endpoint::{EndpointId, EndpointRecord};
use tower_webhook::outbound::event::Event;
use tower_webhook::outbound::policy::Schedule;
use tower_webhook::outbound::store::*;

use super::rig::{Reply, Rig, START};

/// A store that fails so many times at writing down, before or after it did.
#[derive(Clone, Debug)]
pub(super) struct Failing {
    inner: MemoryOutbox,
    before: Arc<AtomicU32>,
    after: Arc<AtomicU32>,
    /// How many claims fail.
    pub(super) claims_to_fail: Arc<AtomicU32>,
    pub(super) claims: Arc<AtomicU32>,
    /// How many events fail to be stored.
    pub(super) emits_to_fail: Arc<AtomicU32>,
    pub(super) renewals: Arc<AtomicU32>,
    pub(super) purges: Arc<AtomicU32>,
}

impl Failing {
    pub(super) fn new(before: u32, after: u32) -> Self {
        Self {
            inner: MemoryOutbox::new(),
            before: Arc::new(before.into()),
            after: Arc::new(after.into()),
            claims_to_fail: Arc::default(),
            claims: Arc::default(),
            emits_to_fail: Arc::default(),
            renewals: Arc::default(),
            purges: Arc::default(),
        }
    }
}

fn fails(times: &AtomicU32) -> Result<(), StoreError> {
    let less = |left: u32| left.checked_sub(1);
    match times.try_update(Ordering::Relaxed, Ordering::Relaxed, less) {
        Ok(_) => Err(StoreError::unavailable("it is down")),
        Err(_) => Ok(()),
    }
}

impl OutboundStore for Failing {
    async fn insert_endpoint(&self, record: &EndpointRecord) -> Result<bool, StoreError> {
        self.inner.insert_endpoint(record).await
    }
    async fn update_endpoint(
        &self,
        record: &EndpointRecord,
        version: i64,
        now: i64,
    ) -> Result<bool, StoreError> {
        self.inner.update_endpoint(record, version, now).await
    }
    async fn change_endpoint(
        &self,
        id: &EndpointId,
        change: &EndpointChange,
        now: i64,
    ) -> Result<bool, StoreError> {
        self.inner.change_endpoint(id, change, now).await
    }
    async fn delete_endpoint(&self, id: &EndpointId) -> Result<bool, StoreError> {
        self.inner.delete_endpoint(id).await
    }
    async fn endpoint(&self, id: &EndpointId) -> Result<Option<EndpointRecord>, StoreError> {
        self.inner.endpoint(id).await
    }
    async fn endpoints(&self, query: &EndpointQuery) -> Result<Vec<EndpointRecord>, StoreError> {
        self.inner.endpoints(query).await
    }
    async fn emit(&self, event: &Event, now: i64) -> Result<Option<u64>, StoreError> {
        fails(&self.emits_to_fail)?;
        self.inner.emit(event, now).await
    }
    async fn emit_to(
        &self,
        event: &Event,
        endpoint: &EndpointId,
        now: i64,
    ) -> Result<bool, StoreError> {
        self.inner.emit_to(event, endpoint, now).await
    }
    async fn claim(&self, request: &ClaimRequest) -> Result<Claimed, StoreError> {
        self.claims.fetch_add(1, Ordering::Relaxed);
        fails(&self.claims_to_fail)?;
        self.inner.claim(request).await
    }
    async fn renew(&self, held: &[Held], until: i64) -> Result<(), StoreError> {
        self.renewals.fetch_add(1, Ordering::Relaxed);
        self.inner.renew(held, until).await
    }
    async fn settle(&self, settlements: &[Settlement]) -> Result<Settled, StoreError> {
        fails(&self.before)?;
        let settled = self.inner.settle(settlements).await?;
        fails(&self.after)?;
        Ok(settled)
    }
    async fn deliveries(&self, query: &DeliveryQuery) -> Result<Vec<Delivery>, StoreError> {
        self.inner.deliveries(query).await
    }
    async fn attempts(&self, deliveries: &[DeliveryId]) -> Result<Vec<Attempt>, StoreError> {
        self.inner.attempts(deliveries).await
    }
    async fn revive(&self, revive: &Revive, now: i64) -> Result<u64, StoreError> {
        self.inner.revive(revive, now).await
    }
    async fn purge(&self, purge: &Purge) -> Result<u64, StoreError> {
        self.purges.fetch_add(1, Ordering::Relaxed);
        self.inner.purge(purge).await
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_is_not_sent_again_because_it_could_not_be_written_down() {
    for (before, after) in [(5, 0), (0, 5), (3, 3)] {
        let rig = Rig::on(Failing::new(before, after), |builder| builder);
        let endpoint = rig.endpoint().await;
        rig.emit("order.created").await;
        rig.send_all().await;
        assert_eq!(rig.receiver.count(), 1);
        let (delivery, attempts) = rig.delivery(&endpoint.id).await;
        assert_eq!(delivery.state, DeliveryState::Delivered);
        assert_eq!(attempts.len(), 1);
        assert!(!attempts[0].late);
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_is_written_down_twice_counts_once() {
    let rig = Rig::on(Failing::new(0, 3), |builder| {
        builder.schedule(Schedule::list([]))
    });
    let endpoint = rig.endpoint().await;
    rig.receiver.will_answer([Reply::Status(500)]);
    rig.emit("order.created").await;
    rig.send_all().await;
    let health = rig
        .sender
        .endpoints()
        .get(&endpoint.id)
        .await
        .unwrap()
        .health;
    assert_eq!(health.failures, 1);
}

#[tokio::test]
async fn a_sender_that_dies_after_it_sent_is_followed_by_one_that_sends_the_same_id_again() {
    let rig = Rig::new(|builder| builder);
    let endpoint = rig.endpoint().await;
    let event = rig.emit("order.created").await;
    // It claims, and is never heard of again.
    let now = START * 1000;
    let claim = ClaimRequest::new(now, now + 30_000, 10);
    let claimed = rig.sender.store().claim(&claim).await.unwrap();
    assert_eq!(claimed.deliveries.len(), 1);
    assert_eq!(rig.send().await, Some(30_000));
    rig.pass(30_000);
    rig.send_all().await;
    assert_eq!(rig.receiver.count(), 1);
    let seen = rig.receiver.seen.lock().unwrap()[0].clone();
    assert_eq!(seen.header("webhook-id"), event.event_id().as_str());
    let (delivery, attempts) = rig.delivery(&endpoint.id).await;
    assert_eq!(delivery.state, DeliveryState::Delivered);
    let first = attempts[0].error.as_ref().unwrap();
    assert_eq!(
        (attempts.len(), first.code.as_str()),
        (2, AttemptError::LEASE_EXPIRED)
    );
    // A crash uses up nothing of the schedule.
    assert_eq!(delivery.failed, 0);
}

#[tokio::test]
async fn what_a_sender_says_too_late_changes_nothing() {
    let rig = Rig::new(|builder| builder);
    let endpoint = rig.endpoint().await;
    rig.emit("order.created").await;
    let now = START * 1000;
    let store = rig.sender.store();
    let claimed = store
        .claim(&ClaimRequest::new(now, now + 1, 10))
        .await
        .unwrap();
    rig.pass(1);
    rig.send_all().await;
    let mut attempt = Attempt::new(claimed.deliveries[0].held, now);
    attempt.status = Some(500);
    let next = Next::Retry { due_at: now };
    let late = Settlement::new(
        attempt,
        endpoint.id.clone(),
        next,
        HealthEffect::Failure,
        now,
    );
    let settled = store.settle(&[late]).await.unwrap();
    assert_eq!(settled.held, [false]);
    assert!(settled.endpoints.is_empty());
    let (delivery, attempts) = rig.delivery(&endpoint.id).await;
    assert_eq!(delivery.state, DeliveryState::Delivered);
    assert_eq!((attempts[0].late, attempts[0].status), (true, Some(500)));
}

#[tokio::test]
async fn an_endpoint_whose_secrets_cannot_be_opened_waits_and_loses_nothing() {
    use tower_webhook::outbound::{Lifecycle, SealingKey, Sender};
    let rig = Rig::new(|builder| builder);
    let endpoint = rig.endpoint().await;
    rig.emit("order.created").await;
    let other = Sender::builder(rig.sender.store().clone(), SealingKey::generate())
        .clock(Arc::clone(&rig.clock));
    let other = other.build().unwrap();
    let mut lifecycle = other.lifecycle();
    let next = other.dispatcher().run_due().await.unwrap();
    assert_eq!(next, Some(START * 1000 + 60_000));
    assert_eq!(
        lifecycle.try_recv().unwrap(),
        Lifecycle::Unreadable {
            endpoint: endpoint.id.clone()
        }
    );
    assert_eq!(rig.receiver.count(), 0);
    rig.pass(60_000);
    rig.send_all().await;
    assert_eq!(
        rig.delivery(&endpoint.id).await.0.state,
        DeliveryState::Delivered
    );
}

#[tokio::test]
async fn an_event_that_nobody_waits_for_is_sent_too() {
    let rig = Rig::new(|builder| builder);
    let endpoint = rig.endpoint().await;
    rig.sender
        .emit(Event::new("order.created", "{}").unwrap())
        .lossy()
        .unwrap();
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    rig.send_all().await;
    assert_eq!(
        rig.delivery(&endpoint.id).await.0.state,
        DeliveryState::Delivered
    );
}

#[tokio::test]
async fn a_judge_that_panics_costs_an_attempt_and_no_place() {
    use tower_webhook::outbound::policy::{Ended, Verdict};
    let panics = Arc::new(AtomicU32::new(1));
    let left = Arc::clone(&panics);
    let rig = Rig::new(move |builder| {
        builder.responses(move |_: &Ended<'_>| match fails(&left) {
            Ok(()) => Verdict::Delivered,
            Err(_) => panic!("the judge has a fault"),
        })
    });
    let endpoint = rig.endpoint().await;
    rig.emit("order.created").await;
    // It ends, and the delivery is due when its lease has ended.
    assert_eq!(rig.send().await, Some(30_000));
    rig.pass(30_000);
    rig.send_all().await;
    let (delivery, attempts) = rig.delivery(&endpoint.id).await;
    assert_eq!(delivery.state, DeliveryState::Delivered);
    assert_eq!(attempts.len(), 2);
}
