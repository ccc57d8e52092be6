//! One signature in several spellings is one delivery.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::{HeaderName, Response};
use http_body_util::Full;
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_webhook::Inbound;
use tower_webhook::idempotency::ClaimedBody;
use tower_webhook::time::ManualClock;

use super::*;

/// Other ways to write what `request` says. Which of them a scheme accepts is its own affair.
fn spellings(
    request: &Request<Bytes>,
    holder: Option<&HeaderName>,
) -> Vec<(&'static str, Request<Bytes>)> {
    let mut all = Vec::new();
    let body = std::str::from_utf8(request.body()).unwrap();
    let mut put = |what, body: String| all.push((what, request.clone().map(|_| body.into())));
    let Some(holder) = holder else {
        // The signature is 64 digits in the payload, or is in base64 and has one spelling.
        let other = |char: char| !char.is_ascii_hexdigit();
        if let Some(digits) = body.split(other).find(|run| run.len() == 64) {
            put(
                "digits in upper case",
                body.replacen(digits, &digits.to_uppercase(), 1),
            );
        }
        return all;
    };
    if body.contains("number=") {
        let fields: Vec<_> = body.split('&').rev().collect();
        put("fields in another order", fields.join("&"));
        put("spaces as escapes", body.replace('+', "%20"));
        put("a letter as an escape", body.replacen('n', "%6E", 1));
    }
    let value = request.headers()[holder].to_str().unwrap();
    for (what, text) in signatures(value) {
        if text != value {
            let mut request = request.clone();
            request.headers_mut().insert(holder, text.parse().unwrap());
            all.push((what, request));
        }
    }
    all
}

/// Other ways to write a signature header.
fn signatures(value: &str) -> Vec<(&'static str, String)> {
    let digits = value
        .bytes()
        .rev()
        .take_while(u8::is_ascii_hexdigit)
        .count();
    let (start, tail) = value.split_at(value.len() - digits);
    let mut texts = vec![(
        "digits in upper case",
        format!("{start}{}", tail.to_uppercase()),
    )];
    for separator in [",", ";", ", ", "; "] {
        let key = separator.trim_end();
        texts.push((
            "another version after it",
            format!("{value}{separator}v9=00"),
        ));
        texts.push((
            "another version before it",
            format!("v9=00{separator}{value}"),
        ));
        let entries: Vec<_> = value.split(key).collect();
        texts.push(("a space after the separator", entries.join(separator)));
        let last = entries.last().unwrap();
        texts.push(("the signature twice", format!("{value}{separator}{last}")));
        let turned: Vec<_> = entries.iter().rev().copied().collect();
        texts.push(("the other order", turned.join(separator)));
        if let Some((version, signature)) = last.split_once('=') {
            let other: String = signature.chars().map(|_| '0').collect();
            let text = format!("{value}{separator}{version}={other}");
            texts.push(("another signature after it", text));
        }
    }
    if let Some((version, signature)) = value.split_once(',') {
        texts.push(("another version after it", format!("{value} v9,AAAA")));
        texts.push(("another version before it", format!("v9,AAAA {value}")));
        texts.push(("the signature twice", format!("{value} {value}")));
        let other = STANDARD.encode(vec![0; STANDARD.decode(signature).map_or(0, |it| it.len())]);
        texts.push((
            "another signature after it",
            format!("{value} {version},{other}"),
        ));
        texts.push((
            "another signature before it",
            format!("{version},{other} {value}"),
        ));
    }
    texts
}

#[tokio::test]
async fn all_spellings_of_one_signature_are_one_delivery() {
    const NOW: i64 = 1_763_700_000;
    let mut accepted = BTreeMap::new();
    for entry in signing() {
        let fixed = Delivery::of(entry.id, &secret(entry.secret, [7; 32])).at(NOW);
        let scheme = entry.build(&fixed.options()).unwrap();
        let runs = Arc::new(AtomicUsize::new(0));
        let handled = Arc::clone(&runs);
        let handler = service_fn(move |_: Request<ClaimedBody>| {
            handled.fetch_add(1, Ordering::Relaxed);
            async { Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())) }
        });
        let inbound = Inbound::builder(scheme.clone()).clock(Arc::new(ManualClock::new(NOW)));
        let stack = inbound.build().unwrap().layer(handler);
        let ask = async |request: &Request<Bytes>| {
            let request = request.clone().map(Full::new);
            stack.clone().oneshot(request).await.unwrap()
        };
        let holder = holder(&fixed);
        let cases = runner().config().cases as usize;
        let mut dice = Dice(7);
        for count in 1..=cases {
            // The key is the receiver's, and no two deliveries are the same.
            let delivery = delivery(entry, [7; 32], &mut dice);
            let delivery = delivery.id(format!("id-{count}")).at(NOW);
            let request = bytes(delivery.request());
            let first = ask(&request).await;
            assert_eq!(first.status(), 200, "{}: {request:?}", entry.id);
            assert!(
                !first.headers().contains_key("webhook-duplicate"),
                "{}: {request:?}",
                entry.id
            );
            for (what, request) in spellings(&request, holder.as_ref()) {
                if judge(&scheme, &request).is_err() {
                    continue;
                }
                *accepted.entry((entry.id, what)).or_insert(0) += 1;
                let again = ask(&request).await;
                // Where the signature stands in the payload, the other spelling is another payload.
                let is_known = again.headers().contains_key("webhook-duplicate")
                    || (holder.is_none() && again.status() == 422);
                assert!(
                    is_known,
                    "{}, {what}: {} {request:?}",
                    entry.id,
                    again.status()
                );
            }
            assert_eq!(runs.load(Ordering::Relaxed), count, "{}", entry.id);
        }
    }
    println!("{accepted:#?}");
    let has = |id, what| assert!(accepted.contains_key(&(id, what)), "{id}: {what}");
    has("github.sha256", "digits in upper case");
    has("mailgun.json", "digits in upper case");
    has("stripe.v1", "another version after it");
    has("stripe.v1", "the other order");
    has("stripe.v1", "another signature after it");
    has("paddle.h1", "a space after the separator");
    has("svix.v1", "another signature before it");
    has("standard_webhooks.v1a", "another signature before it");
    has("twilio.form", "fields in another order");
    has("twilio.shared_key", "a letter as an escape");
}
