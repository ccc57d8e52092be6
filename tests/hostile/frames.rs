//! HTTP/2, frame by frame, as no client writes it (RFC 9113).

use std::time::Duration;

use super::receiver::{HOSTS, Receiver};
use super::requests::{is_healthy, sign};
use super::wire::Wire;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let stream = stream.to_be_bytes();
    [&length[1..], &[kind, flags], &stream, payload].concat()
}

/// A field that no table has (RFC 7541, 6.2.2), of up to 126 bytes each.
fn field(name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    assert!(name.len() < 127 && value.len() < 127);
    [vec![0], text(name), text(value)].concat()
}

/// The fields of a delivery, and these.
fn fields(signed: &[u8], more: &[(&str, &str)]) -> Vec<u8> {
    let signature = sign(signed);
    let delivery = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/webhooks/github/one"),
        (":authority", "a"),
        ("x-hub-signature-256", &signature),
    ];
    let all = delivery.iter().chain(more);
    all.flat_map(|(name, value)| field(name, value)).collect()
}

fn opening() -> Vec<u8> {
    [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()
}

/// A connection with a request whose head goes on in a frame that never comes.
pub(super) fn unfinished() -> Vec<u8> {
    [opening(), frame(HEADERS, 0, 1, &fields(b"{}", &[]))].concat()
}

/// The kinds of the frames that came back, up to where the connection ended or fell silent.
async fn kinds(receiver: &Receiver, bytes: &[u8], silence: Duration) -> Vec<u8> {
    let mut wire = Wire::open(receiver.address).await;
    wire.write(bytes).await;
    let read = wire.rest(silence).await;
    let (mut kinds, mut rest) = (Vec::new(), &*read);
    while let [a, b, c, kind, ..] = *rest {
        let length = u32::from_be_bytes([0, a, b, c]) as usize;
        kinds.push(kind);
        rest = rest.get(9 + length..).unwrap_or_default();
    }
    kinds
}

/// Frames after the opening, of which nothing is handled.
fn cases() -> Vec<(&'static str, Vec<u8>)> {
    let headers = |more: &[(&str, &str)]| frame(HEADERS, END_HEADERS, 1, &fields(b"{}", more));
    let data = |flags, bytes: &[u8]| frame(DATA, flags, 1, bytes);
    let both = |more: &[(&str, &str)]| [headers(more), data(END_STREAM, b"{}")].concat();
    vec![
        (
            "a length that is too long",
            both(&[("content-length", "3")]),
        ),
        (
            "a length that is too short",
            both(&[("content-length", "1")]),
        ),
        (
            "two lengths",
            both(&[("content-length", "2"), ("content-length", "3")]),
        ),
        (
            "a length that is no number",
            both(&[("content-length", "+2")]),
        ),
        (
            "a transfer coding",
            both(&[("transfer-encoding", "chunked")]),
        ),
        (
            "a field of the connection",
            both(&[("connection", "close")]),
        ),
        ("a name with capitals", both(&[("X-A", "b")])),
        ("a second path", both(&[(":path", "/")])),
        ("an unknown pseudo-field", both(&[(":webhook", "a")])),
        ("a line end in a value", both(&[("x-a", "b\r\nx-c: d")])),
        ("a body on stream 0", frame(DATA, END_STREAM, 0, b"{}")),
        ("a body without a head", frame(DATA, END_STREAM, 1, b"{}")),
        (
            "a stream of the server's",
            frame(HEADERS, END_HEADERS, 2, &fields(b"{}", &[])),
        ),
        ("a frame that is too long", frame(DATA, 0, 1, &[0; 20_000])),
        (
            "a table that is none",
            frame(HEADERS, END_HEADERS, 1, &[0xff; 40]),
        ),
        (
            "padding longer than the frame",
            [headers(&[]), frame(DATA, 8, 1, &[9, 0])].concat(),
        ),
        (
            "a window of more than 2^31",
            frame(WINDOW_UPDATE, 0, 0, &0x7fff_ffff_u32.to_be_bytes()),
        ),
        ("settings of five bytes", frame(SETTINGS, 0, 0, &[0; 5])),
        (
            "a window that settings make too large",
            frame(SETTINGS, 0, 0, &[0, 4, 255, 255, 255, 255]),
        ),
        (
            "the end inside the body",
            [
                headers(&[]),
                data(0, b"{"),
                frame(RST_STREAM, 0, 1, &[0; 4]),
            ]
            .concat(),
        ),
    ]
}

#[tokio::test]
async fn frames_that_contradict_each_other_run_nothing() {
    for host in HOSTS {
        let receiver = Receiver::start(host).await;
        let silence = Duration::from_millis(200);
        for (what, frames) in cases() {
            let runs = receiver.seen.runs();
            let bytes = [opening(), frames].concat();
            let kinds = kinds(&receiver, &bytes, silence).await;
            let is_refused = kinds
                .iter()
                .any(|kind| [RST_STREAM, GOAWAY, HEADERS].contains(kind));
            assert!(
                is_refused || what.starts_with("the end"),
                "{host:?}: {what}: {kinds:?}"
            );
            assert_eq!(receiver.seen.runs(), runs, "{what}");
            is_healthy(&receiver, what).await;
        }
    }
}

#[tokio::test]
async fn the_frames_of_a_good_delivery_are_handled() {
    for host in HOSTS {
        let receiver = Receiver::start(host).await;
        let head = frame(
            HEADERS,
            END_HEADERS,
            1,
            &fields(b"{}", &[("content-length", "2")]),
        );
        // One byte a frame, with empty ones between.
        let body: Vec<u8> = b"{}"
            .iter()
            .flat_map(|byte| [frame(DATA, 0, 1, &[]), frame(DATA, 0, 1, &[*byte])].concat())
            .collect();
        let bytes = [opening(), head, body, frame(DATA, END_STREAM, 1, &[])].concat();
        let kinds = kinds(&receiver, &bytes, Duration::from_millis(200)).await;
        assert!(
            kinds.contains(&HEADERS) && !kinds.contains(&GOAWAY),
            "{kinds:?}"
        );
        assert_eq!(receiver.seen.runs(), 1);
    }
}

/// Floods of frames that cost a sender nothing.
fn floods() -> Vec<(&'static str, Vec<u8>)> {
    let stream = |at: u32| 2 * at + 1;
    let reset = |at| {
        let head = frame(HEADERS, END_HEADERS, stream(at), &fields(b"{}", &[]));
        [head, frame(RST_STREAM, 0, stream(at), &[0, 0, 0, 8])].concat()
    };
    let goes_on = frame(CONTINUATION, 0, 1, &field("x-a", &"b".repeat(100)));
    let head = frame(HEADERS, END_HEADERS, 1, &fields(b"{}", &[]));
    vec![
        (
            "requests that are taken back",
            (0..10_000).flat_map(reset).collect(),
        ),
        (
            "a head that goes on and on",
            [
                frame(HEADERS, 0, 1, &fields(b"{}", &[])),
                goes_on.repeat(50_000),
            ]
            .concat(),
        ),
        (
            "settings",
            frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 1]).repeat(20_000),
        ),
        ("pings", frame(PING, 0, 0, &[0; 8]).repeat(20_000)),
        (
            "empty pieces of a body",
            [head, frame(DATA, 0, 1, &[]).repeat(50_000)].concat(),
        ),
    ]
}

#[tokio::test]
async fn a_flood_of_frames_runs_nothing_and_holds_up_nobody() {
    for host in HOSTS {
        let receiver = Receiver::start(host).await;
        for (what, frames) in floods() {
            let runs = receiver.seen.runs();
            let bytes = [opening(), frames].concat();
            let flood = kinds(&receiver, &bytes, Duration::from_millis(500));
            let healthy = is_healthy(&receiver, what);
            let (kinds, ()) = futures_util::join!(flood, healthy);
            println!(
                "{host:?}: {what}: {} frames came back, GOAWAY: {}",
                kinds.len(),
                kinds.contains(&GOAWAY)
            );
            assert_eq!(receiver.seen.runs(), runs + 2, "{what}");
            is_healthy(&receiver, what).await;
        }
        assert_eq!(receiver.receipts().await, receiver.seen.runs());
    }
}
