//! Small bodies that would be large things: packed, nested, numbers of a million digits.

use std::time::{Duration, Instant};

use http::header::CONTENT_ENCODING;
use tower_webhook::testing::{self, Delivery};

use super::memory::MOST;
use super::process::Process;
use super::receiver::{GITHUB, HOSTS, SLACK};
use super::requests::{VERSIONS, ask, client, delivery, fresh};

/// The longest body that is taken.
const MOST_BYTES: usize = 1 << 20;

/// As long a body as there may be, of `start`, many times `piece`, and `end`.
fn fill(start: &str, piece: &str, end: &str) -> String {
    let room = MOST_BYTES - start.len() - end.len();
    format!("{start}{}{end}", piece.repeat(room / piece.len()))
}

fn nest(start: &str, open: &str, core: &str, close: &str, end: &str) -> String {
    let room = MOST_BYTES - start.len() - core.len() - end.len();
    let depth = room / (open.len() + close.len());
    format!(
        "{start}{}{core}{}{end}",
        open.repeat(depth),
        close.repeat(depth)
    )
}

/// Signed payloads of GitHub's, and the answers: none is turned into a tree.
fn payloads() -> Vec<(&'static str, String, u16)> {
    vec![
        ("arrays in arrays", nest("{\"a\":", "[", "", "]", "}"), 204),
        ("objects in objects", nest("", "{\"a\":", "0", "}", ""), 204),
        ("arrays that do not end", fill("{\"a\":", "[", ""), 400),
        ("an array of arrays that do not end", fill("", "[", ""), 400),
        (
            "many small objects",
            fill("{\"a\":[0", ",{\"a\":0}", "]}"),
            204,
        ),
        ("many empty arrays", fill("{\"a\":[0", ",[]", "]}"), 204),
        ("one key many times", fill("{\"b\":0", ",\"a\":0", "}"), 204),
        ("many escapes", fill("{\"a\":\"", "\\u0000", "\"}"), 204),
        (
            "many surrogates",
            fill("{\"a\":\"", "\\ud83d\\ude00", "\"}"),
            204,
        ),
        (
            "a number of a million digits",
            fill("{\"a\":1", "1", "}"),
            204,
        ),
        (
            "a fraction of a million digits",
            fill("{\"a\":0.", "1", "}"),
            204,
        ),
        (
            "an exponent of a million digits",
            fill("{\"a\":1e", "9", "}"),
            204,
        ),
        ("a number over all floats", "{\"a\":1e400}".into(), 204),
        ("spaces", fill("{", " ", "}"), 204),
        (
            "a million keys that do not end",
            fill("{", "\"a\":", ""),
            400,
        ),
    ]
}

/// The same where fields are looked for. What is no text and no whole number is as if it were not there; a number that
/// no float can hold is no JSON to serde.
fn events() -> Vec<(&'static str, String, u16)> {
    let start =
        |id| format!("{{\"event_id\":\"{id}\",\"type\":\"event_callback\",\"event\":{{\"type\":");
    let id = "{\"type\":\"event_callback\",\"event_id\":";
    vec![
        ("nothing wrong", format!("{}\"a\"}}}}", start("1")), 204),
        ("arrays for an id", nest(id, "[", "", "]", "}"), 204),
        (
            "objects for an id",
            nest(id, "{\"type\":", "0", "}", "}"),
            204,
        ),
        ("a long id", fill(&format!("{id}\""), "a", "\"}"), 204),
        (
            "an id of escapes",
            fill(&format!("{id}\""), "\\u0041", "\"}"),
            204,
        ),
        ("digits for an id", fill(id, "1", "}"), 400),
        (
            "an exponent for an id",
            fill(&format!("{id}1e"), "9", "}"),
            400,
        ),
        (
            "arrays for a type",
            nest(&start("2"), "[", "", "]", "}}"),
            204,
        ),
        (
            "a long type",
            fill(&format!("{}\"", start("3")), "a", "\"}}"),
            204,
        ),
        ("digits for a type", fill(&start("4"), "1", "}}"), 400),
    ]
}

fn github(payload: &str) -> Delivery {
    testing::github(GITHUB).body(payload.to_owned())
}

fn slack(payload: &str) -> Delivery {
    Delivery::of("slack.v0", SLACK).body(payload.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn json_bombs_are_read_in_no_time_and_no_room() {
    for host in HOSTS {
        let process = Process::start(host);
        let clients = VERSIONS.map(client);
        for client in &clients {
            assert_eq!(ask(client, process.address, fresh()).await, 204);
        }
        let before = process.memory();
        let mut wrong = Vec::new();
        let (mut longest, mut slowest) = (Duration::ZERO, "");
        let all = payloads()
            .into_iter()
            .map(|(what, text, status)| (what, github(&text), status));
        let all = all.chain(
            events()
                .into_iter()
                .map(|(what, text, status)| (what, slack(&text), status)),
        );
        for (what, signed, status) in all {
            for client in &clients {
                let request = delivery(&signed);
                let start = Instant::now();
                let answer = ask(client, process.address, request).await;
                if start.elapsed() > longest {
                    (longest, slowest) = (start.elapsed(), what);
                }
                if answer != status {
                    wrong.push((what, answer));
                }
                assert_eq!(ask(client, process.address, fresh()).await, 204, "{what}");
            }
        }
        assert!(wrong.is_empty(), "{host:?}: {wrong:#?}");
        let growth = process.peak() - before;
        println!(
            "{host:?}: the longest took {longest:?} ({slowest}), {} MiB more",
            growth >> 20
        );
        assert!(growth < MOST, "{growth} bytes");
        assert!(longest < Duration::from_secs(5), "{longest:?}");
    }
}

#[tokio::test]
async fn what_is_packed_is_refused_unread() {
    for host in HOSTS {
        let mut process = Process::start(host);
        let clients = VERSIONS.map(client);
        for client in &clients {
            for encoding in [
                "gzip",
                "x-gzip",
                "deflate",
                "br",
                "zstd",
                "compress",
                "identity, gzip",
                "gzip, identity",
                "",
                "*",
            ] {
                let request = delivery(&testing::github(GITHUB).encoded(encoding));
                assert_eq!(
                    ask(client, process.address, request).await,
                    415,
                    "{encoding}"
                );
            }
            let mut twice = delivery(&testing::github(GITHUB).encoded("identity"));
            twice
                .headers_mut()
                .append(CONTENT_ENCODING, "gzip".parse().unwrap());
            assert_eq!(ask(client, process.address, twice).await, 415);
            let plain = delivery(&github("{\"b\":1}").encoded("Identity"));
            assert_eq!(ask(client, process.address, plain).await, 204);
        }
        // The second of the plain ones was a duplicate.
        assert_eq!(process.counts().runs, 1);
    }
}
