//! What a dispatcher does beside its attempts: it waits for a store that is down, keeps its leases, forgets.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tokio::time::{Instant, sleep};
use tower::service_fn;
use tower_webhook::BoxError;
use tower_webhook::outbound::event::Event;
use tower_webhook::outbound::store::ClaimRequest;
use tower_webhook::outbound::{DeliveryBody, MemoryOutbox, OutboundStore as _};

use super::rig::{Rig, START};
use super::settling::Failing;

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test(start_paused = true)]
async fn a_store_that_is_down_is_asked_less_and_less_often() {
    let store = Failing::new(0, 0);
    store.claims_to_fail.store(u32::MAX, Ordering::Relaxed);
    let rig = Rig::on(store.clone(), |builder| builder);
    let dispatcher = rig.sender.dispatcher();
    dispatcher.run_until(sleep(Duration::from_secs(60))).await;
    // At 0, 0.1, 0.3, 0.7, 1.5, 3.1 and 6.3 s, then every 5 s up to 56.3 s.
    assert_eq!(store.claims.load(Ordering::Relaxed), 17);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_written_down_is_tried_less_and_less_often() {
    let rig = Rig::on(Failing::new(20, 0), |builder| builder);
    rig.endpoint().await;
    rig.emit("order.created").await;
    let began = Instant::now();
    rig.send_all().await;
    // 0.05, 0.1, 0.2, 0.4, 0.8 and 1.6 s, then 14 times 2 s.
    let waited = began.elapsed().as_millis();
    assert!((31_150..31_250).contains(&waited), "{waited}");
}

#[tokio::test(start_paused = true)]
async fn leases_are_kept_for_as_long_as_an_attempt_takes() {
    let store = Failing::new(0, 0);
    let rig = Rig::on(store.clone(), |builder| {
        let slow = service_fn(|_: Request<DeliveryBody>| async {
            sleep(Duration::from_secs(95)).await;
            Ok::<_, BoxError>(Response::new(Full::<Bytes>::default()))
        });
        let builder = builder.client(slow).timeout(Duration::from_secs(100));
        builder.lease(Duration::from_secs(120))
    });
    rig.endpoint().await;
    rig.emit("order.created").await;
    rig.send().await;
    // A third of a lease between them.
    assert_eq!(store.renewals.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_too_old_is_forgotten_every_hour_until_the_dispatcher_stops() {
    let store = Failing::new(0, 0);
    let rig = Rig::on(store.clone(), |builder| builder);
    let stop = sleep(HOUR * 3 + HOUR / 2);
    rig.sender.dispatcher().poll(HOUR).run_until(stop).await;
    assert_eq!(store.purges.load(Ordering::Relaxed), 3);
    sleep(HOUR * 3).await;
    assert_eq!(store.purges.load(Ordering::Relaxed), 3);
}

#[tokio::test(start_paused = true)]
async fn what_is_emitted_wakes_the_dispatcher_beside_it() {
    // This store tells nobody of what it was given.
    let rig = Rig::on(Failing::new(0, 0), |builder| builder);
    rig.endpoint().await;
    let dispatcher = rig.sender.dispatcher().poll(HOUR);
    let emits = async {
        sleep(Duration::from_secs(10)).await;
        rig.emit("order.created").await;
        sleep(Duration::from_secs(1)).await;
        assert_eq!(rig.receiver.count(), 1);
    };
    dispatcher.run_until(emits).await;
}

#[tokio::test(start_paused = true)]
async fn an_event_that_nobody_waits_for_is_stored_in_five_tries() {
    let store = Failing::new(0, 0);
    store.emits_to_fail.store(4, Ordering::Relaxed);
    let rig = Rig::on(store.clone(), |builder| builder);
    rig.endpoint().await;
    let event = Event::new("order.created", "{}").unwrap();
    rig.sender.emit(event).lossy().unwrap();
    // Tried at once, and after 0.2, 0.6 and 1.2 s; then at 2 s.
    sleep(Duration::from_millis(2000 - 10)).await;
    assert_eq!(store.emits_to_fail.load(Ordering::Relaxed), 0);
    rig.send().await;
    assert_eq!(rig.receiver.count(), 0);
    sleep(Duration::from_millis(20)).await;
    rig.send().await;
    assert_eq!(rig.receiver.count(), 1);
}

#[tokio::test]
async fn a_claim_says_when_the_next_is_due_only_where_nothing_was_due_now() {
    let store = MemoryOutbox::new();
    let rig = Rig::on(store.clone(), |builder| builder);
    rig.endpoint().await;
    rig.emit("order.created").await;
    let now = START * 1000;
    let early = ClaimRequest::new(now - 1000, now + 30_000, 8);
    let early = store.claim(&early).await.unwrap();
    assert_eq!((early.deliveries.len(), early.next_due), (0, Some(now)));
    let mut claim = ClaimRequest::new(now, now + 30_000, 8);
    // Due, and not allowed: whoever makes room for it says so.
    claim.concurrent = 0;
    let none = store.claim(&claim).await.unwrap();
    assert_eq!((none.deliveries.len(), none.next_due), (0, None));
    claim.concurrent = 8;
    let claimed = store.claim(&claim).await.unwrap();
    assert_eq!((claimed.deliveries.len(), claimed.next_due), (1, None));
    let again = store.claim(&claim).await.unwrap();
    assert_eq!(
        (again.deliveries.len(), again.next_due),
        (0, Some(now + 30_000))
    );
}
