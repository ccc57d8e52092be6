//! Good deliveries, to each connection of the receiver, and how they are asked for.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{Request, StatusCode, Version};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::time::timeout;
use tower_webhook::testing::Delivery;

use super::receiver::{GITHUB, Receiver};

pub(crate) type Body = UnsyncBoxBody<Bytes, Infallible>;
pub(crate) type Sender = Client<HttpConnector, Body>;

pub(crate) const VERSIONS: [Version; 2] = [Version::HTTP_11, Version::HTTP_2];

pub(crate) fn client(version: Version) -> Sender {
    Client::builder(TokioExecutor::new())
        .http2_only(version == Version::HTTP_2)
        .build_http()
}

pub(crate) fn full(body: impl Into<Bytes>) -> Body {
    Full::new(body.into()).boxed_unsync()
}

/// What GitHub writes into its header for `body`.
pub(crate) fn sign(body: &[u8]) -> String {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(GITHUB.as_bytes()).unwrap();
    mac.update(body);
    format!("sha256={}", const_hex::encode(mac.finalize().into_bytes()))
}

/// A delivery of GitHub's that nobody has sent before.
pub(crate) fn fresh() -> Request<Body> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    delivery(&tower_webhook::testing::github(GITHUB).body(format!("{{\"number\":{count}}}")))
}

/// What `delivery` is on the wire, to its connection.
pub(crate) fn delivery(delivery: &Delivery) -> Request<Body> {
    let mut request = delivery.request();
    *request.uri_mut() = format!("{}/one", request.uri().path()).parse().unwrap();
    request.map(|payload| full(payload.as_bytes().clone()))
}

/// The status of the answer to `request`.
pub(crate) async fn ask(client: &Sender, at: SocketAddr, request: Request<Body>) -> StatusCode {
    let (mut head, body) = request.into_parts();
    head.headers.remove("host");
    head.uri = format!("http://{at}{}", head.uri).parse().unwrap();
    let answer = client.request(Request::from_parts(head, body)).await;
    let (head, body) = answer.unwrap().into_parts();
    body.collect().await.unwrap();
    head.status
}

/// A delivery that nobody has sent before is handled, once, on either version.
pub(crate) async fn is_healthy(receiver: &Receiver, after: &str) {
    for version in VERSIONS {
        let runs = receiver.seen.runs();
        let client = client(version);
        let asked = timeout(
            Duration::from_secs(5),
            ask(&client, receiver.address, fresh()),
        );
        let status = asked.await.unwrap_or_else(|_| panic!("no answer: {after}"));
        assert_eq!(status, 204, "{after}");
        assert_eq!(receiver.seen.runs(), runs + 1, "{after}");
    }
}
