//! The sender signs, the SDKs judge: also while two secrets sign.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Full};
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;
use tower::service_fn;
use tower_webhook::BoxError;
use tower_webhook::outbound::endpoint::NewEndpoint;
use tower_webhook::outbound::event::Event;
use tower_webhook::outbound::sign::{KeyKind, SigningKeys, SigningScheme};
use tower_webhook::outbound::{DeliveryBody, MemoryOutbox, SealingKey, Sender};
use tower_webhook::time::ManualClock;

use crate::cases::NOW;
use crate::tools::{self, NODE, PYTHON};

const STANDARD: &str = "standard_webhooks.v1";
const GITHUB: &str = "github.sha256";

type Sent = (HeaderMap, Bytes);

fn case(scheme: &str, secret: &str, (headers, body): &Sent) -> Value {
    let text = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        let value = value.to_str().unwrap();
        (name.to_string(), value.into())
    };
    let headers: Map<_, _> = headers.iter().map(text).collect();
    let body = std::str::from_utf8(body).unwrap();
    json!({ "scheme": scheme, "secret": secret, "url": "", "headers": headers, "body": body, "now": NOW })
}

fn secret(keys: &SigningKeys) -> &str {
    keys.current(KeyKind::Hmac).unwrap().reveal()
}

#[tokio::test]
async fn what_the_sender_signs_is_accepted_by_the_official_verifiers() {
    if !tools::ready().await {
        return;
    }
    let (sending, mut sent) = mpsc::unbounded_channel::<Sent>();
    let client = service_fn(move |request: Request<DeliveryBody>| {
        let sending = sending.clone();
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            sending.send((head.headers, body))?;
            Ok::<_, BoxError>(Response::new(Full::<Bytes>::default()))
        }
    });
    let sender = Sender::builder(MemoryOutbox::new(), SealingKey::generate())
        .signing(SigningScheme::standard_webhooks().also(SigningScheme::github()))
        .client(client)
        .clock(ManualClock::new(NOW))
        .build()
        .unwrap();
    let new = NewEndpoint::new("https://hooks.example.com/all");
    let created = sender.endpoints().create(new).await.unwrap();
    let event = || Event::json("order.created", &json!({ "order": 7, "for": "Zoë 🦀" })).unwrap();
    let dispatcher = sender.dispatcher();

    sender.emit(event()).await.unwrap();
    dispatcher.run_due().await.unwrap();
    let day = Duration::from_secs(86_400);
    let rotated = sender.endpoints().rotate(&created.endpoint.id, day).await;
    let rotated = rotated.unwrap();
    sender.emit(event()).await.unwrap();
    dispatcher.run_due().await.unwrap();

    let (first, second) = (sent.recv().await.unwrap(), sent.recv().await.unwrap());
    let (old, new) = (secret(&created.keys), secret(&rotated.keys));
    let expected = [
        (case(STANDARD, old, &first), "accept"),
        (case(GITHUB, old, &first), "accept"),
        (case(STANDARD, new, &first), "reject"),
        (case(GITHUB, new, &first), "reject"),
        (case(STANDARD, old, &second), "accept"),
        (case(STANDARD, new, &second), "accept"),
        // Its header holds one signature: the old secret signs until it ends.
        (case(GITHUB, old, &second), "accept"),
        (case(GITHUB, new, &second), "reject"),
    ];
    let input = expected.iter().map(|(case, _)| case.clone()).collect();
    let input = Value::Array(input);
    let (node, python) = tokio::join!(
        NODE.run("verify.mjs", &input),
        PYTHON.run("verify.py", &input)
    );
    let mut asked = [0; 8];
    for line in node.into_iter().chain(python) {
        let [sdk, index, verdict, why] = line.try_into().unwrap();
        let index: usize = index.parse().unwrap();
        assert_eq!(verdict, expected[index].1, "{sdk} {index} {why}");
        asked[index] += 1;
    }
    assert!(asked.iter().all(|sdks| *sdks > 0), "{asked:?}");
}
