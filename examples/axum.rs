//! Two providers on one axum router; a delivery of each is sent to it.

use axum::Router;
use axum::body::Body;
use axum::routing::post;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{Request, StatusCode};
use serde::Deserialize;
use tower::ServiceExt as _;
use tower_webhook::envelope::Webhook;
use tower_webhook::scheme::HmacScheme;
use tower_webhook::secret::Secret;
use tower_webhook::time::{Clock as _, SystemClock};
use tower_webhook::{BoxError, Inbound};

const KEY: &str = "an example secret";

#[derive(Deserialize)]
struct Push {
    number: u64,
}

#[derive(Deserialize)]
struct Event {
    id: String,
}

async fn github(Webhook(push, delivery): Webhook<Push>) -> StatusCode {
    println!("{:?} #{}", delivery.event_type, push.number);
    StatusCode::NO_CONTENT
}

async fn stripe(Webhook(event, delivery): Webhook<Event>) -> StatusCode {
    println!("{:?} {}", delivery.event_type, event.id);
    StatusCode::NO_CONTENT
}

fn app() -> Result<Router, BoxError> {
    let from_github = Inbound::builder(HmacScheme::github(Secret::new(KEY)?)).build()?;
    let from_stripe = Inbound::builder(HmacScheme::stripe(Secret::new(KEY)?)).build()?;
    Ok(Router::new()
        .route("/github", post(github).layer(from_github))
        .route("/stripe", post(stripe).layer(from_stripe)))
}

fn sign(content: &str) -> Result<String, BoxError> {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(KEY.as_bytes())?;
    mac.update(content.as_bytes());
    Ok(const_hex::encode(mac.finalize().into_bytes()))
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let app = app()?;
    let push = r#"{"number":7}"#;
    let delivery = Request::post("/github")
        .header("x-github-delivery", "1")
        .header("x-github-event", "push")
        .header("x-hub-signature-256", format!("sha256={}", sign(push)?))
        .body(Body::from(push))?;
    assert_eq!(app.clone().oneshot(delivery).await?.status(), 204);
    let (event, now) = (
        r#"{"id":"evt_1","type":"charge.paid"}"#,
        SystemClock.unix_seconds(),
    );
    let signature = sign(&format!("{now}.{event}"))?;
    let delivery = Request::post("/stripe")
        .header("stripe-signature", format!("t={now},v1={signature}"))
        .body(Body::from(event))?;
    assert_eq!(app.oneshot(delivery).await?.status(), 204);
    Ok(())
}
