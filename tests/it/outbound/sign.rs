//! What is signed here is accepted by the receiving stack, which is given the same text of the secret.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, Full, StreamBody};
use proptest::prelude::*;
use serde_json::Value;
use tower::{Layer as _, ServiceBuilder, ServiceExt as _, service_fn};
use tower_webhook::Inbound;
use tower_webhook::delivery::{Delivery, DeliveryId};
use tower_webhook::idempotency::ClaimedBody;
use tower_webhook::outbound::DeliveryBody;
use tower_webhook::outbound::sign::*;
use tower_webhook::scheme::catalog::{self, Options};
use tower_webhook::scheme::{
    AnyScheme, AuthErrorKind, Claims, Ed25519Key, HmacScheme, Part, Pass as _, PublicKeyScheme,
    Scheme,
};
use tower_webhook::secret::Secret;
use tower_webhook::time::ManualClock;

const NOW: i64 = 1_800_000_000;
const ID: &str = "msg_1";
const BODY: &[u8] = br#"{"id":"evt_1","type":"invoice.paid"}"#;

fn message(unix_seconds: i64) -> Message<'static> {
    Message {
        id: ID,
        unix_seconds,
        event_type: Some("invoice.paid"),
        body: BODY,
    }
}

fn sign(
    schemes: impl Into<SigningSchemes>,
    keys: &SigningKeys,
    message: &Message<'_>,
) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let signer = Signer::new(schemes, keys).unwrap();
    signer.sign(message, &mut headers).unwrap();
    headers
}

fn judge(
    scheme: &impl Scheme,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Delivery, AuthErrorKind> {
    let (mut head, ()) = Request::post("/").body(()).unwrap().into_parts();
    head.headers = headers.clone();
    let mut pass = scheme.begin(&head).map_err(|err| err.kind())?;
    pass.update(body);
    match pass.finish(body).map_err(|err| err.kind())? {
        Claims::Delivery(delivery) => Ok(delivery),
        other => panic!("no delivery: {other:?}"),
    }
}

fn key(text: &str) -> SigningKey {
    SigningKey::new(text).unwrap()
}

/// The receiving scheme of the catalog, given the text of the secret.
fn receiver(id: &str, text: &str) -> AnyScheme {
    let entry = catalog::find(id).unwrap();
    entry.build(&Options::new().secret(text)).unwrap()
}

fn acme() -> SigningScheme {
    let dot = Part::Literal(".");
    SigningScheme::sha256()
        .signature_base64("x-acme-signature", "sha256=")
        .signed_content([
            Part::Id,
            dot,
            Part::Timestamp,
            dot,
            Part::Body,
            Part::Literal("!"),
        ])
        .timestamp("x-acme-timestamp")
        .delivery_id("x-acme-id")
        .event_type("x-acme-event")
}

#[test]
fn each_scheme_is_accepted_with_the_same_text() {
    let key = SigningKey::generate();
    let (text, keys) = (key.reveal().to_owned(), SigningKeys::new(key.clone()));
    let x_webhook = HmacScheme::sha256(Secret::new(&text).unwrap())
        .signature_hex("x-webhook-signature", "sha256=")
        .signed_content([Part::Timestamp, Part::Literal("."), Part::Body])
        .timestamp("x-webhook-timestamp")
        .delivery_id("x-webhook-id");
    let custom = HmacScheme::sha256(Secret::new(&text).unwrap())
        .signature_base64("x-acme-signature", "sha256=")
        .signed_content([
            Part::Id,
            Part::Literal("."),
            Part::Timestamp,
            Part::Literal("."),
            Part::Body,
            Part::Literal("!"),
        ])
        .timestamp("x-acme-timestamp")
        .delivery_id("x-acme-id");
    let signed = DeliveryId::Signed(ID.into());
    let unsigned = DeliveryId::Unsigned(ID.into());
    let cases = [
        (
            SigningScheme::standard_webhooks(),
            receiver("standard_webhooks.v1", &text),
            signed.clone(),
            Some(NOW),
        ),
        (
            SigningScheme::github(),
            receiver("github.sha256", &text),
            DeliveryId::Digest,
            None,
        ),
        (
            SigningScheme::stripe(),
            receiver("stripe.v1", &text),
            DeliveryId::Digest,
            Some(NOW),
        ),
        (
            SigningScheme::x_webhook(),
            AnyScheme::new(x_webhook),
            unsigned,
            Some(NOW),
        ),
        (acme(), AnyScheme::new(custom), signed, Some(NOW)),
    ];
    for (scheme, receiver, id, timestamp) in cases {
        let headers = sign(scheme.clone(), &keys, &message(NOW));
        let other = scheme.receiver(&text).unwrap();
        for delivery in [
            judge(&receiver, &headers, BODY).unwrap(),
            judge(&other, &headers, BODY).unwrap(),
        ] {
            assert_eq!((&delivery.id, delivery.timestamp), (&id, timestamp));
        }
        let tampered = judge(
            &receiver,
            &headers,
            br#"{"id":"evt_2","type":"invoice.paid"}"#,
        );
        assert_eq!(tampered, Err(AuthErrorKind::Mismatch));
        let wrong = scheme.receiver(SigningKey::generate().reveal()).unwrap();
        assert_eq!(judge(&wrong, &headers, BODY), Err(AuthErrorKind::Mismatch));
    }
}

#[test]
fn a_private_key_signs_and_its_public_key_verifies() {
    let key = SigningKey::generate_ed25519();
    let public = Ed25519Key::base64(&key.public_key().unwrap()).unwrap();
    let keys = SigningKeys::from(key);
    let headers = sign(
        SigningScheme::standard_webhooks_ed25519(),
        &keys,
        &message(NOW),
    );
    let scheme = PublicKeyScheme::standard_webhooks(public);
    let delivery = judge(&scheme, &headers, BODY).unwrap();
    assert_eq!(delivery.id, DeliveryId::Signed(ID.into()));
    assert!(
        SigningScheme::standard_webhooks_ed25519()
            .receiver("whsec_")
            .is_err()
    );
}

#[test]
fn the_official_verifier_accepts_both_keys_of_a_rotation() {
    use tower_webhook::time::{Clock as _, SystemClock};
    let now = SystemClock.unix_seconds();
    let (old, new) = (SigningKey::generate(), SigningKey::generate());
    let keys = SigningKeys::new(old.clone()).rotated(new.clone(), now + 60);
    let headers = sign(SigningScheme::standard_webhooks(), &keys, &message(now));
    for key in [old, new] {
        let official = standardwebhooks::Webhook::new(key.reveal()).unwrap();
        official.verify(BODY, &headers).unwrap();
    }
}

#[test]
fn several_schemes_stand_on_one_request() {
    let secret = SigningKey::generate();
    let private = SigningKey::generate_ed25519();
    let public = Ed25519Key::base64(&private.public_key().unwrap()).unwrap();
    let keys = SigningKeys::new(secret.clone()).and(private).unwrap();
    let schemes = SigningScheme::standard_webhooks()
        .also(SigningScheme::standard_webhooks_ed25519())
        .also(SigningScheme::github())
        .also(SigningScheme::x_webhook())
        .also(SigningScheme::stripe().signature_header("acme-signature".parse().unwrap()))
        .also(acme());
    let headers = sign(schemes, &keys, &message(NOW));
    let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    let expected = [
        "acme-signature",
        "webhook-id",
        "webhook-signature",
        "webhook-timestamp",
        "x-acme-event",
        "x-acme-id",
        "x-acme-signature",
        "x-acme-timestamp",
        "x-hub-signature-256",
        "x-webhook-id",
        "x-webhook-signature",
        "x-webhook-timestamp",
    ];
    assert_eq!(names, expected);
    assert_eq!(headers.len(), expected.len(), "no header comes twice");
    for scheme in [
        SigningScheme::standard_webhooks(),
        SigningScheme::github(),
        SigningScheme::x_webhook(),
        acme(),
    ] {
        let scheme = scheme.receiver(secret.reveal()).unwrap();
        judge(&scheme, &headers, BODY).unwrap();
    }
    judge(&PublicKeyScheme::standard_webhooks(public), &headers, BODY).unwrap();
}

#[test]
fn both_keys_sign_until_the_grace_ends() {
    let (old, new) = (SigningKey::generate(), SigningKey::generate());
    let ends = NOW + 86_400;
    let keys = SigningKeys::new(old.clone()).rotated(new.clone(), ends);
    assert_eq!(keys.grace_ends(), Some(ends));
    assert_eq!(keys.current(KeyKind::Hmac).unwrap().reveal(), new.reveal());
    for (scheme, is_single) in [
        (SigningScheme::standard_webhooks(), false),
        (SigningScheme::stripe(), false),
        (SigningScheme::github(), true),
        (SigningScheme::x_webhook(), true),
    ] {
        let with_old = scheme.receiver(old.reveal()).unwrap();
        let with_new = scheme.receiver(new.reveal()).unwrap();
        for (now, old_holds, new_holds) in [
            (NOW, true, !is_single),
            (ends, true, !is_single),
            (ends + 1, false, true),
        ] {
            let headers = sign(scheme.clone(), &keys, &message(now));
            let accepts = |scheme| judge(scheme, &headers, BODY).is_ok();
            assert_eq!(accepts(&with_old), old_holds, "{scheme:?} at {now}");
            assert_eq!(accepts(&with_new), new_holds, "{scheme:?} at {now}");
        }
    }
    // A receiver with both, and the newest signature first.
    let text = |key: &SigningKey| Secret::standard_webhooks(key.reveal()).unwrap();
    let both = HmacScheme::standard_webhooks(text(&new)).or_secret(text(&old));
    let headers = sign(SigningScheme::standard_webhooks(), &keys, &message(NOW));
    judge(&both, &headers, BODY).unwrap();
    let list = headers["webhook-signature"].to_str().unwrap().to_owned();
    let alone = sign(
        SigningScheme::standard_webhooks(),
        &new.into(),
        &message(NOW),
    );
    assert!(list.starts_with(alone["webhook-signature"].to_str().unwrap()));
    assert_eq!(list.split(' ').count(), 2);
}

#[test]
fn four_keys_at_most_sign_at_once() {
    let rotated = |keys: SigningKeys, _| keys.rotated(SigningKey::generate(), NOW);
    let keys = (0..9).fold(SigningKeys::new(SigningKey::generate()), rotated);
    let headers = sign(SigningScheme::standard_webhooks(), &keys, &message(NOW));
    let list = headers["webhook-signature"].to_str().unwrap();
    assert_eq!(list.split(' ').count(), 4);
    let keys = keys.without_ended(NOW + 1);
    assert_eq!(keys.grace_ends(), None);
}

#[test]
fn a_plain_text_serves_standard_webhooks_as_its_bytes_when_asked() {
    let text = "a legacy secret, no base64";
    let keys = SigningKeys::new(key(text));
    assert!(Signer::new(SigningScheme::standard_webhooks(), &keys).is_err());
    let scheme = SigningScheme::standard_webhooks().keyed_by_text();
    let headers = sign(scheme.also(SigningScheme::github()), &keys, &message(NOW));
    let written = format!("whsec_{}", STANDARD.encode(text));
    judge(&receiver("standard_webhooks.v1", &written), &headers, BODY).unwrap();
    judge(&receiver("github.sha256", text), &headers, BODY).unwrap();
}

#[test]
fn what_cannot_be_signed_is_told() {
    let keys = SigningKeys::new(SigningKey::generate());
    let signer = Signer::new(acme(), &keys).unwrap();
    let refused = |change: &dyn Fn(&mut Message<'static>)| {
        let mut message = message(NOW);
        change(&mut message);
        let mut headers = HeaderMap::new();
        let err = signer.sign(&message, &mut headers).unwrap_err();
        assert!(headers.is_empty());
        err.kind()
    };
    for id in ["", "a.b", "a b", "a\n", "\0", "é", " a", "a\u{7f}"] {
        assert_eq!(
            refused(&|message| message.id = id),
            SignErrorKind::MessageId
        );
        assert!(MessageId::new(id).is_err());
    }
    for name in ["", "a b", "a\r\nx: y", "é"] {
        let kind = refused(&|message| message.event_type = Some(name));
        assert_eq!(kind, SignErrorKind::EventType);
        assert!(EventType::new(name).is_err());
    }
    for time in [i64::MIN, -1, 0, 999_999_999, 10_000_000_000, i64::MAX] {
        assert_eq!(
            refused(&|message| message.unix_seconds = time),
            SignErrorKind::Time
        );
    }
    let (first, second) = (SigningKey::generate_ed25519(), SigningKey::generate());
    let keys = SigningKeys::new(second).with_previous(first, NOW);
    let signer = Signer::new(SigningScheme::standard_webhooks_ed25519(), &keys).unwrap();
    let mut headers = HeaderMap::new();
    signer.sign(&message(NOW), &mut headers).unwrap();
    let err = signer.sign(&message(NOW + 1), &mut headers).unwrap_err();
    assert_eq!(err.kind(), SignErrorKind::NoLiveKey);
}

#[test]
fn what_would_not_be_safe_is_refused_at_the_start() {
    let keys = SigningKeys::new(SigningKey::generate());
    let schemes = [
        SigningScheme::github().also(SigningScheme::github()),
        SigningScheme::standard_webhooks().also(SigningScheme::standard_webhooks()),
        SigningScheme::github()
            .also(SigningScheme::sha256().signature_hex("x-hub-signature-256", "")),
        acme().event_type("x-acme-id").into(),
        acme().signed_content([Part::Timestamp]).into(),
        acme().signed_content([Part::Body, Part::Body]).into(),
        acme().signed_content([Part::Url, Part::Body]).into(),
        acme().signed_content([Part::Method, Part::Body]).into(),
        SigningScheme::sha256()
            .signed_content([Part::Timestamp, Part::Body])
            .into(),
        SigningScheme::sha256()
            .signed_content([Part::Id, Part::Body])
            .into(),
        SigningScheme::standard_webhooks_ed25519().into(),
    ];
    for schemes in schemes {
        assert!(Signer::new(schemes, &keys).is_err());
    }
    for text in [
        "",
        "               ",
        "fifteen bytes..",
        "whsk_",
        "whsk_AAAA",
        "whpk_6Dp+nD58xTV87Er8pPois12RHZTd69c+yJo+1wzjztc=",
    ] {
        assert!(SigningKey::new(text).is_err(), "{text:?}");
    }
    // A public half of another key.
    let (one, two) = (
        SigningKey::generate_ed25519(),
        SigningKey::generate_ed25519(),
    );
    let bytes = |key: &SigningKey| STANDARD.decode(&key.reveal()["whsk_".len()..]).unwrap();
    let mixed = [&bytes(&one)[..32], &bytes(&two)[32..]].concat();
    assert!(SigningKey::new(format!("whsk_{}", STANDARD.encode(mixed))).is_err());
    assert!(keys.and(SigningKey::generate()).is_err());
}

#[test]
fn keys_are_written_and_read_and_never_printed() {
    let (old, new) = (key("an old \"secret\" text"), SigningKey::generate());
    let keys = SigningKeys::new(old)
        .rotated(new.clone(), NOW)
        .and(SigningKey::generate_ed25519())
        .unwrap();
    let bytes = keys.to_bytes();
    assert_eq!(AsRef::<[u8]>::as_ref(&bytes), &*bytes);
    let again = SigningKeys::from_bytes(&bytes).unwrap();
    assert_eq!(&*again.to_bytes(), &*bytes);
    assert_eq!(again.grace_ends(), Some(NOW));
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    for wrong in [
        "",
        "{}",
        r#"{"version":1,"keys":[]}"#,
        "[]",
        &text.replace("\"version\":1", "\"version\":2"),
        &text[1..],
    ] {
        assert!(SigningKeys::from_bytes(wrong.as_bytes()).is_err());
    }
    let signer = Signer::new(SigningScheme::github(), &keys).unwrap();
    let shown = format!(
        "{keys:?} {bytes:?} {new:?} {signer:?} {:?}",
        SignLayer::new(signer.clone())
    );
    for secret in [&new.reveal()[6..], "secret\" text", "whsec_", "whsk_"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    let bytes = STANDARD.decode(&new.reveal()[6..]).unwrap();
    assert_eq!(bytes.len(), 32);
    assert!(!shown.contains(&format!("{bytes:?}")));
}

/// A client that keeps the heads of what it is sent.
fn client(
    seen: &Arc<Mutex<Vec<Request<DeliveryBody>>>>,
) -> impl tower::Service<
    Request<DeliveryBody>,
    Response = Response<()>,
    Error = Infallible,
    Future = std::future::Ready<Result<Response<()>, Infallible>>,
> + Clone
+ use<> {
    let seen = Arc::clone(seen);
    service_fn(move |req: Request<DeliveryBody>| {
        seen.lock().unwrap().push(req);
        std::future::ready(Ok(Response::new(())))
    })
}

#[tokio::test]
async fn a_retry_has_a_new_time_and_the_same_id() {
    let key = SigningKey::generate();
    let scheme = SigningScheme::standard_webhooks()
        .receiver(key.reveal())
        .unwrap();
    let clock = Arc::new(ManualClock::new(NOW));
    let signer = Signer::new(SigningScheme::standard_webhooks(), &key.into()).unwrap();
    let layer = SignLayer::new(signer).with_clock(Arc::clone(&clock));
    let handled = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&handled);
    let receiver = Inbound::builder(scheme)
        .clock(Arc::clone(&clock))
        .build()
        .unwrap();
    let receiver = receiver.layer(service_fn(move |_: Request<ClaimedBody>| {
        counter.fetch_add(1, Ordering::SeqCst);
        std::future::ready(Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())))
    }));
    let (seen, id) = (Arc::default(), MessageId::unique());
    let sender = layer.layer(client(&seen));
    for time in [NOW, NOW + 600] {
        clock.set(time);
        let req = Request::post("/").extension(id.clone());
        let req = req.body(Full::new(Bytes::from_static(BODY))).unwrap();
        sender.clone().oneshot(req).await.unwrap();
        let sent = seen.lock().unwrap().last().unwrap().clone();
        assert_eq!(sent.headers()["webhook-id"], id.as_str());
        assert_eq!(sent.headers()["webhook-timestamp"], time.to_string());
        let answer = receiver.clone().oneshot(sent).await.unwrap();
        assert_eq!(answer.status(), 200);
    }
    assert_eq!(
        handled.load(Ordering::SeqCst),
        1,
        "the second is known by its id"
    );
    // The first of them, sent again now, is outside the window.
    let stale = seen.lock().unwrap()[0].clone();
    assert_eq!(receiver.oneshot(stale).await.unwrap().status(), 409);
}

#[tokio::test]
async fn the_id_comes_from_the_extension_then_the_header_then_from_chance() {
    let key = SigningKey::generate();
    let signer = Signer::new(SigningScheme::standard_webhooks(), &key.into()).unwrap();
    let layer = SignLayer::new(signer).with_clock(ManualClock::new(NOW));
    let seen = Arc::default();
    let sender = layer.layer(client(&seen));
    let build = || Request::post("/").header("webhook-signature", "v1,forged");
    let empty = DeliveryBody::default;
    let named = build()
        .header("webhook-id", "msg_2")
        .header("webhook-id", "msg_3");
    let both = build().header("webhook-id", "msg_2");
    let both = both.extension(MessageId::new("msg_4").unwrap());
    for req in [named, both, build(), build()] {
        let req = req.body(empty()).unwrap();
        sender.clone().oneshot(req).await.unwrap();
    }
    let bad = build().header("webhook-id", "a.b").body(empty()).unwrap();
    let err = sender.clone().oneshot(bad).await.unwrap_err();
    let kind = err.downcast_ref::<SignError>().unwrap().kind();
    assert_eq!(kind, SignErrorKind::MessageId);
    let seen = seen.lock().unwrap();
    let ids: Vec<_> = seen
        .iter()
        .map(|req| {
            assert_eq!(req.headers().get_all("webhook-signature").iter().count(), 1);
            assert_ne!(req.headers()["webhook-signature"], "v1,forged");
            assert_eq!(req.headers().get_all("webhook-id").iter().count(), 1);
            let id = req.extensions().get::<MessageId>().unwrap();
            assert_eq!(req.headers()["webhook-id"], id.as_str());
            id.to_string()
        })
        .collect();
    assert_eq!(ids[..2], ["msg_2", "msg_4"]);
    assert_ne!(ids[2], ids[3]);
    assert_eq!((ids[2].len(), &ids[2][..4]), (36, "msg_"));
}

#[tokio::test]
async fn a_signer_of_the_request_signs_in_place_of_that_of_the_layer() {
    let (one, two) = (SigningKey::generate(), SigningKey::generate());
    let signer =
        |key: &SigningKey| Signer::new(SigningScheme::github(), &key.clone().into()).unwrap();
    let seen = Arc::default();
    let sender = ServiceBuilder::new()
        .layer(SignLayer::new(signer(&one)))
        .service(client(&seen));
    let req = Request::post("/").extension(signer(&two));
    sender
        .oneshot(req.body(DeliveryBody::from(BODY)).unwrap())
        .await
        .unwrap();
    let sent = seen.lock().unwrap().pop().unwrap();
    assert_eq!(sent.body().bytes(), BODY);
    judge(
        &receiver("github.sha256", two.reveal()),
        sent.headers(),
        BODY,
    )
    .unwrap();
}

/// A client whose clones are not ready, and whose connections are refused.
#[derive(Default)]
struct Refusing(bool);

impl Clone for Refusing {
    fn clone(&self) -> Self {
        Self(false)
    }
}

impl tower::Service<Request<DeliveryBody>> for Refusing {
    type Response = Response<()>;
    type Error = std::io::Error;
    type Future = std::future::Ready<Result<Response<()>, std::io::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), std::io::Error>> {
        self.0 = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<DeliveryBody>) -> Self::Future {
        assert!(self.0, "it was polled ready");
        std::future::ready(Err(std::io::ErrorKind::ConnectionRefused.into()))
    }
}

#[tokio::test]
async fn the_clone_that_was_ready_is_called_and_its_error_passes() {
    let signer = Signer::new(SigningScheme::github(), &SigningKey::generate().into()).unwrap();
    let sender = SignLayer::new(signer).layer(Refusing::default());
    let body = DeliveryBody::from(BODY);
    let call = sender.oneshot(Request::post("/").body(body).unwrap());
    let err = call.await.unwrap_err();
    let err = err.downcast_ref::<std::io::Error>().unwrap();
    assert_eq!(err.kind(), std::io::ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn a_body_in_pieces_is_signed_whole_and_one_that_fails_is_not_sent() {
    let key = SigningKey::generate();
    let signer = Signer::new(SigningScheme::github(), &key.clone().into()).unwrap();
    let seen = Arc::default();
    let sender = SignLayer::new(signer).layer(client(&seen));
    let frame = |piece| Frame::data(Bytes::from_static(piece));
    let pieces = [&BODY[..7], &BODY[7..]].map(|piece| Ok::<_, Infallible>(frame(piece)));
    let body = StreamBody::new(futures_util::stream::iter(pieces));
    sender.clone().oneshot(Request::new(body)).await.unwrap();
    let sent = seen.lock().unwrap().pop().unwrap();
    judge(
        &receiver("github.sha256", key.reveal()),
        sent.headers(),
        BODY,
    )
    .unwrap();
    let (_, body) = sent.into_parts();
    assert_eq!(body.collect().await.unwrap().to_bytes(), BODY);

    let broken = [Ok(frame(b"{")), Err(std::io::Error::other("gone"))];
    let body = StreamBody::new(futures_util::stream::iter(broken));
    let err = sender.oneshot(Request::new(body)).await.unwrap_err();
    let err = err.downcast_ref::<SignError>().unwrap();
    assert_eq!(err.kind(), SignErrorKind::Body);
    assert_eq!(std::error::Error::source(err).unwrap().to_string(), "gone");
    assert!(seen.lock().unwrap().is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_signed_is_accepted(
        id in "[!-\\-/-~]{1,80}",
        body in proptest::collection::vec(any::<u8>(), 0..2000),
        time in 1_000_000_000_i64..10_000_000_000,
    ) {
        let (key, private) = (SigningKey::generate(), SigningKey::generate_ed25519());
        let public = Ed25519Key::base64(&private.public_key().unwrap()).unwrap();
        let keys = SigningKeys::new(key.clone()).and(private).unwrap();
        let all = [
            SigningScheme::standard_webhooks(),
            SigningScheme::github(),
            SigningScheme::x_webhook(),
            SigningScheme::stripe(),
            acme(),
        ];
        let both = SigningScheme::standard_webhooks_ed25519();
        let schemes = all.iter().cloned().fold(both.into(), SigningSchemes::also);
        let message = Message { id: &id, unix_seconds: time, event_type: None, body: &body };
        let headers = sign(schemes, &keys, &message);
        for scheme in all {
            let scheme = scheme.receiver(key.reveal()).unwrap();
            judge(&scheme, &headers, &body).unwrap();
        }
        let scheme = PublicKeyScheme::standard_webhooks(public);
        let delivery = judge(&scheme, &headers, &body).unwrap();
        prop_assert_eq!(delivery.id, DeliveryId::Signed(id.into()));
        prop_assert_eq!(delivery.timestamp, Some(time));
    }

    #[test]
    fn no_message_panics(
        id in any::<String>(),
        event_type in any::<Option<String>>(),
        time in any::<i64>(),
    ) {
        let keys = SigningKeys::new(SigningKey::generate());
        let schemes = acme().also(SigningScheme::github()).also(SigningScheme::stripe());
        let signer = Signer::new(schemes, &keys).unwrap();
        let event_type = event_type.as_deref();
        let message = Message { id: &id, unix_seconds: time, event_type, body: b"{}" };
        let _ = signer.sign(&message, &mut HeaderMap::new());
        let _ = SigningKey::new(id.clone());
        let _ = SigningKeys::from_bytes(id.as_bytes());
    }
}

/// The scheme and the key of a vector, where it can be signed anew.
fn signing(vector: &Value) -> Option<(SigningScheme, &str)> {
    let secret = vector["secrets"][0].as_str()?;
    match vector["scheme"].as_str()? {
        "github.sha256" => Some((SigningScheme::github(), secret)),
        "stripe.v1" => Some((SigningScheme::stripe(), secret)),
        "standard_webhooks.v1" => Some((SigningScheme::standard_webhooks(), secret)),
        "standard_webhooks.v1a" => {
            let private = vector["config"]["signing_key"].as_str()?;
            Some((SigningScheme::standard_webhooks_ed25519(), private))
        }
        _ => None,
    }
}

#[test]
fn published_vectors_are_signed_as_published() {
    let file: Value = serde_json::from_str(include_str!("../../vectors/providers.json")).unwrap();
    let mut count = std::collections::BTreeMap::new();
    for vector in file["vectors"].as_array().unwrap() {
        let is_plain = vector["expect"] == "ok" && vector["secrets"].as_array().unwrap().len() == 1;
        let (Some((scheme, secret)), true) = (signing(vector), is_plain) else {
            continue;
        };
        let body = match (&vector["body_utf8"], &vector["body_base64"]) {
            (Value::String(text), _) => text.as_bytes().to_vec(),
            (_, Value::String(text)) => STANDARD.decode(text).unwrap(),
            _ => continue,
        };
        let header = |name: &str| {
            let headers = vector["headers"].as_array().unwrap().iter();
            let mut own =
                headers.filter(|header| header[0].as_str().unwrap().eq_ignore_ascii_case(name));
            own.next().map(|header| header[1].as_str().unwrap())
        };
        let (name, time) = match vector["scheme"].as_str().unwrap() {
            "github.sha256" => ("x-hub-signature-256", Some("1800000000")),
            "stripe.v1" => {
                let text = header("stripe-signature").unwrap();
                ("stripe-signature", text.split([',', '=']).nth(1))
            }
            _ => ("webhook-signature", header("webhook-timestamp")),
        };
        let published = header(name).unwrap();
        // A short secret signs nothing here.
        let Ok(key) = SigningKey::new(secret) else {
            continue;
        };
        let message = Message {
            id: header("webhook-id").unwrap_or(ID),
            unix_seconds: time.unwrap().trim().parse().unwrap(),
            event_type: None,
            body: &body,
        };
        let headers = sign(scheme, &key.into(), &message);
        let own = headers[name].to_str().unwrap();
        // Some have signatures of other versions or by other keys beside it, or digits in upper case.
        let signature =
            own.rsplit_once(|joint| joint == ',' || joint == '=' && !own.ends_with('='));
        let signature = signature.map_or(own, |(_, signature)| signature);
        assert!(
            published.to_lowercase().contains(&signature.to_lowercase()),
            "{}: {own} is not in {published}",
            vector["id"]
        );
        let (all, whole) = count.entry(vector["scheme"].to_string()).or_insert((0, 0));
        (*all, *whole) = (*all + 1, *whole + usize::from(own == published));
    }
    assert_eq!(count.len(), 4, "{count:?}");
    assert!(count.values().all(|(_, whole)| *whole > 0), "{count:?}");
}

#[test]
fn a_scheme_that_is_keyed_by_base64_signs_with_what_the_secret_encodes() {
    use hmac::{Hmac, KeyInit as _, Mac as _};
    let secret = format!("whsec_{}", STANDARD.encode([7; 32]));
    let keys = SigningKeys::new(SigningKey::new(secret).unwrap());
    let signer = Signer::new(SigningScheme::github().keyed_by_base64(), &keys).unwrap();
    let mut headers = HeaderMap::new();
    signer.sign(&message(NOW), &mut headers).unwrap();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&[7; 32]).unwrap();
    mac.update(BODY);
    let mac = const_hex::encode(mac.finalize().into_bytes());
    assert_eq!(headers["x-hub-signature-256"], format!("sha256={mac}"));
}
