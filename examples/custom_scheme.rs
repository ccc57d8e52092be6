//! A provider that is not in the catalogue: its scheme is five lines of data.

use std::convert::Infallible;

use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{Request, Response};
use http_body_util::Full;
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_webhook::idempotency::ClaimedBody;
use tower_webhook::scheme::{HmacScheme, Part};
use tower_webhook::secret::Secret;
use tower_webhook::time::{Clock as _, SystemClock};
use tower_webhook::verify::Verified as _;
use tower_webhook::{BoxError, Inbound};

const KEY: &str = "an example secret";

fn acme(secret: Secret) -> HmacScheme {
    HmacScheme::sha256(secret)
        .signature_hex("x-acme-signature", "sha256=")
        .signed_content([Part::Timestamp, Part::Literal("."), Part::Body])
        .timestamp("x-acme-timestamp")
        .event_type("x-acme-event")
}

async fn handle(req: Request<ClaimedBody>) -> Result<Response<Full<Bytes>>, Infallible> {
    println!("{:?}", req.body().delivery());
    Ok(Response::new(Full::default()))
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let inbound = Inbound::builder(acme(Secret::new(KEY)?))
        .connection("acme")
        .build()?;
    let stack = inbound.layer(service_fn(handle));
    let now = SystemClock.unix_seconds();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(KEY.as_bytes())?;
    mac.update(format!("{now}.{{}}").as_bytes());
    let mac = const_hex::encode(mac.finalize().into_bytes());
    let delivery = |signature: String| {
        Request::post("/")
            .header("x-acme-timestamp", now)
            .header("x-acme-event", "order.paid")
            .header("x-acme-signature", signature)
            .body(Full::new(Bytes::from_static(b"{}")))
    };
    let accepted = stack
        .clone()
        .oneshot(delivery(format!("sha256={mac}"))?)
        .await?;
    assert_eq!(accepted.status(), 200);
    let refused = stack
        .oneshot(delivery(format!("sha256={}", "0".repeat(64)))?)
        .await?;
    assert_eq!(refused.status(), 401);
    Ok(())
}
