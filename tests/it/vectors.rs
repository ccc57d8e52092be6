//! Published and generated vectors of every scheme, through the schemes and through the layers.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderName, HeaderValue, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use serde_json::Value;
use tower::{ServiceBuilder, ServiceExt as _, service_fn};
use tower_webhook::delivery::{Delivery, DeliveryId};
use tower_webhook::limit::BodyLimitLayer;
use tower_webhook::outcome::Outcome;
use tower_webhook::rejection::Rejection;
use tower_webhook::replay::{FreshBody, ReplayWindowLayer};
use tower_webhook::scheme::catalog::{self, Options};
use tower_webhook::scheme::{AnyScheme, AuthErrorKind};
use tower_webhook::time::ManualClock;
use tower_webhook::verify::{Verified as _, VerifyLayer};

fn vectors() -> Vec<Value> {
    let file = include_str!("../vectors/providers.json");
    let file: Value = serde_json::from_str(file).unwrap();
    file["vectors"].as_array().unwrap().clone()
}

fn body(vector: &Value) -> Vec<u8> {
    if let Some(text) = vector["body_utf8"].as_str() {
        return text.into();
    }
    if let Some(text) = vector["body_base64"].as_str() {
        return STANDARD.decode(text).unwrap();
    }
    let rule = &vector["body_gen"];
    let text = |key: &str| rule[key].as_str().unwrap();
    let times = usize::try_from(rule["times"].as_u64().unwrap()).unwrap();
    let body = [text("prefix"), &text("unit").repeat(times), text("suffix")];
    body.concat().into()
}

/// The scheme, or that there is none.
fn scheme(vector: &Value) -> Result<AnyScheme, &'static str> {
    let entry = catalog::find(vector["scheme"].as_str().unwrap()).expect("a scheme of the catalog");
    let config = &vector["config"];
    let mut options = Options::new().on_secret(drop);
    for secret in vector["secrets"].as_array().unwrap() {
        options = options.secret(secret.as_str().unwrap());
    }
    for key in ["public_url", "notification_url", "signed_uri"] {
        if let Some(url) = config[key].as_str() {
            options = options.public_url(url);
        }
    }
    for origin in config["allowed_origins"].as_array().into_iter().flatten() {
        options = options.origin(origin.as_str().unwrap());
    }
    match &config["allowed_rate"] {
        Value::Number(rate) => options = options.rate(rate.to_string()),
        Value::String(rate) => options = options.rate(rate),
        _ => {}
    }
    if let Some(id) = config["webhook_id"].as_str() {
        options = options.webhook_id(id);
    }
    if let Some(id) = config["keyid"].as_str() {
        options = options.key_id(id);
    }
    let components = config["required_components"].as_array();
    let components = components
        .into_iter()
        .flatten()
        .map(|name| name.as_str().unwrap());
    let signs_body = components.clone().any(|name| name == "content-digest");
    options = components.fold(options, Options::component);
    if !signs_body {
        options = options.dangerous().allow_unsigned_body();
    }
    let options = options.with_clock(ManualClock::new(vector["now"].as_i64().unwrap()));
    let options = options.dangerous().allow_any_topic();
    let options = options.dangerous().allow_short_secrets();
    entry.build(&options).map_err(|err| match err.to_string() {
        text if text.contains("is empty") => "config_error",
        _ => "invalid_secret",
    })
}

fn request(vector: &Value) -> Request<()> {
    let mut request = Request::builder()
        .method(vector["method"].as_str().unwrap())
        .uri(vector["url"].as_str().unwrap());
    for header in vector["headers"].as_array().unwrap() {
        let name: HeaderName = header[0].as_str().unwrap().parse().unwrap();
        let value = HeaderValue::from_bytes(header[1].as_str().unwrap().as_bytes()).unwrap();
        request = request.header(name, value);
    }
    request.body(()).unwrap()
}

/// What a receiver says to a vector, its body in chunks, and the delivery.
async fn verdict(vector: &Value, chunk: usize) -> (&'static str, Response<Bytes>) {
    let refused = |word| (word, Response::new(Bytes::new()));
    let scheme = match scheme(vector) {
        Ok(scheme) => scheme,
        Err(word) => return refused(word),
    };
    let clock = Arc::new(ManualClock::new(vector["now"].as_i64().unwrap()));
    // Without a tolerance the time is not judged.
    let tolerance = vector["tolerance_s"].as_u64().unwrap_or(u64::MAX >> 1);
    let tolerance = Duration::from_secs(tolerance);
    let window = ReplayWindowLayer::new(tolerance).with_clock(clock);
    let window = window.dangerous().with_future_skew(tolerance);
    let handler = service_fn(|req: Request<FreshBody>| async move {
        let mut response = Response::new(http_body_util::Full::<Bytes>::default());
        let heard = response.extensions_mut();
        heard.insert(req.body().delivery().clone());
        heard.insert(req.body().as_bytes().clone());
        Ok::<_, Infallible>(response)
    });
    let stack = ServiceBuilder::new()
        .layer(BodyLimitLayer::new(2 << 20))
        .layer(VerifyLayer::new(scheme))
        .layer(window)
        .service(handler);
    let body = body(vector);
    let chunks: Vec<_> = body.chunks(chunk).map(Bytes::copy_from_slice).collect();
    let frames = chunks
        .into_iter()
        .map(|data| Ok::<_, Infallible>(Frame::data(data)));
    let request = request(vector).map(|()| StreamBody::new(stream::iter(frames)));
    let (head, answer) = stack.oneshot(request).await.unwrap().into_parts();
    let answer = answer.collect().await.unwrap().to_bytes();
    let response = Response::from_parts(head, answer);
    let word = match response.extensions().get() {
        None => {
            let heard: &Bytes = response.extensions().get().unwrap();
            assert_eq!(heard, &body, "the handler has other bytes");
            "ok"
        }
        Some(Outcome::Handshake) => "challenge",
        Some(Outcome::Rejected(why)) => match why {
            Rejection::Stale => "stale",
            Rejection::Future => "future",
            Rejection::Method | Rejection::Handshake => "challenge_rejected",
            Rejection::Unauthenticated => {
                let cause: Option<&AuthErrorKind> = response.extensions().get();
                cause.expect("a cause beside each 401").label()
            }
            other => other.label(),
        },
        Some(other) => other.label(),
    };
    (word, response)
}

#[tokio::test]
async fn every_vector_gets_its_verdict() {
    let mut failures = Vec::new();
    let mut passed = 0;
    for vector in vectors() {
        for chunk in [usize::MAX, 4096, 7] {
            if chunk == 7 && vector["body_gen"].is_object() {
                continue; // 1 MiB in bytes
            }
            let (word, response) = verdict(&vector, chunk.min(8 << 20)).await;
            if let Some(why) = complain(&vector, word, &response) {
                failures.push(format!("{} {}: {why}", vector["id"], vector["case"]));
            } else {
                passed += 1;
            }
        }
    }
    println!("{passed} verdicts");
    assert!(
        failures.is_empty(),
        "{} failed:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

/// What is wrong with a verdict.
fn complain(vector: &Value, word: &str, response: &Response<Bytes>) -> Option<String> {
    let expected = vector["expect"].as_str().unwrap();
    let any = vector["expect_any"].as_array();
    let is_expected = word == expected || any.is_some_and(|any| any.iter().any(|one| *one == word));
    // A question that is not the provider's is an authentication failure like any other.
    let is_refused = expected == "challenge_rejected" && response.status() == 401;
    let is_method = expected == "bad_signature" && response.status() == 405;
    if !(is_expected || is_refused || is_method) {
        return Some(format!("{word}, expected {expected}"));
    }
    let accepted = word == "ok" || word == "challenge";
    if accepted != (expected == "ok" || expected == "challenge")
        && !any.is_some_and(|any| any.iter().any(|one| *one == word))
    {
        return Some(format!("{word}, expected {expected}"));
    }
    if word == "challenge" {
        return complain_of_answer(&vector["expect_response"], response);
    }
    if word == "ok" {
        let delivery = response.extensions().get().unwrap();
        return complain_of_delivery(&vector["expect_meta"], delivery);
    }
    None
}

fn complain_of_answer(expected: &Value, response: &Response<Bytes>) -> Option<String> {
    let status = u64::from(response.status().as_u16());
    if expected["status"].as_u64() != Some(status) {
        return Some(format!("answered {status}"));
    }
    if let Some(text) = expected["body_utf8"].as_str()
        && response.body() != text.as_bytes()
    {
        return Some(format!("answered {:?}", response.body()));
    }
    if expected["json"].is_object() {
        let json: Value = serde_json::from_slice(response.body()).unwrap();
        if json != expected["json"] {
            return Some(format!("answered {json}"));
        }
    }
    for (name, value) in expected["headers"].as_object().into_iter().flatten() {
        let told = response
            .headers()
            .get(name)
            .map(|value| value.to_str().unwrap());
        if told != value.as_str() {
            return Some(format!("answered {name}: {told:?}"));
        }
    }
    None
}

fn complain_of_delivery(expected: &Value, delivery: &Delivery) -> Option<String> {
    // What stands in the body is read by the envelope, not here.
    if expected["source"] == "body" {
        return None;
    }
    if let Some(id) = expected["delivery_id"].as_str()
        && let DeliveryId::Signed(told) | DeliveryId::Unsigned(told) = &delivery.id
        && **told != *id
    {
        return Some(format!("delivery id {told}"));
    }
    if let Some(raw) = expected["timestamp"]["raw"]
        .as_str()
        .filter(|_| expected["timestamp"]["signed"] == true)
    {
        let seconds = match expected["timestamp"]["unit"].as_str() {
            Some("s") => raw.parse().ok(),
            Some("ms") => raw.parse::<i64>().ok().map(|millis| millis / 1000),
            _ => delivery.timestamp,
        };
        if delivery.timestamp != seconds {
            return Some(format!("timestamp {:?}", delivery.timestamp));
        }
    }
    None
}

#[test]
fn the_table_of_providers_is_written_from_the_data() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/docs/providers.md");
    let table = catalog::table();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, &table).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap();
    assert!(written == table, "run with `BLESS=1`");
}
