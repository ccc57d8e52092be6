//! Takes deliveries on a loopback socket and counts them. The peer is measured with this same file.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// How long an answer on the path `/hang` takes.
const HANG: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(crate) struct Receiver {
    pub(crate) addr: SocketAddr,
    arrived: AtomicU64,
    expected: AtomicU64,
    done: Notify,
    /// What the times in payloads count from.
    began: Instant,
    /// From the time in the payload to the arrival.
    took: Mutex<Vec<Duration>>,
}

impl Receiver {
    pub(crate) async fn start() -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port is free");
        let receiver = Arc::new(Self {
            addr: listener.local_addr().expect("it is bound"),
            arrived: AtomicU64::new(0),
            expected: AtomicU64::new(u64::MAX),
            done: Notify::new(),
            began: Instant::now(),
            took: Mutex::default(),
        });
        let shared = Arc::clone(&receiver);
        tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else {
                    continue;
                };
                let _ = stream.set_nodelay(true);
                let receiver = Arc::clone(&shared);
                let service = hyper::service::service_fn(move |request| {
                    let receiver = Arc::clone(&receiver);
                    async move { receiver.take(request).await }
                });
                tokio::spawn(async move {
                    let server = auto::Builder::new(TokioExecutor::new());
                    let _ = server.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        receiver
    }

    /// The URL of one of the endpoints, of which the first `hanging` hang.
    pub(crate) fn url(&self, number: u64, hanging: u64) -> String {
        let path = if number < hanging { "hang" } else { "take" };
        format!("http://{}/{path}/{number}", self.addr)
    }

    /// About 1 KiB of JSON, which says that it is due now.
    pub(crate) fn payload(&self, due: Instant) -> String {
        let due = due.duration_since(self.began).as_micros();
        let filler = "x".repeat(980);
        format!(r#"{{"due":"{due:020}","filler":"{filler}"}}"#)
    }

    /// Waits for so many deliveries that do not hang.
    pub(crate) async fn arrival_of(&self, expected: u64) {
        self.expected.store(expected, Ordering::SeqCst);
        if self.arrived.load(Ordering::SeqCst) < expected {
            let waited = tokio::time::timeout(Duration::from_secs(300), self.done.notified()).await;
            waited.expect("all arrive");
        }
    }

    /// How long deliveries took from being due to their arrival, the fastest first.
    #[allow(dead_code, reason = "the peer does not ask")]
    pub(crate) fn latencies(&self) -> Vec<Duration> {
        let mut took = self.took.lock().expect("nobody panicked").clone();
        took.sort();
        took
    }

    async fn take(&self, request: Request<Incoming>) -> Result<Response<Empty<Bytes>>, Infallible> {
        let hangs = request.uri().path().starts_with("/hang");
        let body = request.into_body().collect().await;
        if hangs {
            tokio::time::sleep(HANG).await;
            return Ok(Response::new(Empty::new()));
        }
        let body = body.expect("the sender stays").to_bytes();
        let now = self.began.elapsed();
        let text = std::str::from_utf8(&body).expect("it is JSON");
        let due = text
            .split_once("\"due\":")
            .expect("it says when it was due");
        let digits = due.1.trim_start_matches(['"', ' ']).split('"').next();
        let due = digits.and_then(|digits| digits.parse().ok());
        let due = Duration::from_micros(due.expect("it is a number"));
        let took = now.saturating_sub(due);
        self.took.lock().expect("nobody panicked").push(took);
        let arrived = self.arrived.fetch_add(1, Ordering::SeqCst) + 1;
        if arrived == self.expected.load(Ordering::SeqCst) {
            self.done.notify_one();
        }
        Ok(Response::new(Empty::new()))
    }
}
