//! Vectors of the schemes whose keys are known by an id, through the schemes and the real layers.

use std::convert::Infallible;
use std::sync::LazyLock;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{Empty, StreamBody};
use serde_json::Value;
use tower::{ServiceBuilder, ServiceExt as _, service_fn};
use tower_webhook::delivery::{Delivery, DeliveryId};
use tower_webhook::limit::BodyLimitLayer;
use tower_webhook::replay::{FreshBody, ReplayWindowLayer};
use tower_webhook::scheme::{
    AuthError, AuthErrorKind, Claims, Pass as _, PayPalScheme, PinnedKeys, PlaidScheme,
    Rfc9421Scheme, Scheme, SnsScheme, VerifyingKey,
};
use tower_webhook::secret::Secret;
use tower_webhook::time::ManualClock;
use tower_webhook::verify::VerifyLayer;

pub(crate) fn vectors() -> &'static [Value] {
    static FILE: LazyLock<Vec<Value>> = LazyLock::new(|| {
        let file = include_str!("../vectors/providers.json");
        let file: Value = serde_json::from_str(file).unwrap();
        let vectors = file["vectors"].as_array().unwrap().iter();
        let keyed = ["aws_sns", "paypal", "plaid", "rfc9421"];
        let is_keyed = |vector: &&Value| keyed.contains(&vector["provider"].as_str().unwrap());
        vectors.filter(is_keyed).cloned().collect()
    });
    &FILE
}

fn text<'v>(vector: &'v Value, key: &str) -> &'v str {
    vector[key].as_str().unwrap()
}

pub(crate) fn body(vector: &Value) -> Vec<u8> {
    match vector["body_utf8"].as_str() {
        Some(text) => text.into(),
        None => STANDARD.decode(text(vector, "body_base64")).unwrap(),
    }
}

pub(crate) fn head(vector: &Value) -> http::request::Builder {
    let mut request = Request::post(text(vector, "url"));
    for header in vector["headers"].as_array().unwrap() {
        request = request.header(header[0].as_str().unwrap(), header[1].as_str().unwrap());
    }
    request
}

fn clock(vector: &Value) -> ManualClock {
    ManualClock::new(vector["now"].as_i64().unwrap())
}

fn certificate(vector: &Value) -> VerifyingKey {
    VerifyingKey::certificate_pem(vector["secrets"][0].as_str().unwrap()).unwrap()
}

pub(crate) fn sns(vector: &Value) -> SnsScheme {
    SnsScheme::dangerous_any_topic(PinnedKeys::one(certificate(vector))).with_clock(clock(vector))
}

pub(crate) fn paypal(vector: &Value) -> PayPalScheme {
    let url = "https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-1d93a270";
    let keys = PinnedKeys::new().with(url, certificate(vector));
    let scheme = PayPalScheme::new(keys, vector["config"]["webhook_id"].as_str().unwrap());
    scheme.unwrap().with_clock(clock(vector))
}

pub(crate) fn plaid(vector: &Value) -> PlaidScheme {
    let keys = PinnedKeys::new().with_jwk(vector["secrets"][0].as_str().unwrap());
    PlaidScheme::new(keys.unwrap()).with_clock(clock(vector))
}

pub(crate) fn rfc9421(vector: &Value) -> Rfc9421Scheme {
    let secret = vector["secrets"][0].as_str().unwrap();
    let secret = STANDARD.decode(secret).unwrap();
    let key = match text(&vector["config"], "alg") {
        "hmac-sha256" => VerifyingKey::hmac_sha256(Secret::new(secret).unwrap()),
        "ed25519" => VerifyingKey::ed25519(&secret).unwrap(),
        other => panic!("unknown algorithm {other}"),
    };
    let keys = PinnedKeys::new().with(text(&vector["config"], "keyid"), key);
    let required = vector["config"]["required_components"].as_array().unwrap();
    let scheme = Rfc9421Scheme::new(keys)
        .with_required_components(required.iter().map(|name| name.as_str().unwrap()))
        .unwrap()
        .with_clock(clock(vector));
    if required.iter().any(|name| name == "content-digest") {
        scheme
    } else {
        scheme.dangerous().allow_unsigned_body()
    }
}

fn verdict<S: Scheme>(vector: &Value, scheme: &S, chunk: usize) -> Result<Delivery, AuthErrorKind> {
    let (head, ()) = head(vector).body(()).unwrap().into_parts();
    let body = body(vector);
    let mut pass = scheme.begin(&head).map_err(|err| err.kind())?;
    body.chunks(chunk).for_each(|chunk| pass.update(chunk));
    delivery(pass.finish(&body))
}

pub(crate) fn delivery(claims: Result<Claims, AuthError>) -> Result<Delivery, AuthErrorKind> {
    match claims.map_err(|err| err.kind())? {
        Claims::Delivery(delivery) => Ok(delivery),
        other => panic!("{other:?} is no delivery"),
    }
}

/// What the vectors call it.
fn name(kind: AuthErrorKind) -> &'static str {
    match kind {
        AuthErrorKind::MissingHeader => "missing_header",
        AuthErrorKind::MalformedHeader => "malformed_header",
        AuthErrorKind::UnsupportedVersion => "unsupported_version",
        AuthErrorKind::Mismatch => "bad_signature",
        AuthErrorKind::MalformedBody => "malformed_body",
        AuthErrorKind::BodyDigest => "body_hash_mismatch",
        AuthErrorKind::Uncovered => "insufficient_coverage",
        AuthErrorKind::Expired => "expired",
        AuthErrorKind::UntrustedKeyUrl => "untrusted_cert_url",
        AuthErrorKind::UnknownKey => "unknown_key",
        other => panic!("no vector asks for {other:?}"),
    }
}

fn allowed(vector: &Value) -> Vec<&str> {
    let others = vector["expect_any"].as_array().into_iter().flatten();
    let others = others.map(|other| other.as_str().unwrap());
    others.chain([text(vector, "expect")]).collect()
}

/// The status of the answer of limit, verification and replay window.
async fn status<S: Scheme + Clone>(vector: &Value, scheme: &S, chunk: usize) -> StatusCode {
    let tolerance = vector["tolerance_s"].as_u64();
    let tolerance = Duration::from_secs(tolerance.unwrap_or(i64::MAX.unsigned_abs()));
    let window = ReplayWindowLayer::new(tolerance)
        .dangerous()
        .with_future_skew(tolerance)
        .with_clock(clock(vector));
    let stack = ServiceBuilder::new()
        .layer(BodyLimitLayer::new(1 << 20))
        .layer(VerifyLayer::new(scheme.clone()))
        .layer(window)
        .service(service_fn(|_: Request<FreshBody>| async {
            Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
        }));
    let body = Bytes::from(body(vector));
    let chunks = body.chunks(chunk).map(Bytes::copy_from_slice);
    let frames: Vec<_> = chunks
        .map(|chunk| Ok::<_, Infallible>(Frame::data(chunk)))
        .collect();
    let request = head(vector).body(StreamBody::new(stream::iter(frames)));
    stack.oneshot(request.unwrap()).await.unwrap().status()
}

async fn hold<S: Scheme + Clone>(vector: &Value, scheme: &S) {
    let id = text(vector, "id");
    let allowed = allowed(vector);
    let untimely = |name: &&str| matches!(*name, "stale" | "future");
    for chunk in [usize::MAX, 7] {
        let status = status(vector, scheme, chunk).await;
        match verdict(vector, scheme, chunk) {
            Ok(delivery) => {
                let expected = if text(vector, "expect") == "ok" {
                    StatusCode::OK
                } else {
                    assert!(allowed.iter().any(untimely), "{id} is accepted");
                    StatusCode::CONFLICT
                };
                assert_eq!(status, expected, "{id}");
                let meta = &vector["expect_meta"];
                if let Some(expected) = meta["delivery_id"].as_str() {
                    assert_eq!(delivery.id, DeliveryId::Signed(expected.into()), "{id}");
                }
                // PayPal's event type is the envelope's to find.
                if vector["provider"] == "aws_sns" {
                    assert_eq!(delivery.event_type.as_deref(), meta["event_type"].as_str());
                }
                assert!(delivery.timestamp.is_some(), "{id}");
            }
            Err(kind) => {
                assert_eq!(status, StatusCode::UNAUTHORIZED, "{id}");
                assert!(allowed.contains(&name(kind)), "{id} gives {kind:?}");
            }
        }
    }
}

#[tokio::test]
async fn every_vector_of_keys_gives_its_verdict_through_the_layers() {
    let vectors = vectors();
    assert_eq!(vectors.len(), 49);
    for vector in vectors {
        match text(vector, "scheme") {
            "aws_sns.rsa_cert" => hold(vector, &sns(vector)).await,
            "paypal.rsa_cert" => hold(vector, &paypal(vector)).await,
            "plaid.jwt_es256" => hold(vector, &plaid(vector)).await,
            _ => hold(vector, &rfc9421(vector)).await,
        }
    }
}
