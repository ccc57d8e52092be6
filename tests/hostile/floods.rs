//! Requests of strangers, by the thousand: they are answered, and nothing is written for them.

use std::time::Instant;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{Method, Request};
use http_body_util::BodyExt as _;
use serde_json::json;
use tower_webhook::testing::Delivery;

use super::framing::head;
use super::memory::MOST;
use super::process::{Counts, Process};
use super::receiver::{GITHUB, HOSTS, META, SLACK, TOKEN};
use super::requests::{Body, Sender, VERSIONS, ask, client, delivery, fresh, full};
use super::wire::statuses;

/// Requests at once.
const AT_ONCE: usize = 32;

fn flood() -> usize {
    let value = std::env::var("GARBAGE");
    value.map_or(10_000, |value| value.parse().expect("a number"))
}

/// A request that a stranger can make.
fn stranger(at: usize) -> Request<Body> {
    let good = || tower_webhook::testing::github(GITHUB).body(format!("{{\"at\":{at}}}"));
    let other = tower_webhook::testing::github("another secret than its own");
    let mut request = match at % 12 {
        0 => delivery(&other.body(format!("{{\"at\":{at}}}"))),
        1 => delivery(&good().tampered()),
        2 => delivery(&good().truncated()),
        3 => delivery(&good().doubled()),
        4 => delivery(&good().encoded("gzip")),
        5 => delivery(&good().method(Method::PUT)),
        6 => delivery(&other.body(vec![b'['; 100_000])),
        7 => delivery(&other.body(vec![0xff; 10_000])),
        8 => delivery(&Delivery::of("slack.v0", GITHUB)),
        9 => delivery(&good()),
        10 => delivery(&good()),
        _ => delivery(&good()),
    };
    match at % 12 {
        // Connections and paths that are not there, each another one.
        9 => *request.uri_mut() = format!("/webhooks/github/{at}").parse().unwrap(),
        10 => {
            *request.uri_mut() = format!("/webhooks/{at}/one?{}", "q".repeat(at % 1000))
                .parse()
                .unwrap()
        }
        11 => {
            request.headers_mut().remove("x-hub-signature-256");
            *request.body_mut() = full(vec![b' '; (1 << 20) + 1]);
        }
        _ => {}
    }
    request
}

/// Bytes from a fixed seed.
fn noise(at: usize) -> Vec<u8> {
    let mut state = (at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut byte = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..200).map(|_| byte()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_garbage_writes_nothing_and_takes_no_memory() {
    for host in HOSTS {
        let mut process = Process::start(host);
        let address = process.address;
        let clients = VERSIONS.map(client);
        let send = async |count: usize| {
            let one = |at: usize| {
                let client = &clients[at % 2];
                async move {
                    if at % 10 == 9 {
                        // Hardly HTTP: before the stack, or after a head that it takes.
                        let bytes = if at % 20 == 9 {
                            noise(at)
                        } else {
                            [head(b"{}", "content-length: 200\r\n").into(), noise(at)].concat()
                        };
                        statuses(address, &bytes)
                            .await
                            .into_iter()
                            .max()
                            .unwrap_or(400)
                    } else {
                        ask(client, address, stranger(at)).await.as_u16()
                    }
                }
            };
            let mut answers = stream::iter(0..count).map(one).buffer_unordered(AT_ONCE);
            while let Some(status) = answers.next().await {
                assert!((400..500).contains(&status), "{status}");
            }
        };
        send(500).await;
        let before = process.memory();
        let start = Instant::now();
        send(flood()).await;
        let took = start.elapsed();
        let growth = process.peak().saturating_sub(before);
        println!(
            "{host:?}: {} requests in {took:?}, {} KiB more: {:?}",
            flood(),
            growth >> 10,
            process.counts()
        );
        assert!(growth < MOST, "{growth} bytes");
        let Counts {
            calls,
            runs,
            receipts,
            ..
        } = process.counts();
        assert_eq!((calls, runs, receipts), (0, 0, 0));
        for client in &clients {
            assert_eq!(ask(client, address, fresh()).await, 204);
        }
    }
}

/// Questions of providers whether the receiver is there, right and wrong, and their answers.
fn questions() -> Vec<(&'static str, Request<Body>, u16, Option<String>)> {
    let get = |path: &str| Request::get(path).body(full(Bytes::new())).unwrap();
    let meta = |token: &str, challenge: &str| {
        get(&format!(
            "/webhooks/meta/one?hub.mode=subscribe&hub.verify_token={token}&hub.challenge={challenge}"
        ))
    };
    let long = "1".repeat(8_000);
    let token = TOKEN.replace(' ', "+");
    let asks = json!({ "type": "url_verification", "challenge": "a challenge" }).to_string();
    let slack = |secret: &str| delivery(&Delivery::of("slack.v0", secret).body(asks.clone()));
    let unsigned = |mut request: Request<Body>| {
        request.headers_mut().remove("x-slack-signature");
        request
    };
    vec![
        (
            "Meta",
            meta(&token, "1158201444"),
            200,
            Some("1158201444".into()),
        ),
        (
            "Meta, a long challenge",
            meta(&token, &long),
            200,
            Some(long.clone()),
        ),
        (
            "Meta, another token",
            meta("guessed", "1158201444"),
            401,
            None,
        ),
        (
            "Meta, no challenge",
            get("/webhooks/meta/one?hub.mode=subscribe"),
            401,
            None,
        ),
        (
            "Meta, a delivery by GET",
            get("/webhooks/meta/one"),
            401,
            None,
        ),
        ("Slack", slack(SLACK), 200, Some("a challenge".into())),
        ("Slack, another secret", slack(META), 401, None),
        ("Slack, unsigned", unsigned(slack(SLACK)), 401, None),
        (
            "Dropbox",
            get("/webhooks/dropbox/one?challenge=abc"),
            200,
            Some("abc".into()),
        ),
        (
            "Dropbox, no challenge",
            get("/webhooks/dropbox/one"),
            400,
            None,
        ),
        (
            "nobody",
            get("/webhooks/github/one?challenge=abc"),
            405,
            None,
        ),
    ]
}

async fn exchange(
    client: &Sender,
    address: std::net::SocketAddr,
    request: Request<Body>,
) -> (u16, Bytes) {
    let (mut head, body) = request.into_parts();
    head.headers.remove("host");
    head.uri = format!("http://{address}{}", head.uri).parse().unwrap();
    let answer = client
        .request(Request::from_parts(head, body))
        .await
        .unwrap();
    let status = answer.status().as_u16();
    (
        status,
        answer.into_body().collect().await.unwrap().to_bytes(),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_handshakes_is_answered_and_writes_nothing() {
    for host in HOSTS {
        let mut process = Process::start(host);
        let address = process.address;
        let clients = VERSIONS.map(client);
        let send = async |rounds: usize| {
            let one = |at: usize| {
                let client = &clients[at % 2];
                async move {
                    for (what, request, status, text) in questions() {
                        let (answered, body) = exchange(client, address, request).await;
                        assert_eq!(answered, status, "{what}");
                        if let Some(text) = text {
                            assert_eq!(body, text, "{what}");
                        }
                    }
                }
            };
            stream::iter(0..rounds)
                .map(one)
                .buffer_unordered(AT_ONCE)
                .collect::<Vec<_>>()
                .await;
        };
        send(20).await;
        let before = process.memory();
        let rounds = flood() / 20;
        let start = Instant::now();
        send(rounds).await;
        let growth = process.peak().saturating_sub(before);
        println!(
            "{host:?}: {} questions in {:?}, {} KiB more",
            rounds * questions().len(),
            start.elapsed(),
            growth >> 10
        );
        assert!(growth < MOST, "{growth} bytes");
        let Counts {
            calls,
            runs,
            receipts,
            ..
        } = process.counts();
        assert_eq!((calls, runs, receipts), (0, 0, 0));
        for client in &clients {
            assert_eq!(ask(client, address, fresh()).await, 204);
        }
    }
}
