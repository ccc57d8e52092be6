//! Heads that are too long, that are hardly HTTP, or that ask for something else.

use super::framing::{body, head};
use super::receiver::{HOSTS, Receiver};
use super::requests::{is_healthy, sign};
use super::wire::{Wire, statuses};

/// What is changed in a good delivery, the answers, and how many deliveries are handled.
type Case = (&'static str, Change, &'static [u16], usize);
type Change = fn(&str) -> Vec<u8>;

/// A good delivery, over a connection that ends with it.
fn good() -> String {
    let body = body();
    head(
        body.as_bytes(),
        "content-length: 10\r\nconnection: close\r\n",
    ) + &body
}

fn swap(good: &str, from: &str, to: &str) -> Vec<u8> {
    assert!(good.contains(from));
    good.replacen(from, to, 1).into()
}

fn with(good: &str, line: &str) -> Vec<u8> {
    swap(good, "host: a\r\n", &format!("host: a\r\n{line}\r\n"))
}

const PATH: &str = "/webhooks/github/one";

const LONG: &[Case] = &[
    ("95 lines", |it| with(it, &lines(89)), &[204], 1),
    ("10,000 lines", |it| with(it, &lines(10_000)), &[431], 0),
    (
        "a value of 1 MiB",
        |it| with(it, &format!("x-long: {}", "a".repeat(1 << 20))),
        &[431],
        0,
    ),
    (
        "a path of 70,000 letters",
        |it| swap(it, PATH, &format!("/{}", "a".repeat(70_000))),
        &[414],
        0,
    ),
];

/// `count` lines, the last without its end.
fn lines(count: usize) -> String {
    let lines: Vec<_> = (0..count).map(|at| format!("x-{at}: a")).collect();
    lines.join("\r\n")
}

const GARBLED: &[Case] = &[
    (
        "nothing but line ends",
        |_| b"\r\n\r\n\r\n".to_vec(),
        &[],
        0,
    ),
    (
        "a greeting of TLS",
        |_| b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec(),
        &[400],
        0,
    ),
    ("HTTP/0.9", |_| b"GET /\r\n\r\n".to_vec(), &[400], 0),
    ("HTTP/3.0", |it| swap(it, "HTTP/1.1", "HTTP/3.0"), &[400], 0),
    (
        "a version in small letters",
        |it| swap(it, "HTTP/1.1", "http/1.1"),
        &[400],
        0,
    ),
    (
        "a zero byte in a value",
        |it| with(it, "x-a: \0"),
        &[400],
        0,
    ),
    ("a zero byte in a name", |it| with(it, "x\0a: b"), &[400], 0),
    (
        "a space before the colon",
        |it| with(it, "x-a : b"),
        &[400],
        0,
    ),
    (
        "a line that goes on in the next",
        |it| with(it, "x-a: b\r\n c"),
        &[400],
        0,
    ),
    ("a line without a colon", |it| with(it, "x-a"), &[400], 0),
    ("an empty name", |it| with(it, ": b"), &[400], 0),
    ("a return alone", |it| with(it, "x-a: b\rx-b: c"), &[400], 0),
    (
        "a space in the path",
        |it| swap(it, "/one", "/o ne"),
        &[400],
        0,
    ),
    (
        "a byte that is no text",
        |it| {
            let mut bytes = with(it, "x-a: @");
            let at = bytes.iter().position(|byte| *byte == b'@').unwrap();
            bytes[at] = 0xff;
            bytes
        },
        &[204],
        1,
    ),
];

const OTHERWISE: &[Case] = &[
    (
        "a method in small letters",
        |it| swap(it, "POST", "post"),
        &[405],
        0,
    ),
    (
        "a method of 100 letters",
        |it| swap(it, "POST", &"P".repeat(100)),
        &[405],
        0,
    ),
    (
        "a question for all",
        |it| swap(it, &format!("POST {PATH}"), "OPTIONS *"),
        &[405],
        0,
    ),
    ("a trace", |it| swap(it, "POST", "TRACE"), &[405], 0),
    ("another method", |it| swap(it, "POST", "PUT"), &[405], 0),
    (
        "an override of the method",
        |it| with(it, "x-http-method-override: DELETE"),
        &[204],
        1,
    ),
    ("HTTP/1.0", |it| swap(it, "HTTP/1.1", "HTTP/1.0"), &[204], 1),
    (
        "a whole URL",
        |it| swap(it, PATH, &format!("http://b{PATH}")),
        &[204],
        1,
    ),
    (
        "an upgrade to HTTP/2",
        |it| with(it, "upgrade: h2c\r\nhttp2-settings: AAMAAABkAAQ"),
        &[204],
        1,
    ),
    ("no host", |it| swap(it, "host: a\r\n", ""), &[204], 1),
];

#[tokio::test]
async fn a_head_that_is_no_head_of_a_delivery_runs_nothing() {
    for host in HOSTS {
        let receiver = Receiver::start(host).await;
        let mut wrong = Vec::new();
        for (what, change, answers, more) in [LONG, GARBLED, OTHERWISE].concat() {
            let runs = receiver.seen.runs();
            let mut wire = Wire::open(receiver.address).await;
            wire.write(&change(&good())).await;
            wire.finish().await;
            let mut got = Vec::new();
            while let Some(answer) = wire.answer().await {
                got.push(answer.status);
            }
            let ran = receiver.seen.runs() - runs;
            if (&*got, ran) != (answers, more) {
                wrong.push((what, got, ran));
            }
            is_healthy(&receiver, what).await;
        }
        assert!(wrong.is_empty(), "{host:?}: {wrong:#?}");
    }
}

#[tokio::test]
async fn a_body_that_will_not_be_read_is_not_asked_for() {
    for host in HOSTS {
        let receiver = Receiver::start(host).await;
        let body = body();
        let ask = |lines: &str| {
            let lines = format!("expect: 100-continue\r\nconnection: close\r\n{lines}");
            head(body.as_bytes(), &lines)
        };
        let long = ask("content-length: 1048577\r\n");
        let garbled = ask("content-length: 10\r\n").replace("sha256=", "sha256=z");
        let packed = ask("content-length: 10\r\ncontent-encoding: gzip\r\n");
        for (head, status) in [(long, 413), (garbled, 401), (packed, 415)] {
            assert_eq!(statuses(receiver.address, head.as_bytes()).await, [status]);
        }
        let mut wire = Wire::open(receiver.address).await;
        wire.write(ask("content-length: 10\r\n").as_bytes()).await;
        assert_eq!(wire.answer().await.unwrap().status, 100);
        wire.write(body.as_bytes()).await;
        assert_eq!(wire.answer().await.unwrap().status, 204);
        is_healthy(&receiver, "expectations").await;
    }
}

#[tokio::test]
async fn fifty_deliveries_in_one_write_are_fifty_answers() {
    for host in HOSTS {
        let receiver = Receiver::start(host).await;
        let mut bytes = String::new();
        for count in 0..50 {
            let body = body();
            let one = head(body.as_bytes(), "content-length: 10\r\n") + &body;
            // Every fifth is a forgery, and the others are not held up.
            bytes += &match count % 5 {
                0 => one.replace(&sign(body.as_bytes()), &sign(b"{}")),
                _ => one,
            };
        }
        let answers = statuses(receiver.address, bytes.as_bytes()).await;
        let wanted: Vec<_> = (0..50)
            .map(|count| if count % 5 == 0 { 401 } else { 204 })
            .collect();
        assert_eq!(answers, wanted);
        assert_eq!(receiver.seen.runs(), 40);
        is_healthy(&receiver, "a pipeline").await;
    }
}
