//! A sender that tries again until it is told 2xx.

use std::time::Duration;

use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::time::{Instant, sleep, timeout};

use crate::fleet::Worker;
use crate::worker::{KEY, made};

/// More than any answer takes: who hangs up leaves a handler behind that nobody counts.
const PATIENCE: Duration = Duration::from_secs(90);
/// An answer after which is worth a line.
const SLOW: Duration = Duration::from_secs(12);
/// How long one event may take with all its tries.
const DEADLINE: Duration = Duration::from_secs(180);
const PAUSE: Duration = Duration::from_millis(30);

#[derive(Clone, Debug)]
pub(crate) struct Sender(Client<HttpConnector, Full<Bytes>>);

impl Sender {
    pub(crate) fn new() -> Self {
        Self(Client::builder(TokioExecutor::new()).build_http())
    }

    /// One try. `None` where the connection broke.
    pub(crate) async fn send(&self, port: u16, event: u64) -> Option<Response<Bytes>> {
        let body = format!("{{\"event\":{event}}}");
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(KEY.as_bytes()).unwrap();
        mac.update(body.as_bytes());
        let mac = const_hex::encode(mac.finalize().into_bytes());
        let req = Request::post(format!("http://127.0.0.1:{port}/"))
            .header("content-type", "application/json")
            .header("x-github-delivery", event)
            .header("x-github-event", "order")
            .header("x-hub-signature-256", format!("sha256={mac}"))
            .body(Full::new(body.into()))
            .unwrap();
        let answer = async {
            let (head, body) = self.0.request(req).await.ok()?.into_parts();
            let bytes = body.collect().await.ok()?.to_bytes();
            Some(Response::from_parts(head, bytes))
        };
        let start = Instant::now();
        let answer = timeout(PATIENCE, answer).await.expect("an answer in time");
        if start.elapsed() > SLOW {
            let status = answer.as_ref().map(Response::status);
            println!("event {event} took {:?}: {status:?}", start.elapsed());
        }
        answer
    }

    /// Tries until an event is accepted, each time at the next worker, one delivery a worker at a time.
    /// Whether it was a duplicate.
    pub(crate) async fn deliver(&self, workers: &[Worker], event: u64) -> bool {
        let start = Instant::now();
        for worker in workers.iter().cycle().skip(event as usize % workers.len()) {
            assert!(start.elapsed() < DEADLINE, "event {event} is not accepted");
            let answer = {
                let _turn = worker.turn.lock().await;
                self.send(worker.port(), event).await
            };
            match answer {
                Some(answer) if answer.status() == 201 => {
                    assert_eq!(answer.body(), &made(event));
                    return is_duplicate(&answer);
                }
                Some(answer) => assert!(answer.status().is_server_error(), "{answer:?}"),
                None => {}
            }
            sleep(PAUSE).await;
        }
        unreachable!("the workers are cycled")
    }
}

pub(crate) fn is_duplicate(answer: &Response<Bytes>) -> bool {
    answer.headers().contains_key("webhook-duplicate")
}
