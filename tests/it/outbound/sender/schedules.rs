//! Which attempts a schedule makes, and what an answer means.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::Request;
use tower::{Layer as _, ServiceExt, service_fn};
use tower_webhook::Inbound;
use tower_webhook::idempotency::ClaimedBody;
use tower_webhook::outbound::endpoint::NewEndpoint;
use tower_webhook::outbound::event::Event;
use tower_webhook::outbound::policy::{AutoDisable, Breaker, Responses, Schedule, Verdict};
use tower_webhook::outbound::sign::{KeyKind, SigningKey, SigningKeys, SigningScheme};
use tower_webhook::outbound::store::DeliveryState;
use tower_webhook::outbound::{DeliveryBody, MemoryOutbox, SealingKey, Sender};
use tower_webhook::scheme::HmacScheme;
use tower_webhook::secret::Secret;
use tower_webhook::store::MokaStore;
use tower_webhook::time::ManualClock;

use super::rig::{Reply, Rig, START};

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

fn sums(waits: &[i64]) -> Vec<i64> {
    let sums = waits.iter().scan(0, |at, wait| {
        *at += wait;
        Some(*at)
    });
    std::iter::once(0).chain(sums).collect()
}

#[tokio::test]
async fn a_schedule_makes_the_attempts_it_promises() {
    for (schedule, waits) in [
        (
            Schedule::quick(),
            &[2, 4, 8, 16, 32].map(|seconds| seconds * SECOND)[..],
        ),
        (
            Schedule::long(),
            &[
                10 * SECOND,
                MINUTE,
                5 * MINUTE,
                30 * MINUTE,
                HOUR,
                6 * HOUR,
                24 * HOUR,
            ],
        ),
        (
            Schedule::standard(),
            &[
                5 * SECOND,
                5 * MINUTE,
                30 * MINUTE,
                2 * HOUR,
                5 * HOUR,
                10 * HOUR,
                14 * HOUR,
                20 * HOUR,
                24 * HOUR,
            ],
        ),
    ] {
        let rig = Rig::new(|builder| {
            builder
                .schedule(schedule.jitter(0.0))
                .breaker(Breaker::off())
                .auto_disable(AutoDisable::never())
        });
        let endpoint = rig.endpoint().await;
        rig.receiver.will_answer([Reply::Status(500)]);
        rig.emit("order.created").await;
        rig.send_all().await;
        assert_eq!(rig.receiver.times(), sums(waits));
        let (delivery, attempts) = rig.delivery(&endpoint.id).await;
        let reason = "exhausted".to_owned();
        assert_eq!(delivery.state, DeliveryState::Dead { reason });
        let numbers: Vec<_> = attempts
            .iter()
            .map(|attempt| (attempt.number, attempt.status))
            .collect();
        let expected = (1..=waits.len() as u32 + 1).map(|number| (number, Some(500)));
        assert_eq!(numbers, expected.collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn each_attempt_of_a_day_is_freshly_signed_and_the_event_is_handled_once() {
    let clock = Arc::new(ManualClock::new(START));
    let key = SigningKey::generate();
    let secret = Secret::standard_webhooks(key.reveal()).unwrap();
    let store = MokaStore::new();
    let handled = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&handled);
    // It accepts what is signed within five minutes, and fails until the last attempt of the long schedule.
    let inbound = Inbound::builder_with_store(HmacScheme::standard_webhooks(secret), store)
        .clock(Arc::clone(&clock))
        .build()
        .unwrap()
        .layer(service_fn(move |_: Request<ClaimedBody>| {
            let last = count.fetch_add(1, Ordering::Relaxed) == 7;
            let status = if last { 204 } else { 500 };
            async move {
                Ok::<_, tower_webhook::BoxError>(
                    http::Response::builder()
                        .status(status)
                        .body(http_body_util::Empty::<bytes::Bytes>::new())
                        .unwrap(),
                )
            }
        }));
    let statuses = Arc::new(std::sync::Mutex::new(Vec::new()));
    let told = Arc::clone(&statuses);
    let client = ServiceExt::<Request<DeliveryBody>>::map_response(inbound, move |answer| {
        told.lock().unwrap().push(answer.status().as_u16());
        answer
    });
    let sender = Sender::builder(MemoryOutbox::new(), SealingKey::generate())
        .client(client)
        .clock(Arc::clone(&clock))
        .schedule(Schedule::long())
        .build()
        .unwrap();
    let new = NewEndpoint::new("https://receiver.example/hooks").keys(SigningKeys::new(key));
    sender.endpoints().create(new).await.unwrap();
    sender
        .emit(Event::standard("order.created", &7).unwrap())
        .await
        .unwrap();
    let mut last = 0;
    while let Some(next) = sender.dispatcher().run_due().await.unwrap() {
        last = next;
        clock.set_millis(next);
    }
    // 401 or 409 would say that a signature was old.
    assert_eq!(
        *statuses.lock().unwrap(),
        [500, 500, 500, 500, 500, 500, 500, 204]
    );
    assert_eq!(handled.load(Ordering::Relaxed), 8);
    assert!(last >= START * 1000 + 25 * HOUR, "{last}");
}

#[tokio::test]
async fn waits_are_jittered_by_a_fifth() {
    let schedule = Schedule::list([Duration::from_secs(10)]);
    assert_eq!(schedule.wait(1, 0.0), Some(Duration::from_secs(8)));
    assert_eq!(schedule.wait(1, 0.5), Some(Duration::from_secs(10)));
    assert_eq!(schedule.wait(1, 1.0), Some(Duration::from_secs(12)));
    assert_eq!(schedule.wait(2, 0.5), None);
    assert_eq!(schedule.wait(0, 0.5), None);
}

#[tokio::test]
async fn a_lost_reply_is_tried_again_with_the_same_id_and_a_new_time() {
    let rig = Rig::new(|builder| builder.schedule(Schedule::quick().jitter(0.0)));
    let endpoint = rig.endpoint().await;
    rig.receiver.will_answer([Reply::Gone, Reply::Status(204)]);
    let event = rig.emit("order.created").await;
    rig.send_all().await;
    let seen = rig.receiver.seen.lock().unwrap().clone();
    assert_eq!(seen.len(), 2);
    assert!(
        seen.iter()
            .all(|seen| seen.header("webhook-id") == event.event_id().as_str())
    );
    assert!(seen.iter().all(|seen| seen.body == event.body()));
    assert_eq!(seen[0].header("webhook-timestamp"), START.to_string());
    assert_eq!(seen[1].header("webhook-timestamp"), (START + 2).to_string());
    assert_ne!(
        seen[0].header("webhook-signature"),
        seen[1].header("webhook-signature")
    );
    let (delivery, attempts) = rig.delivery(&endpoint.id).await;
    assert_eq!(delivery.state, DeliveryState::Delivered);
    let error = attempts[0].error.as_ref().unwrap();
    // What a client says is kept in one line.
    assert_eq!(
        (error.code.as_str(), error.message.as_str()),
        ("other", "the receiver   hung up")
    );
    assert_eq!(attempts[1].status, Some(204));
    assert_eq!(attempts[1].response, "an answer");
}

#[tokio::test]
async fn the_table_of_answers_is_kept() {
    let standard = Responses::standard();
    let strict = Responses::strict();
    for (status, by_default, strictly) in [
        (200, Verdict::Delivered, Verdict::Delivered),
        (204, Verdict::Delivered, Verdict::Delivered),
        (301, Verdict::Retry, Verdict::Retry),
        (400, Verdict::GiveUp, Verdict::GiveUp),
        (401, Verdict::GiveUp, Verdict::Disable),
        (403, Verdict::GiveUp, Verdict::Disable),
        (404, Verdict::GiveUp, Verdict::Disable),
        (408, Verdict::Retry, Verdict::Retry),
        (410, Verdict::Disable, Verdict::Disable),
        (425, Verdict::Retry, Verdict::Retry),
        (429, Verdict::Throttle, Verdict::Throttle),
        (500, Verdict::Retry, Verdict::Retry),
        (503, Verdict::Throttle, Verdict::Retry),
        (599, Verdict::Retry, Verdict::Retry),
    ] {
        assert_eq!(standard.verdict(status), by_default, "{status}");
        assert_eq!(strict.verdict(status), strictly, "{status}");
    }
}

#[tokio::test]
async fn a_final_answer_makes_a_dead_letter_at_once() {
    let rig = Rig::new(|builder| builder);
    let endpoint = rig.endpoint().await;
    rig.receiver.will_answer([Reply::Status(400)]);
    rig.emit("order.created").await;
    rig.send_all().await;
    assert_eq!(rig.receiver.count(), 1);
    let (delivery, _) = rig.delivery(&endpoint.id).await;
    let reason = "refused".to_owned();
    assert_eq!(delivery.state, DeliveryState::Dead { reason });
}

#[tokio::test]
async fn what_an_answer_asks_to_wait_is_waited_and_clamped() {
    for (asked, waited) in [(1, 2 * SECOND), (90, 90 * SECOND), (1_000_000, HOUR)] {
        let rig = Rig::new(|builder| builder.schedule(Schedule::quick().jitter(0.0)));
        rig.endpoint().await;
        rig.receiver
            .will_answer([Reply::Wait(503, asked), Reply::Status(204)]);
        rig.emit("order.created").await;
        rig.send_all().await;
        assert_eq!(rig.receiver.times(), [0, waited], "{asked}");
    }
}

#[tokio::test]
async fn a_closure_can_judge() {
    let rig = Rig::new(|builder| {
        builder.responses(|ended: &tower_webhook::outbound::policy::Ended<'_>| {
            match ended.status.map(|status| status.as_u16()) {
                Some(418) => Verdict::Delivered,
                _ => Verdict::GiveUp,
            }
        })
    });
    let endpoint = rig.endpoint().await;
    rig.receiver.will_answer([Reply::Status(418)]);
    rig.emit("order.created").await;
    rig.send_all().await;
    assert_eq!(
        rig.delivery(&endpoint.id).await.0.state,
        DeliveryState::Delivered
    );
}

#[tokio::test]
async fn all_that_is_asked_for_stands_in_the_request() {
    let rig = Rig::new(|builder| {
        builder.signing(
            SigningScheme::standard_webhooks()
                .also(SigningScheme::github())
                .also(SigningScheme::x_webhook()),
        )
    });
    let headers =
        tower_webhook::outbound::endpoint::EndpointHeaders::new([("X-Token", "hush")]).unwrap();
    let new = NewEndpoint::new("https://receiver.example/hooks?a=1").headers(headers);
    let created = rig.sender.endpoints().create(new).await.unwrap();
    assert!(created.keys.current(KeyKind::Hmac).is_some());
    let event = Event::new("order.created", r#"{ "b": 1,  "a": 2 }"#)
        .unwrap()
        .api_version("2026-11-01");
    rig.sender.emit(event.clone()).await.unwrap();
    rig.send_all().await;
    let seen = rig.receiver.seen.lock().unwrap()[0].clone();
    assert_eq!(seen.url, "https://receiver.example/hooks?a=1");
    assert_eq!(seen.body, event.body());
    assert_eq!(seen.header("content-type"), "application/json");
    assert_eq!(seen.header("webhook-api-version"), "2026-11-01");
    assert_eq!(seen.header("x-token"), "hush");
    assert!(seen.headers["x-token"].is_sensitive());
    assert!(seen.header("user-agent").starts_with("tower-webhook/"));
    assert!(seen.header("x-hub-signature-256").starts_with("sha256="));
    assert_eq!(seen.header("x-webhook-id"), event.event_id().as_str());
}
