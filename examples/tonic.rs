//! A unary gRPC method behind verification alone. The sender signs the frame of its message.
//!
//! Unary messages are gathered before they are verified: do not put this before a stream.

use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tower::ServiceBuilder;
use tower_webhook::BoxError;
use tower_webhook::limit::BodyLimitLayer;
use tower_webhook::observe::ObserveLayer;
use tower_webhook::outcome::Outcome;
use tower_webhook::scheme::{HmacScheme, Profile, Shape};
use tower_webhook::secret::Secret;
use tower_webhook::verify::VerifyLayer;

const KEY: &str = "an example secret";
/// An empty message: not compressed, no bytes long.
const FRAME: &[u8] = &[0, 0, 0, 0, 0];

/// The `grpc-status` of a call with this signature.
async fn call(uri: &str, signature: String) -> Result<String, BoxError> {
    let client = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http();
    let req = Request::post(uri)
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("x-signature", signature)
        .body(Full::new(Bytes::from_static(FRAME)))?;
    let (head, body) = client.request(req).await?.into_parts();
    assert_eq!(head.status, 200);
    let trailers = body.collect().await?.trailers().cloned();
    let status = |headers: &HeaderMap| headers.get("grpc-status").cloned();
    let status = status(&head.headers).or(trailers.as_ref().and_then(status));
    Ok(status.ok_or("no status")?.to_str()?.to_owned())
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let scheme = HmacScheme::sha256(Secret::new(KEY)?).profile(Profile::new(Shape::Opaque));
    let stack = ServiceBuilder::new()
        .layer(ObserveLayer::new(|outcome: Outcome| println!("{outcome}")))
        .layer(BodyLimitLayer::new(1 << 20))
        .layer(VerifyLayer::new(scheme))
        .into_inner();
    let (_, health) = tonic_health::server::health_reporter();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let uri = format!(
        "http://{}/grpc.health.v1.Health/Check",
        listener.local_addr()?
    );
    let server = Server::builder().layer(stack).add_service(health);
    tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));

    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(KEY.as_bytes())?;
    mac.update(FRAME);
    let mac = const_hex::encode(mac.finalize().into_bytes());
    assert_eq!(call(&uri, mac).await?, "0");
    let unauthenticated = "16";
    assert_eq!(call(&uri, "0".repeat(64)).await?, unauthenticated);
    Ok(())
}
