//! What an operator does.

use std::time::Duration;

use tower_webhook::outbound::endpoint::{
    EndpointHeaders, EndpointId, EndpointPatch, EndpointState, NewEndpoint,
};
use tower_webhook::outbound::event::{Event, EventId};
use tower_webhook::outbound::policy::{Retention, Schedule};
use tower_webhook::outbound::sign::KeyKind;
use tower_webhook::outbound::store::{DeliveryQuery, DeliveryState, EndpointQuery};
use tower_webhook::outbound::{DeliveryBody, OutboundErrorKind, Replay};

use super::rig::{Reply, Rig, START};

#[tokio::test]
async fn only_endpoints_that_want_an_event_get_it() {
    let rig = Rig::new(|builder| builder);
    let make = async |tenant: &str, path: &str, events: &[&str]| {
        let new = NewEndpoint::new(format!("https://receiver.example/{path}"));
        let new = new.tenant(tenant).events(events.iter().copied());
        rig.sender.endpoints().create(new).await.unwrap();
    };
    make("a", "all", &["*"]).await;
    make("a", "orders", &["order.*"]).await;
    make("a", "exact", &["invoice.paid", "order.created"]).await;
    make("a", "none", &["order"]).await;
    make("b", "other", &["*"]).await;
    let event = Event::new("order.created", "{}").unwrap().tenant("a");
    let emitted = rig.sender.emit(event.clone()).await.unwrap();
    assert_eq!((emitted.deliveries, emitted.is_duplicate), (3, false));
    let again = rig.sender.emit(event).await.unwrap();
    assert_eq!((again.deliveries, again.is_duplicate), (0, true));
    rig.send_all().await;
    let mut urls: Vec<_> = rig
        .receiver
        .seen
        .lock()
        .unwrap()
        .iter()
        .map(|seen| seen.url.clone())
        .collect();
    urls.sort();
    let expected =
        ["all", "exact", "orders"].map(|path| format!("https://receiver.example/{path}"));
    assert_eq!(urls, expected);
}

#[tokio::test]
async fn a_dead_letter_is_sent_again_with_its_id_and_the_whole_schedule() {
    let rig =
        Rig::new(|builder| builder.schedule(Schedule::list([Duration::from_secs(1)]).jitter(0.0)));
    let endpoint = rig.endpoint().await;
    rig.receiver.will_answer([
        Reply::Status(500),
        Reply::Status(500),
        Reply::Status(500),
        Reply::Status(204),
    ]);
    let event = rig.emit("order.created").await;
    rig.send_all().await;
    assert_eq!(rig.receiver.count(), 2);
    rig.sender
        .retry(&endpoint.id, event.event_id())
        .await
        .unwrap();
    rig.send_all().await;
    let (delivery, attempts) = rig.delivery(&endpoint.id).await;
    assert_eq!(
        (delivery.state, delivery.manual),
        (DeliveryState::Delivered, true)
    );
    assert_eq!(attempts.len(), 4);
    let ids = rig.receiver.seen.lock().unwrap();
    assert!(
        ids.iter()
            .all(|seen| seen.header("webhook-id") == event.event_id().as_str())
    );
}

#[tokio::test]
async fn what_was_asked_for_by_hand_says_nothing_of_health() {
    let rig = Rig::new(|builder| builder.schedule(Schedule::list([]).jitter(0.0)));
    let endpoint = rig.endpoint().await;
    rig.receiver.will_answer([Reply::Status(500)]);
    rig.emit("order.created").await;
    rig.send_all().await;
    let failures = async || {
        rig.sender
            .endpoints()
            .get(&endpoint.id)
            .await
            .unwrap()
            .health
            .failures
    };
    assert_eq!(failures().await, 1);
    let replayed = rig
        .sender
        .replay(&endpoint.id, Replay::since(START * 1000))
        .await
        .unwrap();
    assert_eq!(replayed, 1);
    rig.sender.test(&endpoint.id).await.unwrap();
    rig.send_all().await;
    assert_eq!(rig.receiver.count(), 3);
    assert_eq!(failures().await, 1);
}

#[tokio::test]
async fn a_replay_takes_what_was_emitted_since_and_what_arrived_if_asked() {
    let rig = Rig::new(|builder| builder.schedule(Schedule::list([])));
    let endpoint = rig.endpoint().await;
    rig.receiver
        .will_answer([Reply::Status(500), Reply::Status(500), Reply::Status(204)]);
    rig.emit("a").await;
    rig.send().await;
    rig.pass(1000);
    rig.emit("b").await;
    rig.send().await;
    rig.emit("c").await;
    rig.send().await;
    let since = Replay::since(START * 1000 + 1000);
    assert_eq!(rig.sender.replay(&endpoint.id, since).await.unwrap(), 1);
    rig.send_all().await;
    assert_eq!(
        rig.sender
            .replay(&endpoint.id, since.and_delivered())
            .await
            .unwrap(),
        2
    );
    rig.send_all().await;
    let dead = DeliveryQuery {
        state: Some("dead".into()),
        ..DeliveryQuery::new(endpoint.id.clone())
    };
    let dead = rig.sender.deliveries(&dead).await.unwrap();
    assert_eq!(
        dead.iter()
            .map(|audited| audited.delivery.event_type.as_str())
            .collect::<Vec<_>>(),
        ["a"]
    );
}

#[tokio::test]
async fn a_test_is_sent_once_whatever_the_endpoint_wants() {
    let rig = Rig::new(|builder| builder);
    let new = NewEndpoint::new("https://receiver.example/").events(["order.created"]);
    let endpoint = rig.sender.endpoints().create(new).await.unwrap().endpoint;
    rig.receiver.will_answer([Reply::Status(500)]);
    let id = rig.sender.test(&endpoint.id).await.unwrap();
    rig.send_all().await;
    assert_eq!(rig.receiver.count(), 1);
    let (delivery, attempts) = rig.delivery(&endpoint.id).await;
    assert_eq!(
        (delivery.event, delivery.event_type.as_str()),
        (id, "webhook.test")
    );
    assert_eq!(attempts[0].status, Some(500));
}

#[tokio::test]
async fn both_secrets_sign_until_the_grace_ends() {
    let rig = Rig::new(|builder| builder);
    let endpoint = rig.endpoint().await;
    let signatures = async || {
        rig.emit("order.created").await;
        rig.send().await;
        let seen = rig.receiver.seen.lock().unwrap();
        seen.last()
            .unwrap()
            .header("webhook-signature")
            .split(' ')
            .count()
    };
    assert_eq!(signatures().await, 1);
    let endpoints = rig.sender.endpoints();
    let rotated = endpoints
        .rotate(&endpoint.id, Duration::from_secs(86_400))
        .await
        .unwrap();
    assert!(rotated.keys.current(KeyKind::Hmac).is_some());
    assert_eq!(signatures().await, 2);
    rig.pass(86_400_000);
    assert_eq!(signatures().await, 2);
    rig.pass(1000);
    assert_eq!(signatures().await, 1);
    let long = endpoints
        .rotate(&endpoint.id, Duration::from_secs(8 * 86_400))
        .await
        .unwrap_err();
    assert_eq!(long.field(), Some("grace"));
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_by_the_name_of_its_field() {
    let rig = Rig::new(|builder| builder.max_payload_bytes(10));
    let endpoints = rig.sender.endpoints();
    let url = "https://receiver.example/";
    let refused = [
        (NewEndpoint::new("nonsense url"), "url"),
        (NewEndpoint::new("http://receiver.example/"), "url"),
        (NewEndpoint::new("https://169.254.169.254/"), "url"),
        (NewEndpoint::new("https://[::ffff:10.0.0.1]/"), "url"),
        (NewEndpoint::new(url).events(Vec::<String>::new()), "events"),
        (NewEndpoint::new(url).events(["a*"]), "events"),
        (
            NewEndpoint::new(url).description("x".repeat(257)),
            "description",
        ),
        (NewEndpoint::new(url).max_concurrent(0), "max_concurrent"),
        (NewEndpoint::new(url).max_per_second(0), "max_per_second"),
    ];
    for (new, field) in refused {
        let err = endpoints.create(new).await.unwrap_err();
        assert_eq!(
            (err.kind(), err.field()),
            (OutboundErrorKind::Invalid, Some(field))
        );
    }
    for name in [
        "Host",
        "content-length",
        "webhook-id",
        "X-Forwarded-For",
        "x-hub-signature-256",
        "a b",
    ] {
        let err = EndpointHeaders::new([(name, "1")]).unwrap_err();
        assert_eq!(err.field(), "headers", "{name}");
    }
    assert!(EndpointHeaders::new([("x-a", "1\r\nx-b: 2")]).is_err());
    assert!(EndpointHeaders::new([("x-a", "1"), ("X-A", "2")]).is_err());
    for bad in ["", "a.", ".a", "a b", "a..b", "é"] {
        assert_eq!(
            Event::new(bad, "{}").unwrap_err().field(),
            Some("event_type"),
            "{bad}"
        );
    }
    for bad in ["", "a.b", "a b", "é"] {
        assert_eq!(EventId::new(bad).unwrap_err().field(), Some("id"), "{bad}");
    }
    let long = Event::new("a", "01234567890").unwrap();
    assert_eq!(
        rig.sender.emit(long).await.unwrap_err().field(),
        Some("body")
    );
    let split = Event::new("a", "{}").unwrap().content_type("a\nb");
    assert_eq!(
        rig.sender.emit(split).await.unwrap_err().field(),
        Some("content_type")
    );
}

#[tokio::test]
async fn endpoints_are_changed_listed_and_forgotten() {
    let rig = Rig::new(|builder| builder);
    let endpoints = rig.sender.endpoints();
    let endpoint = rig.endpoint().await;
    let headers = EndpointHeaders::new([("x-token", "hush")]).unwrap();
    let patch = EndpointPatch {
        url: Some("https://receiver.example/elsewhere".into()),
        events: Some(vec!["order.*".into()]),
        headers: Some(headers),
        max_per_second: Some(Some(3)),
        ..EndpointPatch::default()
    };
    let changed = endpoints.update(&endpoint.id, patch).await.unwrap();
    assert_eq!((changed.version, changed.max_per_second), (2, Some(3)));
    assert_eq!(endpoints.get(&endpoint.id).await.unwrap(), changed);
    assert_eq!(
        endpoints.header_names(&endpoint.id).await.unwrap(),
        ["x-token"]
    );
    assert_eq!(
        endpoints.list(&EndpointQuery::default()).await.unwrap(),
        [changed]
    );
    rig.emit("order.created").await;
    endpoints.delete(&endpoint.id).await.unwrap();
    assert_eq!(
        endpoints.get(&endpoint.id).await.unwrap_err().kind(),
        OutboundErrorKind::NotFound
    );
    assert_eq!(
        endpoints.delete(&endpoint.id).await.unwrap_err().kind(),
        OutboundErrorKind::NotFound
    );
    assert_eq!(rig.send().await, None);
    let nobody = EndpointId::from("ep_nobody");
    let err = rig.sender.test(&nobody).await.unwrap_err();
    assert_eq!(err.kind(), OutboundErrorKind::NotFound);
}

#[tokio::test]
async fn what_is_over_is_forgotten_in_time() {
    let day = Duration::from_secs(86_400);
    let retention = Retention::default().delivered(day).dead(3 * day);
    let rig = Rig::new(|builder| builder.retention(retention).schedule(Schedule::list([])));
    let endpoint = rig.endpoint().await;
    rig.receiver
        .will_answer([Reply::Status(204), Reply::Status(500)]);
    rig.emit("a").await;
    rig.emit("b").await;
    rig.send().await;
    assert_eq!(rig.sender.purge().await.unwrap(), 0);
    rig.pass(86_400_001);
    assert_eq!(rig.sender.purge().await.unwrap(), 1);
    rig.pass(2 * 86_400_000);
    assert_eq!(rig.sender.purge().await.unwrap(), 1);
    assert!(rig.audit(&endpoint.id).await.is_empty());
}

#[tokio::test]
async fn the_body_of_a_delivery_tells_its_length_and_comes_once() {
    use http_body::Body as _;
    use http_body_util::BodyExt as _;
    let mut body = DeliveryBody::from("{}");
    assert_eq!(
        (body.size_hint().exact(), body.is_end_stream()),
        (Some(2), false)
    );
    let frame = body.frame().await.unwrap().unwrap();
    assert_eq!(frame.into_data().unwrap(), "{}");
    assert_eq!(
        (body.size_hint().exact(), body.is_end_stream()),
        (Some(0), true)
    );
    assert!(body.frame().await.is_none());
    assert!(DeliveryBody::from("").is_end_stream());
}

#[tokio::test]
async fn an_endpoint_that_is_disabled_already_keeps_its_reason() {
    let rig = Rig::new(|builder| builder);
    let endpoint = rig.endpoint().await;
    rig.receiver.will_answer([Reply::Status(410)]);
    rig.emit("order.created").await;
    rig.send().await;
    let patch = EndpointPatch {
        enabled: Some(false),
        ..EndpointPatch::default()
    };
    let endpoints = rig.sender.endpoints();
    let changed = endpoints.update(&endpoint.id, patch).await.unwrap();
    let reason = "gone".to_owned();
    assert_eq!(changed.state, EndpointState::Disabled { reason });
}

#[tokio::test]
async fn a_grace_may_last_a_week_and_what_was_never_emitted_cannot_be_sent_again() {
    let rig = Rig::new(|builder| builder);
    let endpoint = rig.endpoint().await;
    let week = Duration::from_secs(7 * 24 * 3600);
    let endpoints = rig.sender.endpoints();
    assert!(endpoints.rotate(&endpoint.id, week).await.is_ok());
    let never = EventId::new("msg_never").unwrap();
    let err = rig.sender.retry(&endpoint.id, &never).await.unwrap_err();
    assert_eq!(err.kind(), OutboundErrorKind::NotFound);
}

#[tokio::test]
async fn a_delivery_that_waits_holds_up_no_other() {
    let rig = Rig::new(|builder| builder);
    rig.endpoint().await;
    rig.receiver
        .will_answer([Reply::Status(500), Reply::Status(204)]);
    for _ in 0..2 {
        rig.emit("order.created").await;
        rig.send().await;
    }
    assert_eq!(rig.receiver.count(), 2);
}
