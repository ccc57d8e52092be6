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

/// Pieces of what schemes read in headers.
const HEADERS: &[&str] = &[
    "t=",
    "ts=",
    "v1=",
    "h1=",
    "v1,",
    "v1a,",
    "v0=",
    "sha256=",
    "sha1=",
    "Bearer ",
    "=",
    ",",
    ";",
    " ",
    "1763700000",
    "1763700000000",
    "-1",
    "2026-11-21T10:00:00Z",
    "é",
    "AAAA",
    "00",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    "application/json",
    "application/x-www-form-urlencoded",
    "algorithm=HMAC_SHA256",
];

/// Pieces of what schemes read in bodies.
const BODIES: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    "\"",
    ",",
    ":",
    "\"id\"",
    "\"type\"",
    "\"signature\"",
    "\"token\"",
    "\"timestamp\"",
    "\"notificationItems\"",
    "\"challenge\"",
    "\"verification_token\"",
    "\"url_verification\"",
    "\"webhookTimestamp\":",
    "17637000000000",
    "-1e999",
    "null",
    "\\u0000",
    "\\ud800",
    "&",
    "=",
    "%",
    "a=b&",
    "timestamp=1763700000&",
    "token=a&",
    "signature=00&",
    " ",
];

const QUERIES: &[&str] = &[
    "hub.challenge=",
    "hub.mode=subscribe",
    "hub.verify_token=",
    "challenge=",
    "access_token=",
    "bodySHA256=",
    "&",
    "%",
    "a",
];

/// Bytes, or what is nearly read.
fn nearly(dice: &mut Dice, pieces: &[&str], most: usize) -> Vec<u8> {
    if dice.below(3) == 0 {
        return (0..dice.below(most * 8))
            .map(|_| dice.roll().to_le_bytes()[7])
            .collect();
    }
    dice.text(pieces, most).into()
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
    let options = Options::new()
        .on_secret(drop)
        .origin("example.com")
        .rate("100");
    let options = options.public_url("https://hooks.example.com/in");
    match entry.secret {
        SecretFormat::None => options,
        _ if NO_DELIVERIES.contains(&entry.id) => options.secret("a token of 16 bytes"),
        _ => Delivery::of(entry.id, &secret(entry.secret, [7; 32])).options(),
    }
}

#[test]
fn no_header_and_no_body_makes_a_scheme_panic() {
    let all = catalog::all().filter(|entry| !NOT_SIGNED.contains(&entry.id));
    for entry in all {
        let scheme = entry.build(&options(entry)).unwrap();
        let names = names(entry);
        let run = runner().run(&any::<u64>(), |seed| {
            let mut dice = Dice(seed);
            let methods = [Method::GET, Method::HEAD, Method::POST, Method::OPTIONS];
            let uri = format!("/in?{}", dice.text(QUERIES, 6));
            let method = methods[dice.below(4)].clone();
            let mut request = Request::builder().method(method).uri(uri);
            for name in &names {
                // Most stand there once: what is doubled is refused at once.
                for _ in 0..[0, 1, 1, 1, 1, 1, 1, 2][dice.below(8)] {
                    // What no header can be never comes here.
                    if let Ok(value) = HeaderValue::from_bytes(&nearly(&mut dice, HEADERS, 8)) {
                        request = request.header(name, value);
                    }
                }
            }
            let body = nearly(&mut dice, BODIES, 16);
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
