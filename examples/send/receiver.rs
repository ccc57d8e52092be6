//! Whoever wanted the events: the receiving stack of this crate on a socket, and what goes wrong before and after it.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::routing::post;
use http::{HeaderValue, Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use serde::Deserialize;
use tokio::net::TcpListener;
use tower::{ServiceExt as _, service_fn};
use tower_webhook::envelope::Webhook;
use tower_webhook::scheme::HmacScheme;
use tower_webhook::secret::Secret;
use tower_webhook::{BoxError, Inbound};

use crate::OrderCreated;

/// What goes wrong with one request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// A gateway before the receiver finds it gone.
    Fails,
    /// It finds it busy, for a second.
    Throttles,
    /// All goes well, and then the answer is lost.
    HangsUp,
    /// All goes well, and takes a while.
    Slow,
}

/// What arrives, in the form of Standard Webhooks.
#[derive(Deserialize)]
#[serde(tag = "type", content = "data")]
enum Hook {
    #[serde(rename = "order.created")]
    OrderCreated(OrderCreated),
    #[serde(rename = "webhook.test")]
    Test {},
}

/// A clone is the same receiver.
#[derive(Clone)]
pub(crate) struct Receiver(Arc<Inner>);

struct Inner {
    began: Instant,
    faults: Mutex<VecDeque<Fault>>,
    /// The stack, with the secret that was told last.
    app: Mutex<Router>,
    /// The effects of what was received.
    effects: Mutex<Vec<String>>,
}

impl Receiver {
    /// Verifies with the secret.
    pub(crate) fn new(secret: &str) -> Result<Self, BoxError> {
        let receiver = Self(Arc::new(Inner {
            began: Instant::now(),
            faults: Mutex::default(),
            app: Mutex::default(),
            effects: Mutex::default(),
        }));
        receiver.verify_with(secret)?;
        Ok(receiver)
    }

    /// Takes another secret in, and forgets the one before it.
    pub(crate) fn verify_with(&self, secret: &str) -> Result<(), BoxError> {
        let scheme = HmacScheme::standard_webhooks(Secret::standard_webhooks(secret)?);
        let app = Router::new()
            .route("/hooks", post(handle))
            .layer(Inbound::builder(scheme).build()?)
            .with_state(self.clone());
        *self.0.app.lock().expect("no panic") = app;
        Ok(())
    }

    /// What goes wrong with the next requests, one after the other.
    pub(crate) fn faults(&self, faults: impl IntoIterator<Item = Fault>) {
        self.0.faults.lock().expect("no panic").extend(faults);
    }

    /// The effects since this was last asked.
    pub(crate) fn effects(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.effects.lock().expect("no panic"))
    }

    /// Answers for ever. A service that fails closes its connection without an answer, which no handler of axum can.
    pub(crate) async fn serve(self, listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            let receiver = self.clone();
            let answer = service_fn(move |request: Request<_>| {
                let receiver = receiver.clone();
                async move { receiver.answer(request.map(Body::new)).await }
            });
            tokio::spawn(async move {
                let server = auto::Builder::new(TokioExecutor::new());
                let answer = TowerToHyperService::new(answer);
                // Where it hung up there is an error, and where it did not there is none to tell.
                let _ = server.serve_connection(TokioIo::new(stream), answer).await;
            });
        }
    }

    async fn answer(&self, request: Request<Body>) -> io::Result<Response<Body>> {
        let fault = self.0.faults.lock().expect("no panic").pop_front();
        let signatures = request.headers().get("webhook-signature");
        let signatures = signatures.and_then(|text| text.to_str().ok());
        let signatures = signatures.map_or(0, |text| text.split(' ').count());
        let answer = match fault {
            Some(Fault::Fails) => status(StatusCode::INTERNAL_SERVER_ERROR),
            Some(Fault::Throttles) => {
                let mut busy = status(StatusCode::TOO_MANY_REQUESTS);
                let second = HeaderValue::from_static("1");
                busy.headers_mut().insert("retry-after", second);
                busy
            }
            Some(Fault::HangsUp | Fault::Slow) | None => {
                let app = self.0.app.lock().expect("no panic").clone();
                let Ok(answer) = app.oneshot(request).await;
                answer
            }
        };
        if let Some(Fault::Slow) = fault {
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        let headers = answer.headers();
        let note = match fault {
            Some(Fault::HangsUp) => ", and the answer is lost",
            _ if headers.contains_key("retry-after") => ", Retry-After: 1",
            _ if headers.contains_key("webhook-duplicate") => ", a duplicate: no second effect",
            _ => "",
        };
        let (at, status) = (self.0.began.elapsed(), answer.status());
        println!(
            "  {:5.2} s  {signatures} signature(s)  {status}{note}",
            at.as_secs_f64()
        );
        match fault {
            Some(Fault::HangsUp) => Err(io::ErrorKind::ConnectionReset.into()),
            _ => Ok(answer),
        }
    }
}

/// Runs once a delivery, however often that is sent.
async fn handle(State(receiver): State<Receiver>, Webhook(hook, _): Webhook<Hook>) -> StatusCode {
    let effect = match hook {
        Hook::OrderCreated(order) => format!("order {}", order.order),
        Hook::Test {} => "test".to_owned(),
    };
    receiver.0.effects.lock().expect("no panic").push(effect);
    StatusCode::NO_CONTENT
}

/// The answer of a gateway, which keeps no connection: what breaks on a kept one the client sends again by itself.
fn status(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert("connection", close);
    response
}
