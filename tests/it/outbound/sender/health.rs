//! Endpoints that fail.

use std::time::Duration;

use tokio::sync::broadcast::Receiver;
use tower_webhook::outbound::Lifecycle;
use tower_webhook::outbound::endpoint::{EndpointPatch, EndpointState};
use tower_webhook::outbound::policy::{AutoDisable, Breaker, Limits, Responses, Schedule};
use tower_webhook::outbound::store::DeliveryState;

use super::rig::{Reply, Rig};

fn told(lifecycle: &mut Receiver<Lifecycle>) -> Vec<Lifecycle> {
    std::iter::from_fn(|| lifecycle.try_recv().ok()).collect()
}

fn disabled(reason: &str) -> EndpointState {
    EndpointState::disabled(reason)
}

#[tokio::test]
async fn an_endpoint_that_is_gone_is_disabled_and_its_deliveries_are_dead_letters() {
    let rig = Rig::new(|builder| builder.limits(Limits::concurrent(1)));
    let mut lifecycle = rig.sender.lifecycle();
    let endpoint = rig.endpoint().await;
    rig.receiver.will_answer([Reply::Status(410)]);
    let first = rig.emit("order.created").await;
    for _ in 0..2 {
        rig.emit("order.created").await;
    }
    rig.send_all().await;
    assert_eq!(rig.receiver.count(), 1);
    let now = rig.sender.endpoints().get(&endpoint.id).await.unwrap();
    assert_eq!(now.state, disabled("gone"));
    let told = told(&mut lifecycle);
    let states = rig
        .audit(&endpoint.id)
        .await
        .into_iter()
        .map(|audited| audited.delivery.state);
    let dead = |reason: &str| DeliveryState::Dead {
        reason: reason.to_owned(),
    };
    assert_eq!(
        states.collect::<Vec<_>>(),
        [
            dead("endpoint_disabled"),
            dead("endpoint_disabled"),
            dead("refused")
        ]
    );
    let dead_letter = Lifecycle::DeadLetter {
        endpoint: endpoint.id.clone(),
        event: first.event_id().clone(),
        reason: "refused",
    };
    let disabled = Lifecycle::Disabled {
        endpoint: endpoint.id,
        reason: "gone",
    };
    assert_eq!(told, [dead_letter, disabled]);
    // What is emitted now is not for it.
    rig.emit("order.created").await;
    assert_eq!(rig.send().await, None);
    assert_eq!(rig.receiver.count(), 1);
}

#[tokio::test]
async fn strictly_401_disables() {
    let rig = Rig::new(|builder| builder.responses(Responses::strict()));
    let endpoint = rig.endpoint().await;
    rig.receiver.will_answer([Reply::Status(401)]);
    rig.emit("order.created").await;
    rig.send_all().await;
    let now = rig.sender.endpoints().get(&endpoint.id).await.unwrap();
    assert_eq!(now.state, disabled("gone"));
}

#[tokio::test]
async fn an_endpoint_is_disabled_by_failures_that_span_an_hour_and_warned_of_before() {
    let rig = Rig::new(|builder| {
        let often = Schedule::list([Duration::from_secs(400); 30]).jitter(0.0);
        builder.schedule(often).breaker(Breaker::off())
    });
    let mut lifecycle = rig.sender.lifecycle();
    let endpoint = rig.endpoint().await;
    rig.receiver.will_answer([Reply::Status(500)]);
    rig.emit("order.created").await;
    rig.send_all().await;
    // The tenth failure comes after an hour.
    assert_eq!(rig.receiver.times().last(), Some(&3_600_000));
    assert_eq!(rig.receiver.count(), 10);
    let percents = told(&mut lifecycle)
        .into_iter()
        .filter_map(|event| match event {
            Lifecycle::Failing {
                percent, failures, ..
            } => Some((percent, failures)),
            Lifecycle::Disabled { reason, .. } => {
                assert_eq!(reason, "failing");
                Some((100, 10))
            }
            _ => None,
        });
    assert_eq!(
        percents.collect::<Vec<_>>(),
        [(50, 5), (70, 7), (90, 9), (100, 10)]
    );
    let now = rig.sender.endpoints().get(&endpoint.id).await.unwrap();
    assert_eq!(now.state, disabled("failing"));
}

#[tokio::test]
async fn two_events_during_a_short_deploy_disable_nothing_but_by_the_strict_rule() {
    for (policy, is_active) in [
        (AutoDisable::default(), true),
        (AutoDisable::strict(), false),
    ] {
        let rig = Rig::new(|builder| {
            builder
                .schedule(Schedule::quick().jitter(0.0))
                .breaker(Breaker::off())
                .auto_disable(policy)
        });
        let endpoint = rig.endpoint().await;
        rig.receiver.will_answer([Reply::Status(502)]);
        rig.emit("order.created").await;
        rig.emit("order.paid").await;
        rig.send_all().await;
        let now = rig.sender.endpoints().get(&endpoint.id).await.unwrap();
        assert_eq!(now.state.is_active(), is_active);
    }
}

#[tokio::test]
async fn an_endpoint_that_fails_is_left_alone_and_then_asked_one_at_a_time() {
    let rig = Rig::new(|builder| {
        let schedule = Schedule::list([Duration::from_millis(1); 50]).jitter(0.0);
        let breaker = Breaker::after(3).pauses(Duration::from_secs(10), Duration::from_secs(30));
        builder
            .schedule(schedule)
            .breaker(breaker)
            .limits(Limits::concurrent(3))
    });
    let mut lifecycle = rig.sender.lifecycle();
    let endpoint = rig.endpoint().await;
    let fail = Reply::Status(500);
    rig.receiver
        .will_answer([fail, fail, fail, fail, fail, fail, Reply::Status(204)]);
    for _ in 0..3 {
        rig.emit("order.created").await;
    }
    rig.send_all().await;
    let times = rig.receiver.times();
    // Three at once; then single ones after 10, 20, 30 s (the longest); then it is well, and the rest comes at once.
    assert_eq!(
        times,
        [0, 0, 0, 10_000, 30_000, 60_000, 90_000, 90_000, 90_000]
    );
    let recovered = Lifecycle::Recovered {
        endpoint: endpoint.id.clone(),
        failures: 6,
    };
    assert!(told(&mut lifecycle).contains(&recovered));
    assert!(
        rig.audit(&endpoint.id)
            .await
            .iter()
            .all(|audited| audited.delivery.state == DeliveryState::Delivered)
    );
}

#[tokio::test]
async fn an_endpoint_that_asks_for_it_gets_nothing_for_a_while() {
    let rig = Rig::new(|builder| {
        builder
            .schedule(Schedule::quick().jitter(0.0))
            .limits(Limits::concurrent(1))
    });
    rig.endpoint().await;
    rig.receiver
        .will_answer([Reply::Wait(429, 60), Reply::Status(204)]);
    rig.emit("order.created").await;
    rig.emit("order.paid").await;
    rig.send_all().await;
    assert_eq!(rig.receiver.times(), [0, 60_000, 60_000]);
}

#[tokio::test]
async fn a_second_sends_no_more_than_it_may() {
    let rig = Rig::new(|builder| builder.limits(Limits::concurrent(8).per_second(2)));
    rig.endpoint().await;
    for _ in 0..5 {
        rig.emit("order.created").await;
    }
    let dispatcher = rig.sender.dispatcher();
    let stop = stopper();
    let run = tokio::spawn(dispatcher.poll(Duration::from_millis(1)).run_until(stop.1));
    let mut seen = Vec::new();
    for (pass, expected) in [(0, 2), (499, 2), (1, 3), (500, 4), (500, 5)] {
        rig.pass(pass);
        // The clock stands still, so nothing but what it allows can come.
        for _ in 0..200 {
            tokio::time::sleep(Duration::from_millis(1)).await;
            if rig.receiver.count() == expected && pass != 499 {
                break;
            }
        }
        seen.push(rig.receiver.count());
    }
    assert_eq!(seen, [2, 2, 3, 4, 5]);
    drop(stop.0);
    run.await.unwrap();
}

fn stopper() -> (
    tokio::sync::oneshot::Sender<()>,
    impl Future<Output = ()> + Send,
) {
    let (stop, stopped) = tokio::sync::oneshot::channel();
    (stop, async move { drop(stopped.await) })
}

#[tokio::test]
async fn an_endpoint_that_is_enabled_again_has_to_prove_itself() {
    let rig = Rig::new(|builder| {
        builder
            .auto_disable(AutoDisable::after(2).lasting(Duration::ZERO))
            .breaker(Breaker::after(2))
    });
    let endpoint = rig.endpoint().await;
    rig.receiver.will_answer([
        Reply::Status(400),
        Reply::Status(400),
        Reply::Status(400),
        Reply::Status(204),
    ]);
    rig.emit("order.created").await;
    rig.emit("order.paid").await;
    rig.send_all().await;
    let endpoints = rig.sender.endpoints();
    assert_eq!(
        endpoints.get(&endpoint.id).await.unwrap().state,
        disabled("failing")
    );
    let enable = || EndpointPatch {
        enabled: Some(true),
        ..EndpointPatch::default()
    };
    let enabled = endpoints.update(&endpoint.id, enable()).await.unwrap();
    assert_eq!(
        (enabled.state.is_active(), enabled.health.failures),
        (true, 2)
    );
    // One more failure, and it is disabled again: its count was not forgotten.
    rig.emit("order.created").await;
    rig.send_all().await;
    assert_eq!(
        endpoints.get(&endpoint.id).await.unwrap().state,
        disabled("failing")
    );
    endpoints.update(&endpoint.id, enable()).await.unwrap();
    rig.emit("order.created").await;
    rig.send_all().await;
    assert_eq!(
        endpoints.get(&endpoint.id).await.unwrap().health.failures,
        0
    );
}
