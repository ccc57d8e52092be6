//! Each usual mistake is named.

use http::{HeaderName, HeaderValue, Method};
use tower_webhook::scheme::catalog;
use tower_webhook::testing::Delivery;

use crate::hints::hints;
use crate::judge::Verdict;
use crate::request::Capture;

const NOW: i64 = 1_763_700_000;
const SECRET: &str = "an example secret";
const BODY: &str = "{\"name\": \"é\",\n \"path\": \"a/b\", \"n\": 1.50}";

/// A delivery as it was caught, with the secrets of the receiver.
fn capture(delivery: &Delivery, scheme: &str, secrets: &[&str]) -> Capture {
    let (head, body) = delivery.request().into_parts();
    let headers = head.headers.iter();
    let secrets = secrets.iter().enumerate();
    Capture {
        entry: catalog::all().find(|entry| entry.id == scheme).unwrap(),
        secrets: secrets
            .map(|(at, text)| (format!("SECRET{at}"), (*text).into()))
            .collect(),
        keys: None,
        method: Method::POST,
        url: None,
        uri: "/".into(),
        headers: headers
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
        body: body.as_bytes().to_vec(),
        config: serde_json::Value::Null,
        now: NOW,
        tolerance: 300,
    }
}

fn github(secrets: &[&str]) -> Capture {
    let delivery = Delivery::of("github.sha256", SECRET).body(BODY);
    capture(&delivery, "github.sha256", secrets)
}

#[track_caller]
fn says(capture: &Capture, word: &str, hint: &str) {
    let verdict = capture.judge().unwrap();
    assert_eq!(verdict.word(), word, "{verdict:?}");
    let hints = hints(capture, &verdict);
    assert!(hints.iter().any(|told| told.contains(hint)), "{hints:?}");
}

#[track_caller]
fn says_of_body(body: &str, hint: &str) {
    let mut capture = github(&[SECRET]);
    capture.body = body.into();
    says(&capture, "bad_signature", hint);
}

#[test]
fn changed_bodies_are_told_apart() {
    let sent = github(&[SECRET]);
    assert!(matches!(sent.judge(), Ok(Verdict::Accepted(_))));
    says_of_body(&format!("{BODY}\n"), "a line break was added");
    says_of_body(&BODY.replace('\n', "\r\n"), "LF for CRLF");
    says_of_body(&BODY.replace('é', "\\u00e9"), "no `\\u` escapes");
    says_of_body(&BODY.replace('/', "\\/"), "PHP");
    says_of_body("", "nothing that is usually changed");
    let compact = Delivery::of("github.sha256", SECRET).body(r#"{"a":[1,{}],"b":"x y"}"#);
    let mut compact = capture(&compact, "github.sha256", &[SECRET]);
    compact.body = b"{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": \"x y\"\n}".to_vec();
    says(&compact, "bad_signature", "JSON without white space");
    compact.body = b"{ }".to_vec();
    says(&compact, "bad_signature", "nothing that is usually changed");
}

#[test]
fn secrets_that_are_read_otherwise_are_told() {
    says(
        &github(&["an older secret!", SECRET]),
        "ok",
        "SECRET1, secret 2 of 2",
    );
    says(
        &github(&["\"an example secret\"\n"]),
        "bad_signature",
        "white space or quotes",
    );
    let text = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let delivery = Delivery::of("standard_webhooks.v1", text)
        .body(BODY)
        .at(NOW);
    let signed = capture(&delivery, "standard_webhooks.v1", &[text]);
    assert!(matches!(signed.judge(), Ok(Verdict::Accepted(_))));
    // Stripe's secrets look alike, and are not decoded.
    let delivery = Delivery::of("stripe.v1", text).body(BODY).at(NOW);
    let stripe = capture(&delivery, "stripe.v1", &[&text["whsec_".len()..]]);
    says(&stripe, "bad_signature", "with `whsec_` before it");
    let stripe = Delivery::of("stripe.v1", &text["whsec_".len()..])
        .body(BODY)
        .at(NOW);
    says(
        &capture(&stripe, "stripe.v1", &[text]),
        "bad_signature",
        "without its prefix, not decoded",
    );
}

#[test]
fn headers_that_are_written_otherwise_are_told() {
    let name = HeaderName::from_static("x-hub-signature-256");
    let change = |change: &dyn Fn(&str) -> String| {
        let mut capture = github(&[SECRET]);
        for (header, value) in &mut capture.headers {
            if *header == name {
                let text = change(value.to_str().unwrap());
                *value = HeaderValue::from_str(&text).unwrap();
            }
        }
        capture
    };
    let bare = change(&|text| text.replace("sha256=", ""));
    says(&bare, "malformed_header", "`sha256=` before the signature");
    let version = change(&|text| text.replace("sha256=", "v0="));
    says(
        &version,
        "malformed_header",
        "`sha256=` before the signature",
    );
    let base64 = change(&|text| {
        use base64::Engine as _;
        let bytes = const_hex::decode(text.replace("sha256=", "")).unwrap();
        base64::engine::general_purpose::STANDARD.encode(bytes)
    });
    says(
        &base64,
        "malformed_header",
        "in hex digits, where it is in base64",
    );
    let sha1 = Delivery::of("github.sha1_legacy", SECRET).body(BODY);
    let sha1 = capture(&sha1, "github.sha256", &[SECRET]);
    says(&sha1, "missing_header", "the scheme github.sha1_legacy");
    let events = Delivery::of("shopify.events", SECRET).body(BODY);
    let events = capture(&events, "shopify.hmac", &[SECRET]);
    says(
        &events,
        "missing_header",
        "renamed to `x-shopify-hmac-sha256`",
    );
}

#[test]
fn times_in_another_unit_are_told() {
    let delivery = Delivery::of("slack.v0", SECRET).body(BODY).at(NOW);
    let mut slack = capture(&delivery, "slack.v0", &[SECRET]);
    slack.now = NOW * 1000;
    says(&slack, "stale", "`--at 1763700000`");
    slack.now = NOW;
    for (name, value) in &mut slack.headers {
        if name == "x-slack-request-timestamp" {
            *value = HeaderValue::from_static("1763700000000");
        }
    }
    says(
        &slack,
        "malformed_timestamp",
        "seconds for milliseconds in `x-slack-request-timestamp`",
    );
}

#[test]
fn another_url_is_told() {
    let url = "https://hooks.example.com/in";
    let delivery = Delivery::of("square.hmacsha256", SECRET)
        .body(BODY)
        .url(url);
    let mut square = capture(&delivery, "square.hmacsha256", &[SECRET]);
    square.url = Some("http://hooks.example.com/in".into());
    says(
        &square,
        "bad_signature",
        "the URL https://hooks.example.com/in",
    );
}
