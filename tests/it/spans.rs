//! The span of a request: its fields are OpenTelemetry's, and nothing secret is among them.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body::Frame;
use http_body_util::{Full, StreamBody};
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_webhook::idempotency::ClaimedBody;
use tower_webhook::scheme::{HmacScheme, Profile, Shape};
use tower_webhook::secret::Secret;
use tower_webhook::testing::{self, Payload};
use tower_webhook::{BoxError, Inbound};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::NoSubscriber;
use tracing::{Dispatch, Event, Metadata, Subscriber};

const KEY: &str = "0123456789abcdef";

type Fields = HashMap<String, String>;

/// Keeps all fields of all spans and events.
#[derive(Clone, Default)]
struct Capture(Arc<Kept>);

#[derive(Default)]
struct Kept {
    next: AtomicU64,
    /// Name and fields.
    spans: Mutex<HashMap<u64, (&'static str, Fields)>>,
    /// Its span, where it was said to be in one, and its fields.
    events: Mutex<Vec<(Option<u64>, Fields)>>,
}

/// A callsite that is met for the first time asks all subscribers whether they want it only where more than one is alive.
/// Where `Capture` is the only one, it asks that of the thread it is met on: a test beside these, without a subscriber,
/// would switch it off for all.
static OTHERS: LazyLock<[Dispatch; 2]> =
    LazyLock::new(|| [0; 2].map(|_| Dispatch::new(NoSubscriber::new())));

fn captured(capture: &Capture, run: impl FnOnce()) {
    LazyLock::force(&OTHERS);
    tracing::subscriber::with_default(capture.clone(), run);
}

struct Into<'f>(&'f mut Fields);

impl Visit for Into<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let value = format!("{value:?}");
        self.0.insert(field.name().to_owned(), value);
    }
}

impl Subscriber for Capture {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("tower_webhook")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let id = self.0.next.fetch_add(1, Ordering::SeqCst) + 1;
        let mut fields = Fields::new();
        span.record(&mut Into(&mut fields));
        let name = span.metadata().name();
        self.0.spans.lock().unwrap().insert(id, (name, fields));
        Id::from_u64(id)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        let mut spans = self.0.spans.lock().unwrap();
        let (_, fields) = spans.get_mut(&span.into_u64()).unwrap();
        values.record(&mut Into(fields));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::new();
        event.record(&mut Into(&mut fields));
        let parent = event.parent().map(Id::into_u64);
        self.0.events.lock().unwrap().push((parent, fields));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// The fields of the only span, and how often its outcome was told.
fn send(req: Request<Payload>, status: Option<StatusCode>) -> (Fields, usize) {
    let capture = Capture::default();
    let scheme = HmacScheme::github(Secret::new(KEY).unwrap());
    let handler = service_fn(move |_: Request<ClaimedBody>| async move {
        let mut response = Response::new(Full::<Bytes>::default());
        *response.status_mut() = status.ok_or("no answer")?;
        Ok::<_, BoxError>(response)
    });
    let stack = Inbound::builder(scheme).connection("primary").build();
    let stack = stack.unwrap().layer(handler);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    captured(&capture, || {
        let _ = runtime.block_on(stack.oneshot(req));
    });
    let mut spans = capture.0.spans.lock().unwrap();
    assert_eq!(spans.len(), 1);
    let (name, fields) = spans.remove(&1).unwrap();
    assert_eq!(name, "webhook");
    let events = capture.0.events.lock().unwrap();
    let told = |(parent, fields): &&(Option<u64>, Fields)| {
        *parent == Some(1) && fields["message"] == "webhook answered"
    };
    (fields, events.iter().filter(told).count())
}

fn delivery() -> testing::Delivery {
    let delivery = testing::github(KEY).id("delivery-1").event_type("push");
    delivery.body(r#"{"private":"payload"}"#)
}

/// At this URI.
fn at(mut req: Request<Payload>, uri: &'static str) -> Request<Payload> {
    *req.uri_mut() = uri.parse().unwrap();
    req
}

fn pairs(wanted: &[(&str, &str)]) -> Fields {
    let wanted = wanted.iter();
    wanted
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

#[test]
fn a_span_has_the_fields_of_the_convention() {
    let req = at(delivery().request(), "/webhooks/github?token=hidden");
    let (fields, told) = send(req, Some(StatusCode::ACCEPTED));
    let wanted = [
        ("otel.name", "POST"),
        ("otel.kind", "server"),
        ("http.request.method", "POST"),
        ("http.request.body.size", "21"),
        ("http.response.status_code", "202"),
        ("network.protocol.version", "1.1"),
        ("url.path", "/webhooks/github"),
        ("webhook.outcome", "acknowledged"),
        ("webhook.event_type", "push"),
        ("webhook.delivery_id", "delivery-1"),
    ];
    assert_eq!(fields, pairs(&wanted));
    assert_eq!(told, 1);
}

#[test]
fn an_error_of_the_server_has_a_type_and_one_of_the_sender_has_none() {
    let (fields, _) = send(delivery().request(), Some(StatusCode::BAD_GATEWAY));
    assert_eq!(fields["http.response.status_code"], "502");
    assert_eq!(fields["error.type"], "handler_error");
    assert_eq!(fields["otel.status_code"], "ERROR");

    let (fields, told) = send(delivery().request(), None);
    assert!(!fields.contains_key("http.response.status_code"));
    assert_eq!(fields["error.type"], "handler_error");
    assert_eq!(told, 1);

    let (fields, told) = send(delivery().wrong_key().request(), Some(StatusCode::OK));
    assert_eq!(fields["http.response.status_code"], "401");
    assert_eq!(fields["webhook.outcome"], "unauthenticated");
    for name in ["error.type", "otel.status_code"] {
        assert!(!fields.contains_key(name), "{name}");
    }
    assert_eq!(told, 1);
}

#[test]
fn a_stranger_writes_nothing_but_a_path() {
    let mut req = at(delivery().tampered().request(), "/here?and=there");
    *req.method_mut() = Method::from_bytes(b"FORGED").unwrap();
    let (fields, _) = send(req, Some(StatusCode::OK));
    assert_eq!(fields["http.request.method"], "_OTHER");
    assert_eq!(fields["otel.name"], "HTTP");
    assert_eq!(fields["url.path"], "/here");
    let (fields, _) = send(delivery().tampered().request(), Some(StatusCode::OK));
    for name in [
        "webhook.delivery_id",
        "webhook.event_type",
        "http.request.body.size",
    ] {
        assert!(!fields.contains_key(name), "{name}");
    }
}

#[test]
fn methods_and_versions_have_the_names_of_the_convention() {
    for method in [
        "CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE",
    ] {
        let mut req = delivery().request();
        *req.method_mut() = Method::from_bytes(method.as_bytes()).unwrap();
        let (fields, _) = send(req, Some(StatusCode::OK));
        assert_eq!(fields["http.request.method"], method);
        assert_eq!(fields["otel.name"], method);
    }
    for (version, name) in [
        (Version::HTTP_09, None),
        (Version::HTTP_10, Some("1.0")),
        (Version::HTTP_11, Some("1.1")),
        (Version::HTTP_2, Some("2")),
        (Version::HTTP_3, Some("3")),
    ] {
        let mut req = delivery().request();
        *req.version_mut() = version;
        let (fields, _) = send(req, Some(StatusCode::OK));
        let told = fields.get("network.protocol.version");
        assert_eq!(told.map(String::as_str), name);
    }
}

#[test]
fn nothing_secret_is_in_a_span() {
    let mut req = at(delivery().request(), "/?token=hidden");
    let extra = HeaderValue::from_static("Bearer hidden");
    req.headers_mut()
        .insert(HeaderName::from_static("authorization"), extra);
    let signature = req.headers()["x-hub-signature-256"].to_str().unwrap();
    let signature = signature.trim_start_matches("sha256=").to_owned();
    for status in [Some(StatusCode::OK), Some(StatusCode::BAD_GATEWAY), None] {
        let mut again = delivery().request();
        *again.headers_mut() = req.headers().clone();
        let (fields, _) = send(at(again, "/?token=hidden"), status);
        let text = format!("{fields:?}");
        for hidden in ["hidden", "private", KEY, &*signature, "?"] {
            assert!(!text.contains(hidden), "{hidden} in {text}");
        }
    }
}

#[test]
fn who_hangs_up_is_an_outcome_too() {
    let capture = Capture::default();
    let scheme = HmacScheme::github(Secret::new(KEY).unwrap());
    let handler = service_fn(|_: Request<ClaimedBody>| async {
        tokio::task::yield_now().await;
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    });
    let stack = Inbound::builder(scheme).build().unwrap().layer(handler);
    captured(&capture, || {
        let called = stack.oneshot(delivery().request());
        // Called, never polled to its end.
        let mut called = Box::pin(called);
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let _inside = runtime.enter();
        assert!(called.as_mut().poll(&mut context).is_pending());
        drop(called);
        drop(_inside);
        // The task that was detached runs on.
        runtime.block_on(async {
            while capture.0.events.lock().unwrap().is_empty() {
                tokio::task::yield_now().await;
            }
        });
    });
    let spans = capture.0.spans.lock().unwrap();
    let (_, fields) = &spans[&1];
    assert_eq!(fields["webhook.outcome"], "acknowledged");
    assert!(!fields.contains_key("http.response.status_code"));
}

/// The fields of the only span of what `run` does.
fn fields_of(run: impl AsyncFnOnce()) -> Fields {
    let capture = Capture::default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    captured(&capture, || runtime.block_on(run()));
    let spans = capture.0.spans.lock().unwrap();
    assert_eq!(spans.len(), 1);
    spans[&1].1.clone()
}

#[test]
fn a_refusal_for_our_sake_is_an_error_whatever_its_status_and_so_is_half_a_body() {
    let handler = service_fn(|_: Request<ClaimedBody>| async {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    });
    let opaque = Profile::new(Shape::Opaque);
    let scheme = HmacScheme::sha256(Secret::new(KEY).unwrap()).profile(opaque);
    let inbound = Inbound::builder(scheme).build().unwrap();
    let request = |kind: &str| {
        let req = Request::post("/").header("content-type", kind);
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(KEY.as_bytes()).unwrap();
        mac.update(b"{}");
        let mac = const_hex::encode(mac.finalize().into_bytes());
        let req = req.header("x-signature", mac);
        req.body(Full::new(Bytes::from_static(b"{}"))).unwrap()
    };
    let fields = fields_of(async || {
        let silent = request("application/json").map(|_| {
            let frames = futures_util::stream::pending::<Result<Frame<Bytes>, Infallible>>();
            StreamBody::new(frames)
        });
        let mut call = Box::pin(inbound.layer(handler).oneshot(silent));
        assert!(futures_util::poll!(&mut call).is_pending());
    });
    assert_eq!(fields["error.type"], "body_aborted");
    assert!(!fields.contains_key("http.response.status_code"));

    let fields = fields_of(async || {
        inbound.drain().await;
        let call = inbound.layer(handler).oneshot(request("application/grpc"));
        let Ok(response) = call.await;
        assert_eq!(response.headers()["grpc-status"], "14");
    });
    assert_eq!(fields["http.response.status_code"], "200");
    assert_eq!(fields["error.type"], "draining");
    assert_eq!(fields["otel.status_code"], "ERROR");
}

#[test]
fn what_another_thread_met_first_is_captured_all_the_same() {
    fn tell() {
        tracing::info!(target: "tower_webhook::spans", "told");
    }
    let capture = Capture::default();
    captured(&capture, || {
        std::thread::spawn(tell).join().unwrap();
        tell();
    });
    assert_eq!(capture.0.events.lock().unwrap().len(), 1);
}
