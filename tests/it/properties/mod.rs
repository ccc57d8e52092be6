//! What holds of every scheme, whatever the delivery. `PROPERTY_CASES` sets how many are tried.

mod bits;
mod garbage;
mod spellings;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderName, Request};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;
use tower_webhook::delivery::Delivery as Verified;
use tower_webhook::scheme::catalog::{self, Entry, SecretFormat};
use tower_webhook::scheme::{AnyScheme, AuthErrorKind, Claims, Pass as _, Scheme as _};
use tower_webhook::testing::{Delivery, Payload};

/// The schemes that take no deliveries: they answer a provider's first request.
pub(crate) const NO_DELIVERIES: &[&str] = &[
    "asana.handshake",
    "cloudevents.webhook",
    "dropbox.handshake",
    "meta.handshake",
    "notion.handshake",
];

/// Every scheme that signs.
pub(crate) fn signing() -> impl Iterator<Item = &'static Entry> {
    catalog::all().filter(|entry| !NO_DELIVERIES.contains(&entry.id))
}

/// A secret as the provider writes it; for public keys, the private one.
pub(crate) fn secret(format: SecretFormat, bytes: [u8; 32]) -> String {
    match format {
        SecretFormat::Whsec => format!("whsec_{}", STANDARD.encode(bytes)),
        // Half of all numbers of 32 bytes, and more than half of those below the order of the curve.
        SecretFormat::Spki => const_hex::encode([&[bytes[0] & 0x7f], &bytes[1..]].concat()),
        _ => const_hex::encode(bytes),
    }
}

/// Cases a scheme.
fn runner() -> TestRunner {
    let cases = std::env::var("PROPERTY_CASES").map(|cases| cases.parse().unwrap());
    TestRunner::new(Config {
        cases: cases.unwrap_or(200),
        failure_persistence: None,
        ..Config::default()
    })
}

/// What a scheme says of a request, whole.
fn judge(scheme: &AnyScheme, request: &Request<Bytes>) -> Result<Verified, AuthErrorKind> {
    let (head, body) = request.clone().into_parts();
    let mut pass = scheme.begin(&head).map_err(|err| err.kind())?;
    let (first, rest) = body.split_at(body.len() / 3);
    pass.update(first);
    pass.update(rest);
    match pass.finish(&body).map_err(|err| err.kind())? {
        Claims::Delivery(delivery) => Ok(delivery),
        other => panic!("no delivery: {other:?}"),
    }
}

fn bytes(request: Request<Payload>) -> Request<Bytes> {
    request.map(Bytes::from)
}

/// A delivery of `entry`, with a payload that its handler could read, and its key.
fn deliveries(
    entry: &'static Entry,
    key: impl Strategy<Value = [u8; 32]>,
) -> impl Strategy<Value = (Delivery, [u8; 32])> {
    let text = "[a-zA-Z0-9 +&=%é]{0,12}";
    let id = "[a-zA-Z0-9_-]{6,20}";
    let time = 1_000_000_000_i64..9_999_999_999;
    (key, id, text, any::<u32>(), time).prop_map(move |(key, id, text, number, time)| {
        let payload = match entry.id {
            "twilio.form" | "twilio.shared_key" | "mailgun.form" => {
                let mut form = form_urlencoded::Serializer::new(String::new());
                form.append_pair("number", &number.to_string());
                form.append_pair("text", &text).finish()
            }
            _ if is_array(entry) => json!([{ "number": number, "text": text }]).to_string(),
            _ => json!({ "number": number, "text": text }).to_string(),
        };
        let delivery = Delivery::of(entry.id, &secret(entry.secret, key));
        let delivery = delivery.id(id).event_type("ping.sent");
        (delivery.body(payload).at(time), key)
    })
}

fn is_array(entry: &Entry) -> bool {
    matches!(
        entry.id,
        "sendgrid.ecdsa_p256" | "hubspot.v3" | "hubspot.v1_legacy"
    )
}

/// The header that holds the signature.
fn holder(delivery: &Delivery) -> Option<HeaderName> {
    let doubled = delivery.doubled().request();
    let headers = doubled.headers();
    let twice = |name: &&HeaderName| headers.get_all(*name).iter().count() > 1;
    headers.keys().find(twice).cloned()
}
