use std::fmt;
use std::future::{Future, ready};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::USER_AGENT;
use http::{Extensions, HeaderValue, Request, Response};
use hyper_util::client::legacy::{Client, Error};
use tokio::time::Instant;
use tower_service::Service;

use super::connector::TlsConnector;
use super::{AnswerBody, ClientError, HttpClientBuilder};
use crate::config::ConfigError;
use crate::outbound::DeliveryBody;
use crate::outbound::egress::{Answered, Egress};
use crate::outbound::failure::Failure;

/// A kept connection that breaks within this time of a request was dead before it: the receiver had
/// closed it, and word of that was still on its way. Svix draws the same line.
const STALE_WITHIN: Duration = Duration::from_secs(1);

/// The client of the sending wing. A clone shares its connections.
///
/// See the [module docs](crate::outbound::client).
#[derive(Clone, Debug)]
pub struct HttpClient {
    client: Client<TlsConnector, DeliveryBody>,
    egress: Egress,
    user_agent: HeaderValue,
}

impl HttpClient {
    /// A client with the settings that are the defaults of its [`builder`](Self::builder).
    ///
    /// # Errors
    ///
    /// Returns an error that names `root_certificate` when the system has none.
    pub fn new(egress: Egress) -> Result<Self, ConfigError> {
        Self::builder(egress).build()
    }

    /// Starts with the defaults.
    pub fn builder(egress: Egress) -> HttpClientBuilder {
        HttpClientBuilder::new(egress)
    }

    pub(super) fn from_parts(
        client: Client<TlsConnector, DeliveryBody>,
        egress: Egress,
        user_agent: HeaderValue,
    ) -> Self {
        Self {
            client,
            egress,
            user_agent,
        }
    }
}

impl Service<Request<DeliveryBody>> for HttpClient {
    type Response = Response<AnswerBody>;
    type Error = ClientError;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ClientError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut req: Request<DeliveryBody>) -> ResponseFuture {
        // The connector asks again, but only where there is no connection yet.
        if let Err(err) = self.egress.check_url(req.uri()) {
            return ResponseFuture(Box::pin(ready(Err(err.into()))));
        }
        let agent = req.headers_mut().entry(USER_AGENT);
        agent.or_insert_with(|| self.user_agent.clone());
        ResponseFuture(Box::pin(send(self.client.clone(), req)))
    }
}

async fn send(
    client: Client<TlsConnector, DeliveryBody>,
    req: Request<DeliveryBody>,
) -> Result<Response<AnswerBody>, ClientError> {
    let again = req.clone();
    let begun = Instant::now();
    let mut result = client.request(req).await;
    if let Err(err) = &result
        && begun.elapsed() < STALE_WITHIN
        && was_stale(err)
    {
        result = client.request(again).await;
    }
    match result {
        Ok(response) => {
            if let Some(answered) = response.extensions().get::<Answered>() {
                answered.set();
            }
            Ok(response.map(AnswerBody::new))
        }
        Err(err) => Err(ClientError::new(Failure::of(&err), err)),
    }
}

/// Whether the request went into a connection that had brought an answer before, and that is gone.
/// hyper-util itself repeats only what it had not begun to write.
fn was_stale(err: &Error) -> bool {
    let mut extras = Extensions::new();
    if let Some(connection) = err.connect_info() {
        connection.get_extras(&mut extras);
    }
    extras.get::<Answered>().is_some_and(Answered::get)
        && Failure::of(err) == Failure::ConnectionReset
}

/// Response future for [`HttpClient`].
pub struct ResponseFuture(
    Pin<Box<dyn Future<Output = Result<Response<AnswerBody>, ClientError>> + Send>>,
);

impl Future for ResponseFuture {
    type Output = Result<Response<AnswerBody>, ClientError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl fmt::Debug for ResponseFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResponseFuture")
    }
}
