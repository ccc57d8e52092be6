//! The contract over real sockets: axum and hyper, HTTP/1.1 and HTTP/2.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::routing::any;
use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{Method, Request, Response, Version};
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tower::{Layer as _, ServiceBuilder, service_fn};
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::trace::TraceLayer;
use tower_webhook::Inbound;
use tower_webhook::envelope::RawWebhook;
use tower_webhook::idempotency::{ClaimedBody, Reject};
use tower_webhook::outcome::Outcome;
use tower_webhook::scheme::HmacScheme;
use tower_webhook::secret::Secret;
use tower_webhook::store::MokaStore;
use tower_webhook::time::ManualClock;
use tower_webhook::verify::Verified as _;

const KEY: &str = "0123456789abcdef";
const NOW: i64 = 1_763_724_670;

type Outcomes = Arc<Mutex<Vec<Outcome>>>;

struct Server {
    address: SocketAddr,
    clock: Arc<ManualClock>,
    outcomes: Outcomes,
}

/// What the handler does, as the payload says.
fn respond(payload: &[u8]) -> Response<Full<Bytes>> {
    let text = std::str::from_utf8(payload).unwrap();
    let mut response = Response::new(Full::default());
    *response.status_mut() = http::StatusCode::NO_CONTENT;
    if text.contains("fail") {
        *response.status_mut() = http::StatusCode::BAD_GATEWAY;
    } else if text.contains("panic") {
        panic!("as told");
    } else if text.contains("reject") {
        *response.status_mut() = http::StatusCode::UNPROCESSABLE_ENTITY;
        response.extensions_mut().insert(Reject);
    }
    response
}

impl Server {
    async fn start(is_axum: bool) -> Self {
        let clock = Arc::new(ManualClock::new(NOW));
        let outcomes = Outcomes::default();
        let heard = Arc::clone(&outcomes);
        let inbound = Inbound::builder_with_store(
            HmacScheme::github(Secret::new(KEY).unwrap()),
            MokaStore::new(),
        )
        .max_payload_bytes(4096)
        .clock(Arc::clone(&clock))
        .observer(move |outcome: Outcome| heard.lock().unwrap().push(outcome))
        .build()
        .unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        if is_axum {
            let handler = |RawWebhook(payload, _): RawWebhook| async move { respond(&payload) };
            let app = Router::new().route("/", any(handler)).layer(inbound);
            let app = app.layer(
                ServiceBuilder::new()
                    .layer(TraceLayer::new_for_http())
                    .layer(RequestBodyLimitLayer::new(8192)),
            );
            tokio::spawn(async move { axum::serve(listener, app).await });
        } else {
            let handler = service_fn(|req: Request<ClaimedBody>| async move {
                Ok::<_, Infallible>(respond(req.body().as_bytes()))
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
        Self {
            address,
            clock,
            outcomes,
        }
    }
}

fn sign(body: &[u8]) -> String {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(KEY.as_bytes()).unwrap();
    mac.update(body);
    format!("sha256={}", const_hex::encode(mac.finalize().into_bytes()))
}

/// A request of one row of the contract.
struct Row {
    outcome: &'static str,
    status: u16,
    body: Vec<u8>,
    method: Method,
    headers: Vec<(&'static str, String)>,
    is_chunked: bool,
}

fn row(outcome: &'static str, status: u16, body: &[u8]) -> Row {
    Row {
        outcome,
        status,
        body: body.to_vec(),
        method: Method::POST,
        headers: vec![
            ("content-type", "application/json".into()),
            ("x-hub-signature-256", sign(body)),
        ],
        is_chunked: false,
    }
}

fn without(name: &str, mut row: Row) -> Row {
    row.headers.retain(|header| header.0 != name);
    row
}

fn with(name: &'static str, value: &str, row: Row) -> Row {
    let mut row = without(name, row);
    row.headers.push((name, value.to_owned()));
    row
}

fn rows() -> Vec<Row> {
    let signature = "x-hub-signature-256";
    vec![
        Row {
            method: Method::PUT,
            ..row("method", 405, b"{}")
        },
        row("too_large", 413, &[b' '; 4097]),
        Row {
            is_chunked: true,
            ..row("too_large", 413, &[b' '; 4097])
        },
        // Over the limit of tower-http's own layer, where there is one.
        Row {
            is_chunked: true,
            ..row("too_large", 413, &[b' '; 9000])
        },
        with("content-encoding", "gzip", row("encoding", 415, b"{}")),
        with("content-type", "text/plain", row("encoding", 415, b"{}")),
        without(signature, row("unauthenticated", 401, b"{}")),
        with(signature, "sha256=zz", row("unauthenticated", 401, b"{}")),
        with(signature, &sign(b"{ }"), row("unauthenticated", 401, b"{}")),
        row("malformed", 400, b"[]"),
        row("malformed", 400, b"{\"a\":}"),
        row("acknowledged", 204, b"{}"),
        row("duplicate", 204, b"{}"),
        Row {
            is_chunked: true,
            ..row("duplicate", 204, b"{}")
        },
        row("handler_error", 502, b"{\"do\":\"fail\"}"),
        row("handler_error", 502, b"{\"do\":\"fail\"}"),
        row("handler_panic", 500, b"{\"do\":\"panic\"}"),
        row("handler_rejected", 422, b"{\"do\":\"reject\"}"),
        row("duplicate", 422, b"{\"do\":\"reject\"}"),
    ]
}

async fn hold(is_axum: bool, version: Version) {
    let server = Server::start(is_axum).await;
    let client = Client::builder(TokioExecutor::new())
        .http2_only(version == Version::HTTP_2)
        .build_http();
    let send = async |row: &Row| {
        let mut req = Request::builder()
            .method(&row.method)
            .uri(format!("http://{}/", server.address));
        for (name, value) in &row.headers {
            req = req.header(*name, value);
        }
        let bytes = Bytes::from(row.body.clone());
        let body = if row.is_chunked {
            let frames = [Ok::<_, Infallible>(http_body::Frame::data(bytes))];
            StreamBody::new(futures_util::stream::iter(frames)).boxed()
        } else {
            Full::new(bytes).boxed()
        };
        let response = client.request(req.body(body).unwrap()).await.unwrap();
        assert_eq!(response.version(), version);
        let (head, body) = response.into_parts();
        (head, body.collect().await.unwrap().to_bytes())
    };
    let mut refusals = Vec::new();
    for row in rows() {
        let (head, body) = send(&row).await;
        let heard = server.outcomes.lock().unwrap().pop().unwrap();
        assert_eq!(
            (head.status.as_u16(), heard.label()),
            (row.status, row.outcome)
        );
        let has = |name: &str| head.headers.get(name).map(|value| value.to_str().unwrap());
        match row.status {
            405 => assert_eq!(has("allow"), Some("POST")),
            413 if version == Version::HTTP_11 => assert_eq!(has("connection"), Some("close")),
            415 => assert_eq!(has("accept-encoding"), Some("identity")),
            401 => {
                assert_eq!(has("www-authenticate"), Some("Webhook-Signature"));
                assert_eq!(has("cache-control"), Some("no-store"));
                refusals.push(body.clone());
            }
            _ => {}
        }
        let is_duplicate = has("webhook-duplicate") == Some("true");
        assert_eq!(is_duplicate, row.outcome == "duplicate");
        if !body.is_empty() {
            assert_eq!(has("content-type"), Some("application/problem+json"));
        }
    }
    assert!(refusals.iter().all(|body| *body == refusals[0]));
    server.clock.set(NOW + 301);
    assert_eq!(send(&row("stale", 409, b"{}")).await.0.status, 409);
    server.outcomes.lock().unwrap().clear();
}

#[tokio::test]
async fn the_contract_holds_on_axum_over_http_1() {
    hold(true, Version::HTTP_11).await;
}

#[tokio::test]
async fn the_contract_holds_on_axum_over_http_2() {
    hold(true, Version::HTTP_2).await;
}

#[tokio::test]
async fn the_contract_holds_on_hyper_over_http_1() {
    hold(false, Version::HTTP_11).await;
}

#[tokio::test]
async fn the_contract_holds_on_hyper_over_http_2() {
    hold(false, Version::HTTP_2).await;
}

#[test]
fn the_builder_names_the_setting_that_is_not_safe() {
    let builder = || Inbound::builder(HmacScheme::github(Secret::new(KEY).unwrap()));
    let second = Duration::from_secs(1);
    // 300 s window + 60 s skew + 10 s body + 300 s lease.
    assert!(builder().idempotency_ttl(670 * second).build().is_ok());
    for (refused, field) in [
        (builder().idempotency_ttl(669 * second), "idempotency_ttl"),
        (builder().replay_window(Duration::MAX), "idempotency_ttl"),
        (builder().max_payload_bytes(0), "max_payload_bytes"),
        (
            builder().max_payload_bytes((64 << 20) + 1),
            "max_payload_bytes",
        ),
        (builder().handlers(0), "handlers"),
        (builder().connection(" "), "connection"),
        (builder().lease(Duration::ZERO), "lease"),
    ] {
        assert_eq!(refused.build().unwrap_err().field(), field);
    }
}

#[tokio::test]
async fn the_extractors_fail_closed_without_the_stack() {
    use tower::ServiceExt as _;
    let handler = |RawWebhook(payload, _): RawWebhook| async move { respond(&payload) };
    let app: Router = Router::new().route("/", any(handler));
    let req = Request::post("/")
        .body(axum::body::Body::from("{}"))
        .unwrap();
    assert_eq!(app.oneshot(req).await.unwrap().status(), 500);
}
