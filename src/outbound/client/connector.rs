use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use rustls::ClientConfig;
use tokio::time::timeout;
use tower_service::Service;

use crate::outbound::egress::{ConnectError, EgressConnector, EgressStream};
use crate::outbound::failure::Failure;

/// TLS over the guarded connection, the handshake within the same time as the rest.
#[derive(Clone, Debug)]
pub(super) struct TlsConnector {
    https: HttpsConnector<EgressConnector>,
    limit: Duration,
}

impl TlsConnector {
    pub(super) fn new(tcp: EgressConnector, tls: ClientConfig, limit: Duration) -> Self {
        let https = hyper_rustls::HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            // Whether `http` may be is the guard's to say.
            .https_or_http()
            .enable_http1()
            .enable_http2()
            .wrap_connector(tcp.with_timeout(limit));
        Self { https, limit }
    }
}

impl Service<Uri> for TlsConnector {
    type Response = MaybeHttpsStream<EgressStream>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ConnectError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, url: Uri) -> Self::Future {
        let Self { mut https, limit } = self.clone();
        let connect = async move {
            poll_fn(|cx| https.poll_ready(cx)).await?;
            https.call(url).await
        };
        Box::pin(async move {
            let result = timeout(limit, connect).await;
            let result = result.map_err(|_| ConnectError::timeout())?;
            // What is not ours came after the connection stood, also when it was closed.
            result.map_err(|err| match err.downcast::<ConnectError>() {
                Ok(err) => *err,
                Err(err) => ConnectError::new(Failure::TlsError, err),
            })
        })
    }
}
