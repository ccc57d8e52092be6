//! A receiver on hyper alone, without a router; one delivery is sent to it over a socket.

use std::convert::Infallible;

use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{Request, Response};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use serde::Deserialize;
use tower::{Layer as _, service_fn};
use tower_webhook::envelope::Envelope;
use tower_webhook::idempotency::ClaimedBody;
use tower_webhook::scheme::HmacScheme;
use tower_webhook::secret::Secret;
use tower_webhook::{BoxError, Inbound};

const KEY: &str = "an example secret";

#[derive(Deserialize)]
struct Push {
    number: u64,
}

async fn handle(req: Request<ClaimedBody>) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut response = Response::new(Full::default());
    match Envelope::<Push>::open(req.body()) {
        Ok(push) => {
            println!(
                "#{} under fence {}",
                push.payload.number,
                req.body().fence().get()
            );
            *response.status_mut() = http::StatusCode::NO_CONTENT;
        }
        // Ours to mend: the sender tries again.
        Err(_) => *response.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR,
    }
    Ok(response)
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let inbound = Inbound::builder(HmacScheme::github(Secret::new(KEY)?)).build()?;
    let stack = inbound.layer(service_fn(handle));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let stack = TowerToHyperService::new(stack.clone());
            tokio::spawn(async move {
                let server = auto::Builder::new(TokioExecutor::new());
                if let Err(err) = server.serve_connection(TokioIo::new(stream), stack).await {
                    eprintln!("connection: {err}");
                }
            });
        }
    });

    let push = r#"{"number":7}"#;
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(KEY.as_bytes())?;
    mac.update(push.as_bytes());
    let mac = const_hex::encode(mac.finalize().into_bytes());
    let delivery = Request::post(format!("http://{address}/"))
        .header("x-github-delivery", "1")
        .header("x-github-event", "push")
        .header("x-hub-signature-256", format!("sha256={mac}"))
        .body(Full::new(Bytes::from_static(push.as_bytes())))?;
    let client = Client::builder(TokioExecutor::new()).build_http();
    assert_eq!(client.request(delivery).await?.status(), 204);
    Ok(())
}
