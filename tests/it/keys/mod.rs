//! Look-up of keys, and what the vectors of these schemes do not ask.

mod flips;
mod garbage;
mod plaid;
mod rfc9421;
mod sns;

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use http_body_util::Full;
use serde_json::Value;
use tower::{ServiceBuilder, ServiceExt as _, service_fn};
use tower_webhook::delivery::Delivery;
use tower_webhook::limit::BodyLimitLayer;
use tower_webhook::outcome::Outcome;
use tower_webhook::rejection::Rejection;
use tower_webhook::scheme::{
    AuthError, AuthErrorKind, KeyError, KeySource, Pass as _, PayPalScheme, PinnedKeys,
    PlaidScheme, Rfc9421Scheme, Scheme, SnsScheme, VerifyingKey,
};
use tower_webhook::secret::Secret;
use tower_webhook::time::{Clock, ManualClock};
use tower_webhook::verify::{VerifiedBody, VerifyLayer};

use crate::vectors_keys::{body, delivery, head, plaid, vectors};

/// A source that has no key, and writes down what it is asked for.
#[derive(Clone, Default)]
struct Absent(Arc<Mutex<Vec<String>>>);

impl Absent {
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl KeySource for Absent {
    fn find(&self, id: &str) -> Result<Arc<VerifyingKey>, KeyError> {
        self.0.lock().unwrap().push(id.to_owned());
        Err(KeyError::Unavailable)
    }
}

fn vector(id: &str) -> &'static Value {
    let found = vectors().iter().find(|vector| vector["id"] == id);
    found.unwrap()
}

fn parts(vector: &Value) -> Parts {
    head(vector).body(()).unwrap().into_parts().0
}

fn verdict<S: Scheme>(scheme: &S, head: &Parts, body: &[u8]) -> Result<Delivery, AuthErrorKind> {
    let mut pass = scheme.begin(head).map_err(|err| err.kind())?;
    pass.update(body);
    delivery(pass.finish(body))
}

#[test]
fn a_key_that_is_not_here_yet_is_no_verdict() {
    let keys = Absent::default();
    let of = |id| vector(id);
    let unavailable = Err(AuthErrorKind::KeyUnavailable);

    let sns = of("pub-aws_sns-001");
    let scheme = SnsScheme::dangerous_any_topic(keys.clone());
    assert_eq!(verdict(&scheme, &parts(sns), &body(sns)), unavailable);
    let url = "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-9c6465fa7f48f5cacd23014631ec1136.pem";
    assert_eq!(keys.asked(), [url]);

    // The others know before the body is read which key they need.
    let paypal = parts(of("pub-paypal-001"));
    let scheme = PayPalScheme::new(keys.clone(), "WEBHOOK").unwrap();
    let kind = scheme.begin(&paypal).unwrap_err().kind();
    assert_eq!(kind, AuthErrorKind::KeyUnavailable);
    let url = "https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-1d93a270";
    assert_eq!(keys.asked(), [url]);

    let plaid = parts(of("pub-plaid-001"));
    let kind = PlaidScheme::new(keys.clone())
        .begin(&plaid)
        .unwrap_err()
        .kind();
    assert_eq!(kind, AuthErrorKind::KeyUnavailable);
    assert_eq!(keys.asked(), ["227e5c89-fc30-4578-bf58-8b67425ac48b"]);

    let rfc = parts(of("pub-rfc9421-001"));
    let kind = Rfc9421Scheme::new(keys.clone())
        .begin(&rfc)
        .unwrap_err()
        .kind();
    assert_eq!(kind, AuthErrorKind::KeyUnavailable);
    assert_eq!(keys.asked(), ["key-GnH9"]);
}

#[test]
fn a_source_is_never_asked_for_a_foreign_url() {
    let keys = Absent::default();
    let untrusted = Err(AuthErrorKind::UntrustedKeyUrl);
    for id in ["pub-aws_sns-009", "pub-aws_sns-010"] {
        let sns = vector(id);
        let scheme = SnsScheme::dangerous_any_topic(keys.clone());
        assert_eq!(verdict(&scheme, &parts(sns), &body(sns)), untrusted);
    }
    let paypal = vector("pub-paypal-001");
    let scheme = PayPalScheme::new(keys.clone(), "WEBHOOK").unwrap();
    for url in [
        "https://api.paypal.com.evil.example/v1/notifications/certs/a",
        "https://evil.paypal.com/v1/notifications/certs/a",
        "https://api.paypal.com/other/v1/notifications/certs/a",
        "https://api.paypal.com/v1/notifications/certs/../../a",
        "http://api.paypal.com/v1/notifications/certs/a",
        "https://api.paypal.com@evil.example/v1/notifications/certs/a",
        "https://evil.example/?https://api.paypal.com/v1/notifications/certs/a",
        "file:///v1/notifications/certs/a",
    ] {
        let mut head = parts(paypal);
        head.headers.insert("paypal-cert-url", url.parse().unwrap());
        assert_eq!(verdict(&scheme, &head, b"{}"), untrusted, "{url}");
    }
    assert!(keys.asked().is_empty());
}

#[test]
fn a_key_outside_its_dates_is_unknown() {
    let secret = || Secret::new("an example secret").unwrap();
    let paypal = vector("pub-paypal-001");
    let certificate = VerifyingKey::certificate_pem(paypal["secrets"][0].as_str().unwrap());
    let certificate = certificate.unwrap();
    let id = paypal["config"]["webhook_id"].as_str().unwrap();
    let at = |now| {
        let scheme = PayPalScheme::new(PinnedKeys::one(certificate.clone()), id).unwrap();
        let scheme = scheme.with_clock(ManualClock::new(now));
        verdict(&scheme, &parts(paypal), &body(paypal)).map(drop)
    };
    let end = 2_082_585_600; // Dec 30 2035, midnight
    assert_eq!(at(end), Ok(()));
    assert_eq!(at(end + 1), Err(AuthErrorKind::UnknownKey));

    let dated = VerifyingKey::hmac_sha256(secret().not_before(10).not_after(20));
    let rfc = parts(vector("pub-rfc9421-001"));
    for (now, kind) in [
        (9, AuthErrorKind::UnknownKey),
        (10, AuthErrorKind::Mismatch),
        (20, AuthErrorKind::Mismatch),
        (21, AuthErrorKind::UnknownKey),
    ] {
        let scheme = Rfc9421Scheme::new(PinnedKeys::one(dated.clone()));
        let scheme = scheme.with_clock(ManualClock::new(now));
        assert_eq!(scheme.begin(&rfc).unwrap_err().kind(), kind, "{now}");
    }
    let scheme = Rfc9421Scheme::new(PinnedKeys::new());
    let kind = scheme.begin(&rfc).unwrap_err().kind();
    assert_eq!(kind, AuthErrorKind::UnknownKey);
}

#[test]
fn what_is_no_key_is_refused_when_it_is_pinned() {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    let paypal = vector("pub-paypal-001");
    let pem = paypal["secrets"][0].as_str().unwrap();
    assert!(VerifyingKey::certificate_pem(&format!("{pem}{pem}")).is_ok());
    for text in [
        "",
        "a",
        &pem[..200],
        &pem.replace("CERTIFICATE", "PUBLIC KEY"),
    ] {
        assert!(VerifyingKey::certificate_pem(text).is_err());
    }
    let small = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCxuOeyJN8kVpqXOFB8awn9zkcegsfoi2n2DGvByrCZQKAZVmI48OvAS/dPKuxlPVf4fF2Dt6Kei8flZxlb9x2zEXkD2KwcxCjGXdpGCAIMdo5a1i2Dub4N4b1lamd5KEqv1eHQ/SMUTjfvd3L6w6ftrUy2mc1kVNF5VVMw3b9YvwIDAQAB";
    assert!(VerifyingKey::rsa_spki_der(&STANDARD.decode(small).unwrap()).is_err());
    assert!(VerifyingKey::ed25519(&[0; 31]).is_err());
    assert!(VerifyingKey::ed25519(&[0; 32]).is_err()); // of order 4
    assert!(VerifyingKey::p256_sec1(&[4; 65]).is_err());

    let jwk = vector("pub-plaid-001")["secrets"][0].clone();
    let jwk: Value = serde_json::from_str(jwk.as_str().unwrap()).unwrap();
    assert!(PinnedKeys::new().with_jwk(&jwk.to_string()).is_ok());
    for (name, value) in [
        ("kty", "oct"),
        ("crv", "P-384"),
        ("alg", "HS256"),
        ("use", "enc"),
        ("x", "AAAA"),
        ("y", "bQweNtQPFg4kxS5IyAsx_PXNxB7LoR3m9Zb4C08rB44"),
    ] {
        let mut jwk = jwk.clone();
        jwk[name] = value.into();
        assert!(VerifyingKey::jwk(&jwk.to_string()).is_err(), "{name}");
    }
    let mut nameless = jwk;
    nameless["kid"] = Value::Null;
    assert!(VerifyingKey::jwk(&nameless.to_string()).is_ok());
    assert!(PinnedKeys::new().with_jwk(&nameless.to_string()).is_err());
}

#[test]
fn keys_and_schemes_print_nothing_of_theirs() {
    let key = VerifyingKey::hmac_sha256(Secret::new("0123456789abcdef").unwrap());
    let keys = PinnedKeys::new().with("id", key);
    let scheme = Rfc9421Scheme::new(keys.clone());
    assert_eq!(format!("{keys:?}").matches("redacted").count(), 1);
    assert_eq!(format!("{scheme:?}"), "Rfc9421Scheme { .. }");
}

#[test]
fn paypal_refuses_what_its_headers_cannot_say() {
    let paypal = vector("pub-paypal-001");
    let scheme = crate::vectors_keys::paypal(paypal);
    let long = "a".repeat(129);
    for (name, value, kind) in [
        (
            "paypal-transmission-id",
            "a|b",
            AuthErrorKind::MalformedHeader,
        ),
        ("paypal-transmission-id", "", AuthErrorKind::MalformedHeader),
        (
            "paypal-transmission-id",
            &long,
            AuthErrorKind::MalformedHeader,
        ),
        (
            "paypal-transmission-time",
            "1795255200",
            AuthErrorKind::MalformedTimestamp,
        ),
        (
            "paypal-auth-algo",
            "SHA1withRSA",
            AuthErrorKind::UnsupportedVersion,
        ),
        (
            "paypal-transmission-sig",
            "AA",
            AuthErrorKind::MalformedHeader,
        ),
        ("paypal-transmission-sig", "AAA=", AuthErrorKind::Mismatch),
    ] {
        let mut head = parts(paypal);
        head.headers.insert(name, value.parse().unwrap());
        assert_eq!(verdict(&scheme, &head, &body(paypal)), Err(kind), "{value}");
    }
    let mut head = parts(paypal);
    let twice = head.headers["paypal-transmission-id"].clone();
    head.headers.append("paypal-transmission-id", twice);
    let doubled = Err(AuthErrorKind::DuplicateHeader);
    assert_eq!(verdict(&scheme, &head, &body(paypal)), doubled);
    for id in ["", " ", "a|b", "a\n"] {
        assert!(PayPalScheme::new(PinnedKeys::new(), id).is_err());
    }
}

fn request(url: &str) -> http::request::Builder {
    Request::post(url)
}

#[tokio::test]
async fn a_delivery_whose_key_is_not_here_yet_is_asked_to_come_again() {
    let answer = async |id: &str, scheme: SnsScheme| {
        let stack = ServiceBuilder::new()
            .layer(BodyLimitLayer::new(1 << 20))
            .layer(VerifyLayer::new(scheme))
            .service(service_fn(|_: Request<VerifiedBody>| async {
                Ok::<_, Infallible>(Response::new(String::new()))
            }));
        let sent = vector(id);
        let req = head(sent).body(Full::new(Bytes::from(body(sent))));
        let Ok(response) = stack.oneshot(req.unwrap()).await;
        let why = response.extensions().get::<Outcome>().copied();
        let cause = response.extensions().get::<AuthErrorKind>().copied();
        (response.status().as_u16(), why, cause)
    };
    let scheme = || SnsScheme::dangerous_any_topic(Absent::default());
    assert_eq!(
        answer("pub-aws_sns-001", scheme()).await,
        (
            503,
            Some(Outcome::Rejected(Rejection::SecretUnavailable)),
            None
        )
    );
    // What no key would make authentic is refused.
    assert_eq!(
        answer("pub-aws_sns-009", scheme()).await,
        (
            401,
            Some(Outcome::Rejected(Rejection::Unauthenticated)),
            Some(AuthErrorKind::UntrustedKeyUrl)
        )
    );
}

#[test]
fn what_is_longer_than_any_provider_writes_is_not_read() {
    let kind = |refused: Result<(), AuthError>| refused.err().map(|err| err.kind());
    let paypal = PayPalScheme::new(Absent::default(), "WEBHOOK").unwrap();
    for (length, expected) in [
        (0, AuthErrorKind::MalformedHeader),
        // Read, and the next header is not there.
        (128, AuthErrorKind::MissingHeader),
        (129, AuthErrorKind::MalformedHeader),
    ] {
        let id = "a".repeat(length);
        let req = Request::post("/").header("paypal-transmission-id", id);
        let head = req.body(()).unwrap().into_parts().0;
        let told = kind(paypal.begin(&head).map(drop));
        assert_eq!(told, Some(expected), "{length}");
    }

    let plaid = PlaidScheme::new(Absent::default());
    for (length, expected) in [
        // Read, and `none` is no algorithm.
        (4096, AuthErrorKind::UnsupportedVersion),
        (4097, AuthErrorKind::MalformedHeader),
        (4098, AuthErrorKind::MalformedHeader),
    ] {
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","kid":"a"}"#);
        let claims = "a".repeat(length - header.len() - 3);
        let token = format!("{header}.{claims}.a");
        let req = Request::post("/").header("plaid-verification", token);
        let head = req.body(()).unwrap().into_parts().0;
        let told = kind(plaid.begin(&head).map(drop));
        assert_eq!(told, Some(expected), "{length}");
    }
}

#[test]
fn what_becomes_of_a_key_is_told_in_words() {
    assert_eq!(KeyError::Unknown.to_string(), "the key is unknown");
    let words = "the key is not available yet";
    assert_eq!(KeyError::Unavailable.to_string(), words);
}

/// A clock that nobody may ask.
#[derive(Debug)]
struct Silent;

impl Clock for Silent {
    fn unix_seconds(&self) -> i64 {
        panic!("a key without dates is good at any time")
    }
}

#[test]
fn for_a_key_without_dates_no_clock_is_asked() {
    let sent = vector("pub-plaid-001");
    let scheme = plaid(sent).with_clock(Silent);
    assert!(scheme.begin(&parts(sent)).is_ok());
}
