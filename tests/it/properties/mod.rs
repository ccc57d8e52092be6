//! What holds of every scheme, whatever the delivery. `PROPERTY_CASES` sets how many are tried.

mod bits;
mod garbage;
mod spellings;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderName, Request};
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

/// The schemes whose private keys only the provider has, with properties of their own in `it/keys`.
pub(crate) const NOT_SIGNED: &[&str] = &["aws_sns.rsa_cert", "paypal.rsa_cert", "plaid.jwt_es256"];

/// Every scheme that signs.
pub(crate) fn signing() -> impl Iterator<Item = &'static Entry> {
    let signs = |id| !NO_DELIVERIES.contains(&id) && !NOT_SIGNED.contains(&id);
    catalog::all().filter(move |entry| signs(entry.id))
}

/// A secret as the provider writes it; for public keys, the private one.
pub(crate) fn secret(format: SecretFormat, bytes: [u8; 32]) -> String {
    match format {
        SecretFormat::Base64 => STANDARD.encode(bytes),
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

/// A row of numbers from a seed. Strategies of their own for every text would take most of the time.
struct Dice(u64);

impl Dice {
    /// SplitMix64.
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut roll = self.0;
        roll = (roll ^ (roll >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        roll = (roll ^ (roll >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        roll ^ (roll >> 31)
    }

    /// A number below `end`.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.roll() >> 33).unwrap() % end
    }

    fn key(&mut self) -> [u8; 32] {
        std::array::from_fn(|_| self.roll().to_le_bytes()[7])
    }

    /// Up to `most` of `pieces`, joined.
    fn text(&mut self, pieces: &[&str], most: usize) -> String {
        let count = self.below(most + 1);
        (0..count)
            .map(|_| pieces[self.below(pieces.len())])
            .collect()
    }
}

/// A delivery of `entry`, with a payload that its handler could read.
fn delivery(entry: &'static Entry, key: [u8; 32], dice: &mut Dice) -> Delivery {
    let text = dice.text(&["a", "Z", "7", " ", "+", "&", "=", "%", "é", "\n"], 12);
    let number = dice.below(1 << 30);
    let payload = match entry.id {
        "twilio.form" | "twilio.shared_key" | "mailgun.form" => {
            let mut form = form_urlencoded::Serializer::new(String::new());
            form.append_pair("number", &number.to_string());
            form.append_pair("text", &text).finish()
        }
        _ if is_array(entry) => json!([{ "number": number, "text": text }]).to_string(),
        _ => json!({ "number": number, "text": text }).to_string(),
    };
    let seconds = 1_000_000_000 + i64::try_from(dice.roll() % 8_999_999_999).unwrap();
    let id = format!("id-{}", dice.roll());
    let delivery = Delivery::of(entry.id, &secret(entry.secret, key)).id(id);
    delivery.event_type("ping.sent").body(payload).at(seconds)
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
