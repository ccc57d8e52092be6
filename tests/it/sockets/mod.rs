//! The contract over real sockets: axum and hyper, HTTP/1.1 and HTTP/2.

mod faults;
mod rows;
mod server;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::any;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use tower_webhook::Inbound;
use tower_webhook::envelope::RawWebhook;
use tower_webhook::scheme::HmacScheme;
use tower_webhook::secret::Secret;
use tower_webhook::stack::InboundBuilder;
use tower_webhook::time::ManualClock;

use self::server::Body;
use crate::faulty::Faulty;

const KEY: &str = "0123456789abcdef";
const NOW: i64 = 1_763_724_670;

/// What every test has in common.
struct Setup {
    clock: Arc<ManualClock>,
    store: Arc<Faulty>,
}

impl Setup {
    fn new() -> Self {
        Self {
            clock: Arc::new(ManualClock::new(NOW)),
            store: Arc::default(),
        }
    }

    fn with(&self, scheme: HmacScheme) -> InboundBuilder<HmacScheme, Arc<Faulty>> {
        Inbound::builder_with_store(scheme, Arc::clone(&self.store))
            .max_payload_bytes(4096)
            .clock(Arc::clone(&self.clock))
    }

    fn github(&self) -> InboundBuilder<HmacScheme, Arc<Faulty>> {
        self.with(HmacScheme::github(Secret::new(KEY).unwrap()))
    }

    fn standard(&self) -> InboundBuilder<HmacScheme, Arc<Faulty>> {
        self.with(HmacScheme::standard_webhooks(Secret::new(KEY).unwrap()))
    }
}

fn mac(content: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(KEY.as_bytes()).unwrap();
    mac.update(content);
    mac.finalize().into_bytes().into()
}

fn sign(body: &[u8]) -> String {
    format!("sha256={}", const_hex::encode(mac(body)))
}

fn full(body: &[u8]) -> Body {
    Full::new(Bytes::copy_from_slice(body)).boxed_unsync()
}

/// A delivery of GitHub's, with the whole of `signed` signed.
fn github(signed: &[u8], body: Body) -> Request<Body> {
    let req = Request::post("/")
        .header("content-type", "application/json")
        .header("x-hub-signature-256", sign(signed));
    req.body(body).unwrap()
}

/// A delivery of Standard Webhooks.
fn standard(id: &str, time: i64, body: &[u8]) -> Request<Body> {
    let content = [format!("{id}.{time}.").as_bytes(), body].concat();
    let signature = format!("v1,{}", STANDARD.encode(mac(&content)));
    let req = Request::post("/")
        .header("content-type", "application/json")
        .header("webhook-id", id)
        .header("webhook-timestamp", time)
        .header("webhook-signature", signature);
    req.body(full(body)).unwrap()
}

#[test]
fn the_builder_names_the_setting_that_is_not_safe() {
    let builder = || Inbound::builder(HmacScheme::github(Secret::new(KEY).unwrap()));
    let second = Duration::from_secs(1);
    // 300 s window + 60 s skew + 10 s body + 300 s lease.
    assert!(builder().idempotency_ttl(670 * second).build().is_ok());
    assert!(builder().max_payload_bytes(64 << 20).build().is_ok());
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
    let handler = |_: RawWebhook| async { StatusCode::NO_CONTENT };
    let app: Router = Router::new().route("/", any(handler));
    let req = Request::post("/").body(axum::body::Body::from("{}"));
    assert_eq!(app.oneshot(req.unwrap()).await.unwrap().status(), 500);
}
