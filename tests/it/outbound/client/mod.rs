//! The HTTP client over real sockets: how requests fail, what is read of answers, which connections are kept.

mod answers;
mod failures;
mod pool;
mod proxies;
mod requests;
mod server;
mod tls;

use http::{Request, Response};
use tower::ServiceExt as _;
use tower_webhook::outbound::client::{AnswerBody, ClientError, HttpClient, HttpClientBuilder};
use tower_webhook::outbound::egress::Egress;

/// Loopback, which stands for the public addresses, without TLS.
fn egress() -> Egress {
    let egress = Egress::public().allow("127.0.0.0/8").unwrap();
    egress.allow_http()
}

/// Believes the servers of these tests, and nobody else.
fn builder() -> HttpClientBuilder {
    HttpClient::builder(egress())
        .without_system_roots()
        .with_root_certificate_pem(server::identity().cert.pem())
        .unwrap()
}

fn client() -> HttpClient {
    builder().build().unwrap()
}

async fn post(client: &HttpClient, url: &str) -> Result<Response<AnswerBody>, ClientError> {
    let request = Request::post(url).body("{}".into()).unwrap();
    client.clone().oneshot(request).await
}
