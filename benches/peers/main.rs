//! Receivers end to end over loopback: `cargo bench --bench peers [-- 1024 8192 262144] [--rounds N]`.
//!
//! Each server runs in a process of its own on one core, on one thread; the load runs on another: 16 connections
//! that stay open, deliveries with ids of their own, signed before the time is taken. The candidates are
//! measured in turn in every round, one further each time, in a server that was just started. `-- --install`
//! installs what others ship, pinned, below the target directory; without it those are skipped.
//! `-- memory` measures a thousand slow uploads instead; `--only NAME` measures the candidates whose names hold
//! that, and writes nothing down.

mod candidates;
#[path = "../common/mod.rs"]
mod common;
mod load;
mod memory;
mod plot;
mod process;
mod results;
mod servers;

use std::hint::black_box;
use std::process::Command;
use std::rc::Rc;
use std::time::Duration;

use hmac::Mac as _;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};
use tokio::runtime::{Builder, Runtime};

use self::candidates::{
    BARE_AXUM, CANDIDATES, CAREFUL, Candidate, DUPLICATES, IN_TABLE, LOAD_CORE, ON_AXUM, STANDARD,
    Scheme, THOROUGH, VERIFY,
};
use self::common::payload::push;
use self::common::rounds::{median, thread_time};
use self::common::{keyed, signature};
use self::load::{Load, Requests};
use self::process::Server;
use self::results::Row;

/// `whsec_` and 24 bytes in base64.
pub(crate) const STANDARD_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

const RESULTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/results/peers.csv");
const MEMORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/results/memory.csv");
const PLOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers.svg");

const SIZES: [usize; 3] = [1 << 10, 8 << 10, 256 << 10];
const TIME: Duration = Duration::from_millis(1200);
const ROUNDS: usize = 5;

fn runtime() -> Runtime {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime")
}

/// What a candidate did in one round.
struct Round {
    rate: f64,
    p50: f64,
    p99: f64,
    cpu: f64,
    share: f64,
}

fn measure(candidate: &Candidate, requests: &Rc<Requests>, time: Duration) -> Option<Round> {
    let server = candidate.command().and_then(Server::start)?;
    let load = Load::new(Rc::clone(requests), candidate.repeats);
    let running = load::run(Rc::clone(&load), server.port, time, || server.cpu_time());
    let (before, took, after) = runtime().block_on(running);
    let mut latencies = load.latencies.take();
    latencies.sort_unstable();
    let count = latencies.len();
    let at = |share: f64| {
        let index = (count as f64 * share) as usize;
        latencies
            .get(index)
            .map_or(f64::NAN, |nanos| f64::from(*nanos) / 1000.0)
    };
    let cpu = (after - before).as_secs_f64();
    Some(Round {
        rate: count as f64 / took.as_secs_f64(),
        p50: at(0.5),
        p99: at(0.99),
        cpu: cpu * 1e6 / count as f64,
        share: cpu / took.as_secs_f64(),
    })
}

/// All candidates at one size, in all rounds.
fn compare(size: usize, rounds: usize, time: Duration, only: &str) -> Vec<Row> {
    let body = push(size);
    let most = 3_000_000_000 / (size + 4096);
    let requests = [Scheme::GitHub, Scheme::StandardWebhooks]
        .map(|scheme| Rc::new(Requests::new(scheme, body.clone(), most)));
    let mut all: Vec<Vec<Round>> = CANDIDATES.iter().map(|_| vec![]).collect();
    for round in 0..rounds {
        for index in 0..CANDIDATES.len() {
            let index = (index + round) % CANDIDATES.len();
            let candidate = &CANDIDATES[index];
            if !candidate.name.contains(only) {
                continue;
            }
            let requests = &requests[usize::from(candidate.scheme != Scheme::GitHub)];
            all[index].extend(measure(candidate, requests, time));
        }
    }
    let mut rows = Vec::new();
    for (candidate, rounds) in CANDIDATES.iter().zip(&all) {
        if rounds.is_empty() {
            if !candidate.name.contains(only) {
                continue;
            }
            println!(
                "skipped: {} is not installed, or does not start",
                candidate.name
            );
            continue;
        }
        let of = |figure: fn(&Round) -> f64| median(rounds.iter().map(figure));
        let rates = || rounds.iter().map(|round| round.rate);
        rows.push(Row {
            bytes: size,
            name: candidate.name.to_owned(),
            rate: of(|round| round.rate),
            least: rates().fold(f64::INFINITY, f64::min),
            most: rates().fold(0.0, f64::max),
            p50: of(|round| round.p50),
            p99: of(|round| round.p99),
            cpu: of(|round| round.cpu),
            share: of(|round| round.share),
        });
    }
    print(size, &rows);
    let ratio = |one: &str, other: &str| {
        let index = |name| {
            CANDIDATES
                .iter()
                .position(|candidate| candidate.name == name)
        };
        let [one, other] = [one, other].map(|name| &all[index(name).expect("it is one")]);
        let ratios = one.iter().zip(other);
        [
            median(ratios.clone().map(|(one, other)| one.rate / other.rate)),
            median(ratios.map(|(one, other)| other.cpu / one.cpu)),
        ]
    };
    for (what, one, other) in [
        ("by hand: HMAC, moka, Value", ON_AXUM, CAREFUL),
        ("by hand: the same work", ON_AXUM, THOROUGH),
        ("standardwebhooks, verification only", VERIFY, STANDARD),
        ("duplicates against fresh ones", DUPLICATES, ON_AXUM),
        ("ours against ours in a table", ON_AXUM, IN_TABLE),
    ] {
        let [rate, cpu] = ratio(one, other);
        println!("  × {what:<36} {rate:>6.2} in deliveries/s {cpu:>6.2} in CPU");
    }
    ceilings(&body, &rows);
    rows
}

fn print(size: usize, rows: &[Row]) {
    println!("{size} bytes");
    println!(
        "  {:<36} {:>8} {:>17} {:>8} {:>8} {:>8} {:>6}",
        "", "/s", "least to most", "p50 µs", "p99 µs", "CPU µs", "core"
    );
    for row in rows {
        let spread = format!("{:.0} to {:.0}", row.least, row.most);
        println!(
            "  {:<36} {:>8.0} {spread:>17} {:>8.0} {:>8.0} {:>8.2} {:>6.2}",
            row.name, row.rate, row.p50, row.p99, row.cpu, row.share
        );
    }
}

/// What no receiver can pass: the bare server, and what any verification computes; and where we are under it.
fn ceilings(body: &[u8], rows: &[Row]) {
    let cpu = |name: &str| rows.iter().find(|row| row.name == name).map(|row| row.cpu);
    let (Some(bare), Some(ours), Some(table)) = (cpu(BARE_AXUM), cpu(ON_AXUM), cpu(IN_TABLE))
    else {
        return;
    };
    let mac = keyed();
    let expected = signature(body);
    let time = |work: &dyn Fn()| {
        let times = (0..31).map(|_| {
            let start = thread_time();
            (0..8).for_each(|_| work());
            (thread_time() - start).as_secs_f64() * 1e6 / 8.0
        });
        median(times)
    };
    let verify = time(&|| {
        let mut mac = mac.clone();
        mac.update(black_box(body));
        let tag = const_hex::encode(mac.finalize().into_bytes());
        assert!(expected.ends_with(&tag));
        black_box(serde_json::from_slice::<&RawValue>(body).expect("JSON"));
    });
    let digest = time(&|| {
        black_box(Sha256::digest(black_box(body)));
    });
    for (what, floor) in [
        ("HMAC and scan", verify),
        ("HMAC, scan and SHA-256", verify + digest),
    ] {
        let ceiling = bare / (bare + floor);
        let [reached, in_table] = [ours, table].map(|cpu| (bare + floor) / cpu);
        println!(
            "  {what:<24} {floor:>7.1} µs: at most {ceiling:.2} of bare axum in CPU, {reached:.2} of that reached, {in_table:.2} in a table"
        );
    }
}

/// Moves this process to the core of the load.
fn pin() {
    let me = std::process::id().to_string();
    let moved = Command::new("taskset")
        .args(["-pc", LOAD_CORE, &me])
        .output();
    if !moved.is_ok_and(|output| output.status.success()) {
        println!("not pinned: no taskset, or one core only");
    }
}

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let asked = |what: &str| arguments.iter().any(|argument| argument == what);
    if let [role, name] = &arguments[..]
        && role == "serve"
    {
        return runtime().block_on(servers::serve(name));
    }
    if asked("--install") {
        return candidates::install();
    }
    // `cargo test --benches` only asks whether this runs.
    let is_test = asked("--test");
    pin();
    if is_test || asked("memory") {
        let uploads = if is_test { 20 } else { 1000 };
        let lines = runtime().block_on(memory::measure(uploads));
        if !is_test {
            let head = "server,uploads,MiB more,KiB each,answers\n";
            let lines = lines.join("\n");
            std::fs::write(MEMORY, format!("{head}{lines}\n")).expect("the directory is there");
            return;
        }
    }
    if is_test {
        compare(1 << 10, 1, Duration::from_millis(30), "");
        return;
    }
    let value = |name: &str| {
        let mut rest = arguments.iter().skip_while(|argument| *argument != name);
        rest.nth(1)
    };
    let rounds = value("--rounds").map_or(ROUNDS, |rounds| rounds.parse().expect("a number"));
    let only = value("--only").map_or("", String::as_str);
    let asked: Vec<_> = SIZES
        .iter()
        .filter(|size| asked(&size.to_string()))
        .collect();
    let sizes = if asked.is_empty() {
        SIZES.iter().collect()
    } else {
        asked
    };
    let mut rows = results::read(RESULTS);
    for size in sizes {
        rows.retain(|row| row.bytes != *size);
        rows.extend(compare(*size, rounds, TIME, only));
    }
    if !only.is_empty() {
        return;
    }
    rows.sort_by_key(|row| row.bytes);
    results::write(RESULTS, &rows);
    plot::draw(&rows, PLOT).expect("it can be written");
}
