//! Deliveries find their handler by event type, and its answer finds the sender.

use std::convert::Infallible;

use axum::Router;
use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{Request, Response, StatusCode};
use http_body::Body as _;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tonic::transport::server::TcpIncoming;
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_webhook::Inbound;
use tower_webhook::dispatch::{Dispatch, Failure};
use tower_webhook::envelope::Envelope;
use tower_webhook::limit::BodyLimitLayer;
use tower_webhook::outcome::Outcome;
use tower_webhook::scheme::HmacScheme;
use tower_webhook::secret::Secret;
use tower_webhook::verify::{VerifiedBody, VerifyLayer};

const KEY: &str = "0123456789abcdef";

#[derive(serde::Deserialize)]
struct Numbered {
    number: u64,
}

fn delivery<B: From<Bytes>>(event: Option<&str>, body: &str) -> Request<B> {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(KEY.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    let mac = const_hex::encode(mac.finalize().into_bytes());
    let mut req = Request::post("/").header("x-hub-signature-256", format!("sha256={mac}"));
    if let Some(event) = event {
        req = req.header("x-github-event", event);
    }
    req.body(Bytes::copy_from_slice(body.as_bytes()).into())
        .unwrap()
}

/// A handler that says with its status who it is.
macro_rules! says {
    ($status:expr) => {
        |_: Envelope<serde::de::IgnoredAny>| async { StatusCode::from_u16($status).unwrap() }
    };
}

async fn send(dispatch: Dispatch, event: Option<&str>, body: &str) -> (u16, &'static str) {
    let inbound = Inbound::builder(HmacScheme::github(Secret::new(KEY).unwrap()));
    let stack = inbound.build().unwrap().layer(dispatch);
    let Ok(response) = stack.oneshot(delivery::<Full<Bytes>>(event, body)).await;
    let outcome = Outcome::of(&response);
    (response.status().as_u16(), outcome.label())
}

#[tokio::test]
async fn the_most_exact_route_counts() {
    let dispatch = || {
        let exact = Dispatch::new().on("push", says!(201)).unwrap();
        let action = exact.on("pull_request.opened", says!(202)).unwrap();
        let kind = action.on("pull_request", says!(203)).unwrap();
        let below = kind.on("invoice.*", says!(205)).unwrap();
        below.on("invoice.item.*", says!(206)).unwrap()
    };
    for (event, body, status) in [
        (Some("push"), "{}", 201),
        (Some("pull_request"), r#"{"action":"opened"}"#, 202),
        (Some("pull_request"), r#"{"action":"closed"}"#, 203),
        (Some("pull_request"), "{}", 203),
        (Some("invoice.paid"), "{}", 205),
        (Some("invoice.item.added"), "{}", 206),
        (Some("invoice"), r#"{"action":"sent"}"#, 205),
    ] {
        let answer = send(dispatch(), event, body).await;
        assert_eq!(answer, (status, "acknowledged"), "{event:?} {body}");
    }
    for (event, body) in [
        (Some("pushed"), "{}"),
        (Some("invoice"), "{}"),
        (Some("invoice."), "{}"),
        (Some("something.else.altogether"), "{}"),
        (Some("star"), "{}"),
        (None, "{}"),
    ] {
        assert_eq!(send(dispatch(), event, body).await, (204, "ignored"));
        let all = dispatch().fallback(says!(207));
        assert_eq!(send(all, event, body).await, (207, "acknowledged"));
    }
}

#[tokio::test]
async fn the_statuses_of_github_apps_are_202_and_200() {
    let done = |_: Envelope<Numbered>| async {};
    let dispatch = || Dispatch::github().on("push", done).unwrap();
    let answer = send(dispatch(), Some("push"), r#"{"number":7}"#).await;
    assert_eq!(answer, (202, "acknowledged"));
    assert_eq!(send(dispatch(), Some("star"), "{}").await, (200, "ignored"));
}

#[tokio::test]
async fn a_failure_is_final_only_where_the_handler_says_so() {
    async fn handle(event: Envelope<Numbered>) -> Result<(), Failure> {
        match event.payload.number {
            0 => Err(Failure::reject("as told")),
            1 => Err(Failure::retry("as told")),
            2 => Err(Failure::reject("as told").with_status(StatusCode::GONE)),
            _ => Err(std::io::Error::other("as told"))?,
        }
    }
    let dispatch = Dispatch::new().on("push", handle).unwrap();
    for (body, status, outcome) in [
        (r#"{"number":0}"#, 422, "handler_rejected"),
        (r#"{"number":1}"#, 503, "handler_error"),
        (r#"{"number":2}"#, 400, "handler_rejected"),
        (r#"{"number":3}"#, 500, "handler_error"),
        // Not a `Numbered`: the receiver's fault.
        (r#"{"number":"7"}"#, 500, "handler_error"),
    ] {
        let answer = send(dispatch.clone(), Some("push"), body).await;
        assert_eq!(answer, (status, outcome), "{body}");
    }
}

#[tokio::test]
async fn a_service_is_a_handler_and_its_error_a_500() {
    let service = service_fn(|req: Request<VerifiedBody>| async move {
        let body = req.into_body().collect().await.unwrap().to_bytes();
        if body.starts_with(b"{}") {
            return Err(std::io::Error::other("as told"));
        }
        Ok(Response::new(Full::new(body)))
    });
    let dispatch = Dispatch::new().on_service("push", service).unwrap();
    let answer = send(dispatch.clone(), Some("push"), r#"{"a":1}"#).await;
    assert_eq!(answer, (200, "acknowledged"));
    assert_eq!(
        send(dispatch, Some("push"), "{}").await,
        (500, "handler_error")
    );
}

#[tokio::test]
async fn the_body_of_a_service_is_the_answers_and_tells_its_length() {
    let service = service_fn(|req: Request<VerifiedBody>| async move {
        Ok::<_, Infallible>(Response::new(req.into_body()))
    });
    let dispatch = Dispatch::new().on_service("push", service).unwrap();
    let scheme = HmacScheme::github(Secret::new(KEY).unwrap());
    let stack = BodyLimitLayer::new(1024).layer(VerifyLayer::new(scheme).layer(dispatch));
    let call = stack.oneshot(delivery::<Full<Bytes>>(Some("push"), r#"{"a":1}"#));
    let mut body = call.await.unwrap().into_body();
    assert_eq!(body.size_hint().exact(), Some(7));
    assert!(!body.is_end_stream());
    let frame = body.frame().await.unwrap().unwrap();
    assert_eq!(frame.into_data().unwrap(), r#"{"a":1}"#);
    assert!(body.is_end_stream());
}

#[test]
fn a_failure_says_whether_retries_get_the_same_answer() {
    assert!(Failure::reject("as told").is_final());
    assert!(!Failure::retry("as told").is_final());
    assert!(!Failure::from(std::io::Error::other("as told")).is_final());
}

#[tokio::test]
async fn axum_routes_to_it_and_without_the_stack_it_fails_closed() {
    let dispatch = Dispatch::new().on("push", says!(201)).unwrap();
    let inbound = Inbound::builder(HmacScheme::github(Secret::new(KEY).unwrap()));
    let bare: Router = Router::new().route_service("/", dispatch);
    let app = bare.clone().layer(inbound.build().unwrap());
    for (app, status) in [(app, 201), (bare, 500)] {
        let req = delivery::<axum::body::Body>(Some("push"), "{}");
        let response: Result<_, Infallible> = app.oneshot(req).await;
        assert_eq!(response.unwrap().status(), status);
    }
}

/// What a server answers that calls the stack with the bodies it has.
async fn served(server: impl Future<Output = ()> + Send + 'static, port: u16) -> StatusCode {
    let server = tokio::spawn(server);
    let mut req = delivery::<Full<Bytes>>(Some("push"), "{}");
    *req.uri_mut() = format!("http://127.0.0.1:{port}/").parse().unwrap();
    let mut client = Client::builder(TokioExecutor::new());
    let client = client.http2_only(true).build_http();
    let response = client.request(req).await.unwrap();
    server.abort();
    response.status()
}

#[tokio::test]
async fn hyper_and_tonic_serve_it_without_axum_and_beside_grpc() {
    let dispatch = Dispatch::new().on("push", says!(201)).unwrap();
    let inbound = Inbound::builder(HmacScheme::github(Secret::new(KEY).unwrap()));
    let inbound = inbound.build().unwrap();

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let stack = TowerToHyperService::new(inbound.layer(dispatch.clone()));
    let hyper = async move {
        let (stream, _) = listener.accept().await.unwrap();
        let server = auto::Builder::new(TokioExecutor::new());
        let served = server.serve_connection(TokioIo::new(stream), stack).await;
        served.unwrap();
    };
    assert_eq!(served(hyper, port).await, 201);

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let stack = Router::new().route_service("/", inbound.layer(dispatch));
    let (_, health) = tonic_health::server::health_reporter();
    let routes = tonic::service::Routes::from(stack).add_service(health);
    let tonic = async move {
        let server = tonic::transport::Server::builder().add_routes(routes);
        let served = server.serve_with_incoming(TcpIncoming::from(listener));
        served.await.unwrap();
    };
    // The same delivery, to the same claims: the recorded answer.
    assert_eq!(served(tonic, port).await, 201);
}
