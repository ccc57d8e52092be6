//! Where a body ends: lengths that disagree, bad chunks, trailers, ends that come early.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::receiver::{HOSTS, Receiver};
use super::requests::{is_healthy, sign};
use super::wire::{Wire, statuses};

/// A head with these lines, over a body that `signed` is the signature of.
pub(super) fn head(signed: &[u8], lines: &str) -> String {
    let signature = sign(signed);
    format!(
        "POST /webhooks/github/one HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n\
         x-hub-signature-256: {signature}\r\n{lines}\r\n"
    )
}

/// A body that nobody has sent before, of ten bytes.
pub(super) fn body() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(1000);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{{\"a\":{count}}}")
}

/// Bytes on the wire, and what is to come of them.
struct Case {
    what: &'static str,
    bytes: Vec<u8>,
    answers: &'static [u16],
    runs: usize,
}

impl Case {
    /// Lines of the head and what follows the head, over a body that is signed: `{body}` stands for it.
    fn new(
        what: &'static str,
        lines: &str,
        rest: &str,
        answers: &'static [u16],
        runs: usize,
    ) -> Self {
        let body = body();
        let (lines, rest) = (
            lines.replace("{body}", &body),
            rest.replace("{body}", &body),
        );
        let bytes = (head(body.as_bytes(), &lines) + &rest).into_bytes();
        Self {
            what,
            bytes,
            answers,
            runs,
        }
    }
}

const CHUNKED: &str = "transfer-encoding: chunked\r\nconnection: close\r\n";

fn lengths() -> Vec<Case> {
    let new = Case::new;
    let length = |what, value: &str, answers| {
        let lines = format!("content-length: {value}\r\nconnection: close\r\n");
        new(what, &lines, "{body}", answers, 0)
    };
    vec![
        new(
            "the right length",
            "content-length: 10\r\nconnection: close\r\n",
            "{body}",
            &[204],
            1,
        ),
        new(
            "a length and chunks",
            "content-length: 10\r\ntransfer-encoding: chunked\r\nconnection: close\r\n",
            "a\r\n{body}\r\n0\r\n\r\n",
            &[204],
            1,
        ),
        new(
            "chunks and a length",
            "transfer-encoding: chunked\r\ncontent-length: 10\r\nconnection: close\r\n",
            "a\r\n{body}\r\n0\r\n\r\n",
            &[204],
            1,
        ),
        new(
            "a length and chunks, and a body that follows the length",
            "content-length: 10\r\ntransfer-encoding: chunked\r\n",
            "{body}",
            &[400],
            0,
        ),
        new(
            "one length twice",
            "content-length: 10\r\ncontent-length: 10\r\nconnection: close\r\n",
            "{body}",
            &[204],
            1,
        ),
        new(
            "two lengths",
            "content-length: 10\r\ncontent-length: 9\r\n",
            "{body}",
            &[400],
            0,
        ),
        new(
            "two lengths, the shorter first",
            "content-length: 9\r\ncontent-length: 10\r\n",
            "{body}",
            &[400],
            0,
        ),
        new(
            "a length that is too short: what is left is no request",
            "content-length: 9\r\n",
            "{body}",
            &[401, 400],
            0,
        ),
        new(
            "chunks in an unknown coding",
            "transfer-encoding: gzip, chunked, wild\r\n",
            "a\r\n{body}\r\n0\r\n\r\n",
            &[400],
            0,
        ),
        length("a sign", "+10", &[400]),
        length("a negative length", "-10", &[400]),
        length("hex digits", "0xa", &[400]),
        length("a list", "10, 10", &[400]),
        length("two numbers", "10 10", &[400]),
        length("no number", "", &[400]),
        length("over 64 bits", "18446744073709551616", &[400]),
        // The longest that hyper takes; we do not.
        length("the longest", "18446744073709551613", &[413]),
        length("over the limit by a byte", "1048577", &[413]),
    ]
}

fn chunks() -> Vec<Case> {
    let chunked = |what, rest: &str, answers, runs| Case::new(what, CHUNKED, rest, answers, runs);
    let extension = format!("a;{}\r\n{{body}}\r\n0\r\n\r\n", "e".repeat(20_000));
    let trailer = format!(
        "a\r\n{{body}}\r\n0\r\nx-much: {}\r\n\r\n",
        "t".repeat(100_000)
    );
    vec![
        chunked("chunks", "4\r\n{\"a\"\r\n", &[400], 0),
        chunked(
            "one chunk of the right length",
            "a\r\n{body}\r\n0\r\n\r\n",
            &[204],
            1,
        ),
        chunked(
            "leading zeros",
            "0000000a\r\n{body}\r\n0\r\n\r\n",
            &[204],
            1,
        ),
        chunked(
            "a size in no digits",
            "zz\r\n{body}\r\n0\r\n\r\n",
            &[400],
            0,
        ),
        chunked("a negative size", "-a\r\n{body}\r\n0\r\n\r\n", &[400], 0),
        chunked("a size with 0x", "0xa\r\n{body}\r\n0\r\n\r\n", &[400], 0),
        chunked(
            "a size over 64 bits",
            "1000000000000000a\r\n{body}\r\n0\r\n\r\n",
            &[400],
            0,
        ),
        chunked(
            "a size over the limit",
            "fffffff0\r\n{body}\r\n0\r\n\r\n",
            &[400],
            0,
        ),
        chunked("no end of a chunk", "a\r\n{body}0\r\n\r\n", &[400], 0),
        chunked("line feeds alone", "a\n{body}\n0\n\n", &[400], 0),
        chunked(
            "a short extension",
            "a;b=c\r\n{body}\r\n0\r\n\r\n",
            &[204],
            1,
        ),
        chunked("a long extension", &extension, &[400], 0),
        chunked(
            "a trailer",
            "a\r\n{body}\r\n0\r\nx-more: a\r\n\r\n",
            &[204],
            1,
        ),
        chunked("a long trailer", &trailer, &[400], 0),
    ]
}

#[tokio::test]
async fn where_the_end_of_a_body_is_not_clear_nothing_runs() {
    for host in HOSTS {
        let receiver = Receiver::start(host).await;
        let mut wrong = Vec::new();
        for case in lengths().into_iter().chain(chunks()) {
            let runs = receiver.seen.runs();
            let mut wire = Wire::open(receiver.address).await;
            wire.write(&case.bytes).await;
            // What is not there yet never comes.
            wire.finish().await;
            let mut answers = Vec::new();
            while let Some(answer) = wire.answer().await {
                answers.push(answer.status);
            }
            let ran = receiver.seen.runs() - runs;
            if (&*answers, ran) != (case.answers, case.runs) {
                wrong.push((case.what, answers, ran));
            }
            is_healthy(&receiver, case.what).await;
        }
        assert!(wrong.is_empty(), "{host:?}: {wrong:#?}");
    }
}

#[tokio::test]
async fn a_signature_in_a_trailer_signs_nothing() {
    for host in HOSTS {
        let receiver = Receiver::start(host).await;
        let body = body();
        let unsigned = head(body.as_bytes(), CHUNKED).replace("x-hub-signature-256", "x-none");
        let trailer = format!("x-hub-signature-256: {}", sign(body.as_bytes()));
        let bytes = format!("{unsigned}a\r\n{body}\r\n0\r\n{trailer}\r\n\r\n");
        assert_eq!(statuses(receiver.address, bytes.as_bytes()).await, [401]);
        assert_eq!((receiver.seen.runs(), receiver.seen.calls()), (0, 0));
        is_healthy(&receiver, "a signature in a trailer").await;
    }
}

/// A proxy that goes by the length, and a server that goes by the chunks, see other requests; so the server ends the
/// connection of who says both.
#[tokio::test]
async fn what_is_smuggled_behind_a_body_is_not_read() {
    for host in HOSTS {
        let receiver = Receiver::start(host).await;
        let (first, second) = (body(), body());
        // Unsigned, as a stranger has to write it.
        let hidden = head(
            second.as_bytes(),
            "content-length: 10\r\nconnection: close\r\n",
        );
        let hidden = hidden.replace("sha256=", "sha256=00") + &second;
        let chunked = format!("a\r\n{first}\r\n0\r\n\r\n{hidden}");
        let lines = format!(
            "content-length: {}\r\ntransfer-encoding: chunked\r\n",
            chunked.len()
        );
        let bytes = head(first.as_bytes(), &lines) + &chunked;
        let answers = statuses(receiver.address, bytes.as_bytes()).await;
        assert_eq!(answers, [204]);
        assert_eq!(receiver.seen.runs(), 1);
        is_healthy(&receiver, "a smuggled request").await;
    }
}

#[tokio::test]
async fn a_connection_that_ends_early_runs_nothing_and_is_heard_of() {
    for host in HOSTS {
        let receiver = Receiver::start(host).await;
        let body = body();
        let length = head(body.as_bytes(), "content-length: 10\r\n");
        let chunked = head(body.as_bytes(), CHUNKED);
        let mut aborted = 0;
        for (what, bytes, is_heard) in [
            ("before the head", String::new(), false),
            ("inside the head", length[..40].to_owned(), false),
            ("before the body", length.clone(), true),
            ("inside the body", format!("{length}{}", &body[..9]), true),
            (
                "inside a chunk",
                format!("{chunked}a\r\n{}", &body[..5]),
                true,
            ),
            ("between chunks", format!("{chunked}a\r\n{body}\r\n"), true),
            (
                "inside the last chunk",
                format!("{chunked}a\r\n{body}\r\n0\r\n"),
                true,
            ),
        ] {
            let mut wire = Wire::open(receiver.address).await;
            wire.write(bytes.as_bytes()).await;
            drop(wire);
            aborted += usize::from(is_heard);
            is_healthy(&receiver, what).await;
            // Nothing tells a sender that is gone when the receiver has heard that it is.
            while receiver.seen.count("body_aborted") < aborted {
                tokio::task::yield_now().await;
            }
        }
        assert_eq!(receiver.seen.count("body_aborted"), aborted);
        assert_eq!(receiver.seen.runs(), 7 * 2);
    }
}
