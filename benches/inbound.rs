//! What each layer costs in this process: `cargo bench --bench inbound [-- 8192 …]`.
//!
//! All cases run in turn in every round, one further each time; the figures are CPU time of the thread, medians
//! over the rounds, and medians of the ratios that a case had in each round to the floors: the HMAC of the same
//! bytes; with one pass of `&RawValue` over them; with the SHA-256 too that the contract has in the key of a
//! delivery. Deliveries are made before the time is taken.

mod common;

use std::fmt::Write as _;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use hmac::Mac as _;
use http::{Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use tower::{Service, ServiceBuilder};
use tower_webhook::limit::BodyLimitLayer;
use tower_webhook::verify::VerifyLayer;

use self::common::frames::{Frames, Model};
use self::common::payload::push;
use self::common::rounds::{Table, thread_time};
use self::common::stacks::{CONTRACT, FLOOR, HMAC, cases};
use self::common::{answer, keyed, scheme};

const ROUNDS: usize = 31;
const RESULTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/results/inbound.csv");

/// Bytes of a body and of a frame, and how many deliveries are timed at once.
const SIZES: [(usize, usize, usize); 8] = [
    (256, 256, 1000),
    (1 << 10, 1 << 10, 1000),
    (8 << 10, 8 << 10, 300),
    (8 << 10, 1460, 300),
    (256 << 10, 256 << 10, 12),
    (256 << 10, 16 << 10, 12),
    (1 << 20, 1 << 20, 4),
    (1 << 20, 16 << 10, 4),
];

/// Nanoseconds a delivery of each case.
fn measure(size: usize, frame: usize, count: usize, rounds: usize) -> String {
    let model = Model::new(push(size), frame);
    let mut cases = cases();
    let mut serial = 0;
    // The tables have grown, and what is a duplicate has been there.
    for case in &mut cases {
        (case.run)(case.kind.deliveries(&model, &mut serial, count));
    }
    let table = Table::run(cases.len(), rounds, |index| {
        let case = &mut cases[index];
        let deliveries = case.kind.deliveries(&model, &mut serial, count);
        let start = thread_time();
        (case.run)(deliveries);
        (thread_time() - start).as_nanos() as f64 / count as f64
    });
    let of = |name| cases.iter().position(|case| case.name == name);
    let [floor, hmac, contract] = [FLOOR, HMAC, CONTRACT].map(|name| of(name).expect("it is one"));
    println!("{size} bytes in frames of {frame}");
    println!(
        "  {:<28} {:>10} {:>8} {:>8} {:>10}",
        "", "CPU ns", "× HMAC", "× floor", "× contract"
    );
    let mut lines = String::new();
    for (index, case) in cases.iter().enumerate() {
        let median = table.median(index);
        let [hmac, floor, contract] =
            [hmac, floor, contract].map(|other| table.ratio(index, other));
        let name = case.name;
        println!("  {name:<28} {median:>10.0} {hmac:>8.2} {floor:>8.2} {contract:>10.2}");
        let name = name.replace(',', "");
        writeln!(
            lines,
            "{size},{frame},{name},{median:.0},{hmac:.3},{floor:.3},{contract:.3}"
        )
        .expect("a `String` takes everything");
    }
    lines
}

/// A body of 1 MiB whose last frame waits to be let go.
struct Held {
    frames: Frames,
    go: Arc<AtomicBool>,
}

const FRAME: usize = 16 << 10;

impl Body for Held {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let is_last = self.frames.size_hint().exact() == Some(FRAME as u64);
        if is_last && !self.go.load(Ordering::Relaxed) {
            return Poll::Pending;
        }
        Pin::new(&mut self.frames).poll_frame(cx)
    }

    fn size_hint(&self) -> SizeHint {
        self.frames.size_hint()
    }
}

/// The time from the last frame of a body to the verdict.
fn since_last_byte<F: Future<Output = StatusCode>>(
    model: &Model,
    stack: impl FnOnce(Request<Held>) -> F,
) -> f64 {
    let go = Arc::new(AtomicBool::new(false));
    let delivery = model.delivery(1).map(|frames| Held {
        frames,
        go: Arc::clone(&go),
    });
    let mut verdict = Box::pin(stack(delivery));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(verdict.as_mut().poll(&mut cx).is_pending());
    go.store(true, Ordering::Relaxed);
    let start = thread_time();
    let Poll::Ready(status) = verdict.as_mut().poll(&mut cx) else {
        panic!("all of the body is there");
    };
    let took = thread_time() - start;
    assert_eq!(status, StatusCode::NO_CONTENT);
    took.as_nanos() as f64
}

/// Verification while the body arrives, against verification of what was collected.
fn latency(rounds: usize) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    let _entered = runtime.enter();
    let model = Model::new(push(1 << 20), FRAME);
    let mut stack = ServiceBuilder::new()
        .layer(BodyLimitLayer::new(1 << 20))
        .layer(VerifyLayer::new(scheme()))
        .service_fn(answer);
    let table = Table::run(2, rounds, |case| match case {
        0 => since_last_byte(&model, |delivery| {
            let verdict = stack.call(delivery);
            async move {
                verdict
                    .await
                    .as_ref()
                    .map(Response::status)
                    .expect("infallible")
            }
        }),
        _ => since_last_byte(&model, async |delivery| {
            let (head, body) = delivery.into_parts();
            let Ok(body) = body.collect().await;
            let mut mac = keyed();
            mac.update(&body.to_bytes());
            let claimed = head.headers["x-hub-signature-256"].as_bytes();
            let claimed = const_hex::decode(&claimed["sha256=".len()..]).expect("hex digits");
            assert!(mac.verify_slice(&claimed).is_ok());
            StatusCode::NO_CONTENT
        }),
    });
    let (ours, collected) = (table.median(0), table.median(1));
    let ratio = table.ratio(0, 1);
    println!("verdict after the last byte of 1 MiB in frames of {FRAME}");
    println!("  hashed while it arrives {ours:>10.0} ns");
    println!("  hashed when it is there {collected:>10.0} ns, ratio {ratio:.3}");
    let size = 1 << 20;
    format!(
        "{size},{FRAME},verdict after the last byte,{ours:.0},,,\n\
         {size},{FRAME},verdict after the last byte: hashed when it is there,{collected:.0},,,\n"
    )
}

fn main() {
    // `cargo test --benches` only asks whether this runs.
    let is_test = std::env::args().any(|arg| arg == "--test");
    let only: Vec<usize> = std::env::args()
        .filter_map(|arg| arg.parse().ok())
        .collect();
    let mut lines =
        "bytes,frame,case,ns,to HMAC,to the floor,to the floor with SHA-256\n".to_owned();
    for (size, frame, count) in SIZES {
        if only.is_empty() || only.contains(&size) {
            let (count, rounds) = if is_test { (2, 1) } else { (count, ROUNDS) };
            lines.push_str(&measure(size, frame, count, rounds));
        }
    }
    lines.push_str(&latency(if is_test { 1 } else { ROUNDS }));
    if !is_test && only.is_empty() {
        std::fs::write(RESULTS, lines).expect("the directory is there");
    }
}
