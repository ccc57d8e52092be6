//! No header and no body makes a scheme panic, and none of them is authentic.

use http::{HeaderName, HeaderValue, Method, Request};
use proptest::prelude::*;
use tower_webhook::scheme::OpenError;
use tower_webhook::scheme::catalog::Options;

use super::*;

/// Headers that schemes read beside those that their deliveries have.
const OTHERS: &[&str] = &[
    "content-type",
    "origin",
    "webhook-request-origin",
    "webhook-request-rate",
    "x-hook-secret",
    "x-okta-verification-challenge",
];

/// Bytes, and texts that are nearly what schemes read.
fn texts() -> impl Strategy<Value = Vec<u8>> {
    let near = "(t=|ts=|v1=|h1=|v1,|v1a,|v0=|sha256=|sha1=|Bearer |=|,|;| |[0-9]{10}|[0-9]{13}|[0-9a-f]{64}|[A-Za-z0-9+/]{43}=|2026-11-21T10:00:00Z|é){0,8}";
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..80),
        near.prop_map(String::into_bytes),
        ".{0,40}".prop_map(String::into_bytes),
    ]
}

fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let near = r#"(\{|\}|\[|\]|"|,|:|"id"|"type"|"signature"|"token"|"timestamp"|"notificationItems"|"challenge"|"verification_token"|"url_verification"|"webhookTimestamp"|[0-9]{1,20}|-1e999|null|\\u0000|\\ud800|&|=|%|a=b&){0,16}"#;
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..200),
        near.prop_map(String::into_bytes),
    ]
}

fn names(entry: &Entry) -> Vec<HeaderName> {
    let others = OTHERS.iter().map(|name| HeaderName::from_static(name));
    if NO_DELIVERIES.contains(&entry.id) {
        return others.collect();
    }
    let delivery = Delivery::of(entry.id, &secret(entry.secret, [7; 32]));
    let request = delivery.id("id-1").event_type("ping").request();
    request.headers().keys().cloned().chain(others).collect()
}

fn options(entry: &Entry) -> Options {
    let options = Options::new().origin("example.com").rate("100");
    let options = options.public_url("https://hooks.example.com/in");
    match entry.secret {
        SecretFormat::None => options,
        _ if NO_DELIVERIES.contains(&entry.id) => options.secret("a token of 16 bytes"),
        _ => Delivery::of(entry.id, &secret(entry.secret, [7; 32])).options(),
    }
}

#[test]
fn no_header_and_no_body_makes_a_scheme_panic() {
    for entry in catalog::all() {
        let scheme = entry.build(&options(entry)).unwrap();
        let names = names(entry);
        let values = proptest::collection::vec((0..3_usize, texts()), names.len());
        let method = prop::sample::select(vec![
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::OPTIONS,
        ]);
        let query = r"(hub\.challenge=|hub\.mode=subscribe|hub\.verify_token=|challenge=|access_token=|bodySHA256=|&|%|a){0,6}";
        let cases = (values, bodies(), method, query);
        let run = runner().run(&cases, |(values, body, method, query)| {
            let uri = format!("/in?{query}");
            let mut request = Request::builder().method(method).uri(uri);
            for (name, (times, value)) in names.iter().zip(values) {
                // What no header can be never comes here.
                if let Ok(value) = HeaderValue::from_bytes(&value) {
                    // Most stand there once: who is doubled is refused at once.
                    let times = if times == 2 { 1 } else { times };
                    for _ in 0..times {
                        request = request.header(name, value.clone());
                    }
                }
            }
            let (head, ()) = request.body(()).unwrap().into_parts();
            let greeting = scheme.greet(&head);
            assert!(!matches!(greeting, Some(Err(OpenError::Unavailable))));
            if let Ok(mut pass) = scheme.begin(&head) {
                body.chunks(7).for_each(|chunk| pass.update(chunk));
                let verdict = pass.finish(&body);
                let is_delivery = matches!(verdict, Ok(Claims::Delivery(_)));
                assert!(!is_delivery, "{}: {head:?} {body:?}", entry.id);
            }
            Ok(())
        });
        run.unwrap_or_else(|err| panic!("{}: {err}", entry.id));
    }
}
