//! The shape of payloads, and id and event type inside them.

use std::convert::Infallible;

use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{Request, Response};
use http_body_util::Full;
use proptest::prelude::*;
use tower::{ServiceBuilder, ServiceExt as _, service_fn};
use tower_webhook::delivery::{Delivery, DeliveryId};
use tower_webhook::envelope::{Envelope, OpenEnvelopeLayer, WebhookRejection};
use tower_webhook::limit::BodyLimitLayer;
use tower_webhook::outcome::Outcome;
use tower_webhook::rejection::Rejection;
use tower_webhook::scheme::{HmacScheme, Profile, Shape};
use tower_webhook::secret::Secret;
use tower_webhook::verify::{Verified as _, VerifiedBody, VerifyLayer};

const KEY: &str = "0123456789abcdef";

async fn open(profile: Profile, media: &str, body: &[u8]) -> Result<Delivery, Rejection> {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(KEY.as_bytes()).unwrap();
    mac.update(body);
    let scheme = HmacScheme::sha256(Secret::new(KEY).unwrap()).profile(profile);
    let sent = Bytes::copy_from_slice(body);
    let handler = service_fn(move |req: Request<VerifiedBody>| {
        assert_eq!(req.body().as_bytes(), &sent);
        let delivery = req.body().delivery().clone();
        // Services with a body of their own read the same from the extensions.
        let copy: &VerifiedBody = req.extensions().get().unwrap();
        assert_eq!(copy.delivery(), &delivery);
        let mut response = Response::new(req.into_body());
        response.extensions_mut().insert(delivery);
        async { Ok::<_, Infallible>(response) }
    });
    let stack = ServiceBuilder::new()
        .layer(BodyLimitLayer::new(1 << 20))
        .layer(VerifyLayer::new(scheme))
        .layer(OpenEnvelopeLayer::new())
        .service(handler);
    let mac = const_hex::encode(mac.finalize().into_bytes());
    let req = Request::post("/")
        .header("x-signature", mac)
        .header("content-type", media)
        .body(Full::new(Bytes::copy_from_slice(body)))
        .unwrap();
    let response = stack.oneshot(req).await.unwrap();
    match response.extensions().get() {
        Some(Outcome::Rejected(why)) => Err(*why),
        _ => Ok(response.extensions().get::<Delivery>().unwrap().clone()),
    }
}

fn event() -> Profile {
    let object = Profile::new(Shape::Object);
    object.with_id(&["id"]).with_event_type(&["event", "type"])
}

async fn json(profile: Profile, body: &[u8]) -> Result<Delivery, Rejection> {
    open(profile, "application/json", body).await
}

#[tokio::test]
async fn id_and_event_type_in_the_payload_are_signed() {
    let body =
        br#"{"type":"no","x":[{"id":"no"}],"id":"ev\u005f1","event":{"id":"no","type":"push"}}"#;
    let delivery = json(event(), body).await.unwrap();
    assert_eq!(delivery.id, DeliveryId::Signed("ev_1".into()));
    assert_eq!(delivery.event_type.as_deref(), Some("push"));
    assert!(delivery.event_type_signed);
}

#[tokio::test]
async fn what_the_scheme_promises_must_be_there_once_as_text_or_whole_number() {
    for body in [
        r#"{"event":{"type":"push"}}"#,
        r#"{"id":"","event":{"type":"push"}}"#,
        r#"{"id":1.5,"event":{"type":"push"}}"#,
        r#"{"id":["a"],"event":{"type":"push"}}"#,
        r#"{"id":"a","event":null}"#,
        r#"{"id":"a","event":"push"}"#,
        r#"{"id":"a","id":"b","event":{"type":"push"}}"#,
        r#"{"id":"a","i\u0064":"b","event":{"type":"push"}}"#,
        r#"{"id":"a","event":{"type":"push"},"event":{}}"#,
    ] {
        let opened = json(event(), body.as_bytes()).await;
        assert!(matches!(opened, Err(Rejection::Malformed { .. })), "{body}");
    }
    let number = json(event(), br#"{"id":7,"event":{"type":"push"}}"#).await;
    assert_eq!(number.unwrap().id, DeliveryId::Signed("7".into()));
    let number = json(event(), br#"{"id":-7,"event":{"type":"push"}}"#).await;
    assert_eq!(number.unwrap().id, DeliveryId::Signed("-7".into()));
    for body in [
        r#"{}"#,
        r#"{"id":["a",1]}"#,
        r#"{"id":{"a":1},"event":["push"]}"#,
    ] {
        let optional = json(event().with_optional_fields(), body.as_bytes()).await;
        assert_eq!(optional.unwrap().id, DeliveryId::Digest, "{body}");
    }
}

#[tokio::test]
async fn a_payload_of_another_shape_is_400_with_its_position() {
    let object = || Profile::new(Shape::Object);
    for (body, line, column) in [
        (&b""[..], 1, 0),
        (b"[]", 1, 2),
        (b"\"text\"", 1, 6),
        (b"{} {}", 1, 4),
        (b"{\n\"a\":}", 2, 5),
        (b"{\"a\":01}", 1, 7),
        (b"{\n\"a\":\"\xff\"}", 2, 6),
        (b"\xef\xbb\xbf{}", 1, 1),
        (b"{\"a\":NaN}", 1, 6),
    ] {
        let expected = Err(Rejection::Malformed { line, column });
        let opened = json(object(), body).await;
        assert_eq!(opened, expected, "{}", String::from_utf8_lossy(body));
    }
    let nested = format!("{{\"a\":{}{}}}", "[".repeat(200), "]".repeat(200));
    let number = format!("{{\"a\":{}}}", "9".repeat(100_000));
    for body in [nested, number] {
        // Deep or long: an answer, and never a crash.
        let _ = json(object(), body.as_bytes()).await;
    }
}

#[tokio::test]
async fn arrays_forms_and_opaque_payloads_have_their_own_shape() {
    let array = Profile::new(Shape::Array);
    assert!(json(array.clone(), b"[{\"a\":1},2]").await.is_ok());
    assert!(json(array, b"{}").await.is_err());
    let form = Profile::new(Shape::Form).with_id(&["Message+Id"]);
    let form_id = Profile::new(Shape::Form).with_id(&["MessageSid"]);
    let media = "application/x-www-form-urlencoded";
    let delivery = open(form_id.clone(), media, b"Body=a%26b&MessageSid=SM%201").await;
    assert_eq!(delivery.unwrap().id, DeliveryId::Signed("SM 1".into()));
    assert!(open(form, media, b"Body=a").await.is_err());
    assert!(
        open(form_id, media, b"MessageSid=1&MessageSid=2")
            .await
            .is_err()
    );
    let opaque = Profile::new(Shape::Opaque);
    assert!(
        open(opaque, "application/octet-stream", b"\0\xff{")
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_payload_of_another_type_says_where_and_not_what() {
    let scheme = HmacScheme::github(Secret::new(KEY).unwrap());
    let handler = service_fn(|req: Request<VerifiedBody>| async move {
        let err = Envelope::<Vec<u8>>::open(req.body()).unwrap_err();
        assert_eq!((err.line(), err.column()), (2, 4));
        let said = "not of the expected type at line 2 column 4";
        assert_eq!(err.to_string(), said);
        assert_eq!(WebhookRejection::Payload(err).to_string(), said);
        Ok::<_, Infallible>(Response::new(req.into_body()))
    });
    let body = "[1,\n\"pw\"]";
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(KEY.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    let mac = const_hex::encode(mac.finalize().into_bytes());
    let req = Request::post("/").header("x-hub-signature-256", format!("sha256={mac}"));
    let req = req.body(Full::new(Bytes::from_static(body.as_bytes())));
    let stack = ServiceBuilder::new()
        .layer(BodyLimitLayer::new(1 << 20))
        .layer(VerifyLayer::new(scheme))
        .service(handler);
    let Ok(response) = stack.oneshot(req.unwrap()).await;
    assert_eq!(response.status(), 200);
    let unverified = WebhookRejection::Unverified.to_string();
    assert_eq!(unverified, "the request did not pass the webhook layers");
}

proptest! {
    #[test]
    fn any_bytes_are_judged_as_a_tree_would_judge_them(body in "[\\[\\]{}:,\"0-9a ]{0,12}") {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let tree = serde_json::from_str::<serde_json::Value>(&body);
        let opened = runtime.block_on(json(Profile::new(Shape::Object), body.as_bytes()));
        prop_assert_eq!(opened.is_ok(), tree.is_ok_and(|tree| tree.is_object()));
    }
}
