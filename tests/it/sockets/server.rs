//! A receiver behind a socket, and a sender that speaks to it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::routing::any;
use bytes::Bytes;
use http::{Request, Response, Version, response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tower::{Layer as _, ServiceBuilder, service_fn};
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::trace::TraceLayer;
use tower_webhook::Inbound;
use tower_webhook::envelope::RawWebhook;
use tower_webhook::idempotency::{ClaimedBody, Reject};
use tower_webhook::outcome::Outcome;
use tower_webhook::scheme::Authenticator;
use tower_webhook::stack::InboundBuilder;
use tower_webhook::verify::Verified as _;

use crate::faulty::Faulty;

pub(super) type Body = UnsyncBoxBody<Bytes, Infallible>;
type Stack<V> = Inbound<V, Arc<Faulty>>;

/// Who serves, and what is spoken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    is_axum: bool,
    pub(super) version: Version,
}

pub(super) const LINKS: [Link; 4] = [
    link(true, Version::HTTP_11),
    link(true, Version::HTTP_2),
    link(false, Version::HTTP_11),
    link(false, Version::HTTP_2),
];

const fn link(is_axum: bool, version: Version) -> Link {
    Link { is_axum, version }
}

/// Handlers that were told to wait, and their leave to go on.
#[derive(Debug)]
pub(super) struct Gate {
    pub(super) waiting: Semaphore,
    pub(super) leave: Semaphore,
}

/// What the handler does, as the payload says.
async fn respond(gate: &Gate, payload: &[u8]) -> Response<Full<Bytes>> {
    let text = std::str::from_utf8(payload).unwrap();
    let mut response = Response::new(Full::default());
    *response.status_mut() = http::StatusCode::NO_CONTENT;
    if text.contains("wait") {
        gate.waiting.add_permits(1);
        gate.leave.acquire().await.unwrap().forget();
    } else if text.contains("fail") {
        *response.status_mut() = http::StatusCode::BAD_GATEWAY;
    } else if text.contains("panic") {
        panic!("as told");
    } else if text.contains("reject") {
        *response.status_mut() = http::StatusCode::UNPROCESSABLE_ENTITY;
        response.extensions_mut().insert(Reject);
    }
    response
}

pub(super) struct Server {
    pub(super) address: SocketAddr,
    pub(super) gate: Arc<Gate>,
    outcomes: UnboundedReceiver<Outcome>,
    client: Client<HttpConnector, Body>,
}

impl Server {
    pub(super) async fn start<V: Authenticator>(
        link: Link,
        builder: InboundBuilder<V, Arc<Faulty>>,
    ) -> (Self, Stack<V>) {
        // Over our own limit: whichever layer notices first, the answer is ours.
        Self::start_within(link, builder, 8192).await
    }

    /// As [`start`](Self::start), inside a limit of tower-http's where the link is axum.
    pub(super) async fn start_within<V: Authenticator>(
        link: Link,
        builder: InboundBuilder<V, Arc<Faulty>>,
        outer: usize,
    ) -> (Self, Stack<V>) {
        let (heard, outcomes) = unbounded_channel();
        let gate = Arc::new(Gate {
            waiting: Semaphore::new(0),
            leave: Semaphore::new(0),
        });
        let inbound = builder
            .observer(move |outcome: Outcome| _ = heard.send(outcome))
            .build()
            .unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        if link.is_axum {
            serve_axum(listener, inbound.clone(), Arc::clone(&gate), outer);
        } else {
            serve_hyper(listener, &inbound, Arc::clone(&gate));
        }
        let client = Client::builder(TokioExecutor::new())
            .http2_only(link.version == Version::HTTP_2)
            .build_http();
        let server = Self {
            address,
            gate,
            outcomes,
            client,
        };
        (server, inbound)
    }

    pub(super) fn send(
        &self,
        req: Request<Body>,
    ) -> impl Future<Output = (response::Parts, Bytes)> + Send + use<> {
        let (mut head, body) = req.into_parts();
        head.uri = format!("http://{}/", self.address).parse().unwrap();
        let answer = self.client.request(Request::from_parts(head, body));
        async move {
            let (head, body) = answer.await.unwrap().into_parts();
            (head, body.collect().await.unwrap().to_bytes())
        }
    }

    /// The label of the next outcome.
    pub(super) async fn heard(&mut self) -> &'static str {
        self.outcomes.recv().await.unwrap().label()
    }
}

fn serve_axum<V: Authenticator>(
    listener: tokio::net::TcpListener,
    inbound: Stack<V>,
    gate: Arc<Gate>,
    outer: usize,
) {
    let handler = move |RawWebhook(payload, _): RawWebhook| {
        let gate = Arc::clone(&gate);
        async move { respond(&gate, &payload).await }
    };
    let app = Router::new().route("/", any(handler)).layer(inbound);
    let app = app.layer(
        ServiceBuilder::new()
            .layer(TraceLayer::new_for_http())
            .layer(RequestBodyLimitLayer::new(outer)),
    );
    tokio::spawn(async move { axum::serve(listener, app).await });
}

fn serve_hyper<V: Authenticator>(
    listener: tokio::net::TcpListener,
    inbound: &Stack<V>,
    gate: Arc<Gate>,
) {
    let handler = service_fn(move |req: Request<ClaimedBody>| {
        let gate = Arc::clone(&gate);
        async move { Ok::<_, Infallible>(respond(&gate, req.body().as_bytes()).await) }
    });
    let stack = inbound.layer(ServiceBuilder::new().concurrency_limit(8).service(handler));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let stack = TowerToHyperService::new(stack.clone());
            tokio::spawn(async move {
                let server = auto::Builder::new(TokioExecutor::new());
                let _ = server.serve_connection(TokioIo::new(stream), stack).await;
            });
        }
    });
}
