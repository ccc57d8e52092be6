//! Senders that try again until they are told 2xx.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};
use tower_webhook::testing::{self, Delivery};

use crate::process::App;

/// The secret of every connection.
pub(crate) const KEY: &str = "an example secret";
/// More than any answer takes.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long one event may take with all its tries.
const DEADLINE: Duration = Duration::from_secs(90);
const PAUSE: Duration = Duration::from_millis(30);

#[derive(Clone, Debug)]
pub(crate) struct Sender(Client<HttpConnector, Full<Bytes>>);

impl Sender {
    pub(crate) fn new() -> Self {
        Self(Client::builder(TokioExecutor::new()).build_http())
    }

    /// One try. `None` where the connection broke.
    pub(crate) async fn send(&self, url: &str, delivery: &Delivery) -> Option<Response<Bytes>> {
        let (mut head, payload) = delivery.request().into_parts();
        head.uri = url.parse().unwrap();
        head.headers.remove("host");
        let body = Full::new(payload.as_bytes().clone());
        self.ask(Request::from_parts(head, body)).await
    }

    /// Tries until the delivery is accepted: the last answer, and how many there were that told to come again.
    pub(crate) async fn deliver(
        &self,
        app: &App,
        path: &str,
        delivery: impl Fn() -> Delivery,
    ) -> (Response<Bytes>, usize) {
        let (start, mut refusals) = (Instant::now(), 0);
        loop {
            assert!(start.elapsed() < DEADLINE, "a delivery is not accepted");
            match self.send(&app.url(path), &delivery()).await {
                Some(answer) if answer.status().is_success() => return (answer, refusals),
                Some(answer) => {
                    assert!(answer.status().is_server_error(), "{answer:?}");
                    refusals += 1;
                }
                None => {}
            }
            sleep(PAUSE).await;
        }
    }

    pub(crate) async fn json(&self, url: &str) -> Value {
        let req = Request::get(url).body(Full::default()).unwrap();
        let answer = self.ask(req).await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK);
        serde_json::from_slice(answer.body()).unwrap()
    }

    pub(crate) async fn ask(&self, req: Request<Full<Bytes>>) -> Option<Response<Bytes>> {
        let answer = async {
            let (head, body) = self.0.request(req).await.ok()?.into_parts();
            let bytes = body.collect().await.ok()?.to_bytes();
            Some(Response::from_parts(head, bytes))
        };
        timeout(PATIENCE, answer).await.expect("an answer in time")
    }
}

/// What GitHub sends.
pub(crate) fn github(id: &str, event: &str, payload: &Value) -> Delivery {
    let delivery = testing::github(KEY).id(id).event_type(event);
    delivery.body(payload.to_string())
}

pub(crate) fn is_duplicate(answer: &Response<Bytes>) -> bool {
    answer.headers().contains_key("webhook-duplicate")
}
