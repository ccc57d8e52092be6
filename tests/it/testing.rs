//! Signed deliveries: accepted as they are, refused as they are spoiled.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Body as _;
use http_body_util::Full;
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_webhook::Inbound;
use tower_webhook::idempotency::ClaimedBody;
use tower_webhook::outcome::Outcome;
use tower_webhook::rejection::Rejection;
use tower_webhook::scheme::catalog;
use tower_webhook::scheme::{HmacScheme, Scheme as _};
use tower_webhook::secret::Secret;
use tower_webhook::testing::{self, Delivery, Payload};
use tower_webhook::time::ManualClock;

use crate::properties::{secret, signing};

const NOW: i64 = 1_763_700_000;

/// What a whole receiver says.
async fn status(delivery: &Delivery, scheme: &str, request: Request<Payload>) -> StatusCode {
    let entry = catalog::find(scheme).unwrap();
    let stack = Inbound::builder(entry.build(&delivery.options()).unwrap())
        .clock(Arc::new(ManualClock::new(NOW)))
        .build()
        .unwrap();
    let handler = service_fn(|_: Request<ClaimedBody>| async {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    });
    stack
        .layer(handler)
        .oneshot(request)
        .await
        .unwrap()
        .status()
}

#[tokio::test]
async fn what_is_signed_is_accepted_and_what_is_spoiled_is_not() {
    for entry in signing() {
        let delivery = Delivery::of(entry.id, &secret(entry.secret, [7; 32])).at(NOW);
        let delivery = delivery.id("id-7").event_type("ping");
        let profile = entry.build(&delivery.options()).unwrap().profile();
        let ask = async |delivery: &Delivery| status(delivery, entry.id, delivery.request()).await;
        let id = entry.id;

        assert_eq!(ask(&delivery).await, 200, "{id}");
        assert_eq!(ask(&delivery.chunked(3)).await, 200, "{id} in pieces");
        let request = delivery.wrong_key().request();
        assert_eq!(status(&delivery, id, request).await, 401, "{id}");
        assert_eq!(ask(&delivery.truncated()).await, 401, "{id} truncated");
        assert_eq!(ask(&delivery.encoded("gzip")).await, 415, "{id} as gzip");
        // Where some of the payload is signed, it depends on where the change is.
        if profile.signs_body() {
            assert_eq!(ask(&delivery.tampered()).await, 401, "{id} tampered");
        }
        let refused = if profile.signs_time() { 409 } else { 200 };
        assert_eq!(ask(&delivery.stale()).await, refused, "{id} stale");
        assert_eq!(ask(&delivery.future()).await, refused, "{id} future");
        let in_payload = ["adyen.payments_fields", "mailgun.form", "mailgun.json"];
        let doubled = if in_payload.contains(&id) { 200 } else { 401 };
        assert_eq!(ask(&delivery.doubled()).await, doubled, "{id} doubled");
    }
}

#[test]
fn every_scheme_signs_or_takes_no_deliveries() {
    for entry in catalog::all() {
        let of = || Delivery::of(entry.id, &secret(entry.secret, [7; 32]));
        let signs = std::panic::catch_unwind(of).is_ok();
        let is_asked = signing().any(|other| other.id == entry.id);
        assert_eq!(signs, is_asked, "{}", entry.id);
    }
}

#[test]
fn ids_and_types_stand_where_the_scheme_reads_them() {
    let request = testing::github("an example secret").delivery("id-1", "push", "{}");
    assert_eq!(request.headers()["x-github-delivery"], "id-1");
    assert_eq!(request.headers()["x-github-event"], "push");
    assert_eq!(request.uri().path(), "/webhooks/github");
    let request = testing::stripe("an example secret").delivery("evt_7", "paid", r#"{"a":1}"#);
    let body = request.body().as_bytes();
    assert_eq!(body, r#"{"a":1,"id":"evt_7","type":"paid"}"#);
    let told = r#"{"id":"mine", "type":"own"}"#;
    let request = testing::stripe("an example secret").delivery("evt_7", "paid", told);
    assert_eq!(request.body().as_bytes(), told);
}

#[test]
fn signers_give_the_published_signatures() {
    // GitHub's own example, and that of the reference library of Standard Webhooks.
    let request = testing::github("It's a Secret to Everybody")
        .body("Hello, World!")
        .request();
    assert_eq!(
        request.headers()["x-hub-signature-256"],
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    );
    let request = testing::standard_webhooks("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        .id("msg_p5jXN8AQM9LWM0D4loKWxJek")
        .at(1_614_265_330)
        .body(r#"{"test": 2432232314}"#)
        .request();
    assert_eq!(
        request.headers()["webhook-signature"],
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    );
}

#[test]
fn headers_are_written_as_their_providers_write_them() {
    for (scheme, secret, written) in [
        ("stripe.v1", "an example secret", "t=1763700000,v1="),
        ("workos.v1", "an example secret", "t=1763700000000, v1="),
        ("paddle.h1", "an example secret", "ts=1763700000;h1="),
    ] {
        let request = Delivery::of(scheme, secret).at(NOW).request();
        let header = request
            .headers()
            .values()
            .find(|value| value.to_str().is_ok_and(|text| text.starts_with(written)));
        assert!(header.is_some(), "{scheme}: {:?}", request.headers());
    }
}

#[tokio::test]
async fn another_key_is_another_one_whatever_the_key_is() {
    let seed = |last: u8| const_hex::encode([&[7; 31][..], &[last]].concat());
    // The greatest key of P-256: one less than the order of the curve.
    let greatest = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550";
    for (scheme, key) in [
        ("discord.ed25519", &*seed(0)),
        ("discord.ed25519", &*seed(1)),
        ("sendgrid.ecdsa_p256", &*seed(0)),
        ("sendgrid.ecdsa_p256", &*seed(1)),
        ("sendgrid.ecdsa_p256", greatest),
    ] {
        let delivery = Delivery::of(scheme, key).at(NOW);
        let request = delivery.request();
        assert_eq!(status(&delivery, scheme, request).await, 200, "{key}");
        let request = delivery.wrong_key().request();
        assert_eq!(status(&delivery, scheme, request).await, 401, "{key}");
    }
}

#[test]
fn a_payload_is_what_it_looks_like() {
    let written = |scheme: &str, secret: &str, body: &'static str| {
        let delivery = Delivery::of(scheme, secret).at(NOW).body(body);
        let request = delivery.request();
        let media = request.headers()["content-type"].to_str().unwrap();
        let is_hashed = request
            .uri()
            .query()
            .is_some_and(|query| query.contains("bodySHA256"));
        (media.to_owned(), is_hashed)
    };
    let (json, form) = ("application/json", "application/x-www-form-urlencoded");
    for (scheme, body, media, is_hashed) in [
        ("slack.v0", r#" {"a":1}"#, json, false),
        ("slack.v0", "a=1", form, false),
        ("github.sha256", "a=1", json, false),
        ("twilio.form", "a=1", form, false),
        ("twilio.form", r#" {"a":1}"#, json, true),
        ("twilio.form", "[1]", json, true),
        ("twilio.body_sha256", "a=1", form, true),
    ] {
        let told = written(scheme, "an example secret", body);
        assert_eq!(told, (media.to_owned(), is_hashed), "{scheme} {body}");
    }
}

#[test]
fn without_a_payload_the_smallest_of_the_provider_is_sent() {
    for (scheme, body) in [
        ("github.sha256", "{}"),
        ("stripe.v1", r#"{"id":"evt_1","type":"ping"}"#),
        ("hubspot.v3", "[]"),
        ("hubspot.v1_legacy", "[]"),
        ("twilio.form", "a=1"),
    ] {
        let request = Delivery::of(scheme, "an example secret").at(NOW).request();
        assert_eq!(request.body().as_bytes(), body, "{scheme}");
    }
}

#[test]
fn fields_of_adyen_are_kept_where_they_can_be_read() {
    let body = r#"{"notificationItems":[{"NotificationRequestItem":{
        "merchantReference":"mine","amount":5,"success":{}}}]}"#;
    let key = "0123456789abcdef0123456789abcdef";
    let delivery = Delivery::of("adyen.payments_fields", key).body(body);
    let sent = delivery.request();
    let sent: serde_json::Value = serde_json::from_slice(sent.body().as_bytes()).unwrap();
    let item = &sent["notificationItems"][0]["NotificationRequestItem"];
    assert_eq!(item["merchantReference"], "mine");
    assert_eq!(item["amount"]["currency"], "EUR");
    assert_eq!(item["success"], "true");
}

#[test]
fn a_payload_tells_its_length_unless_it_comes_in_pieces() {
    let delivery = testing::github("an example secret").body("{}");
    let whole = delivery.request().into_body();
    assert_eq!(whole.size_hint().exact(), Some(2));
    assert!(!whole.is_end_stream());
    let pieces = delivery.chunked(1).request().into_body();
    assert_eq!(pieces.size_hint().exact(), None);
    let nothing = testing::github("an example secret").body("").request();
    assert!(nothing.body().is_end_stream());
}

#[test]
fn a_payload_that_was_tampered_with_is_another_one_of_the_same_shape() {
    // Whichever way its last letter or digit would be changed.
    for (body, tampered) in [(r#"{"a":6}"#, r#"{"a":7}"#), (r#"{"a":7}"#, r#"{"a":6}"#)] {
        let delivery = testing::github("an example secret").body(body);
        let sent = delivery.tampered().request();
        assert_eq!(sent.body().as_bytes(), tampered);
    }
}

#[test]
fn a_signature_that_is_cut_is_half_as_long() {
    let delivery = testing::github("an example secret").truncated();
    let request = delivery.request();
    let signature = request.headers()["x-hub-signature-256"].to_str().unwrap();
    assert_eq!(signature.len(), "sha256=".len() + 32);
}

#[tokio::test]
async fn what_is_too_old_and_what_is_from_the_future_are_told_apart() {
    let scheme = || HmacScheme::slack(Secret::new("an example secret").unwrap());
    let delivery = testing::slack("an example secret").at(NOW);
    for (spoiled, why) in [
        (delivery.stale(), Rejection::Stale),
        (delivery.future(), Rejection::Future),
    ] {
        let stack = Inbound::builder(scheme())
            .clock(Arc::new(ManualClock::new(NOW)))
            .build()
            .unwrap();
        let handler = service_fn(|_: Request<ClaimedBody>| async {
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
        });
        let Ok(response) = stack.layer(handler).oneshot(spoiled.request()).await;
        assert_eq!(response.extensions().get(), Some(&Outcome::Rejected(why)));
    }
}
