use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Body;
use serde::de::DeserializeOwned;
use tower_service::Service;

use super::answer::{Failure, IntoAnswer};
use super::body::DispatchBody;
use crate::BoxError;
use crate::envelope::Envelope;
use crate::verify::VerifiedBody;

/// A handler of one kind of event: an async function over an [`Envelope<T>`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a handler of deliveries",
    label = "a handler is an async function that takes an `Envelope<T>`",
    note = "`T` must implement `serde::de::DeserializeOwned`, and what it returns `IntoAnswer`"
)]
pub trait Handler<T>: Send + Sync + 'static {
    /// Handles one event.
    fn handle(
        &self,
        event: Envelope<T>,
        done: StatusCode,
    ) -> impl Future<Output = Response<DispatchBody>> + Send;
}

impl<F, Fut, T> Handler<T> for F
where
    F: Fn(Envelope<T>) -> Fut + Send + Sync + 'static,
    Fut: Future + Send,
    Fut::Output: IntoAnswer,
    T: Send + 'static,
{
    async fn handle(&self, event: Envelope<T>, done: StatusCode) -> Response<DispatchBody> {
        self(event).await.into_answer(done)
    }
}

pub(super) type Answer = Pin<Box<dyn Future<Output = Response<DispatchBody>> + Send>>;

/// A handler whose payload is forgotten.
pub(super) trait Route: Send + Sync {
    fn call(self: std::sync::Arc<Self>, req: Request<VerifiedBody>, done: StatusCode) -> Answer;
}

/// An async function.
pub(super) struct Function<F, T> {
    handler: F,
    payload: PhantomData<fn() -> T>,
}

impl<F, T> Function<F, T> {
    pub(super) fn new(handler: F) -> Self {
        Self {
            handler,
            payload: PhantomData,
        }
    }
}

impl<F, T> Route for Function<F, T>
where
    F: Handler<T>,
    T: DeserializeOwned + Send + 'static,
{
    fn call(self: std::sync::Arc<Self>, req: Request<VerifiedBody>, done: StatusCode) -> Answer {
        Box::pin(async move {
            match Envelope::open(req.body()) {
                Ok(event) => self.handler.handle(event, done).await,
                // Authentic, and not what this code expects: it comes again.
                Err(err) => Failure::from(err).into_answer(done),
            }
        })
    }
}

/// A service. It waits behind a lock to be cloned, for services need not be `Sync`.
pub(super) struct Served<S>(Mutex<S>);

impl<S> Served<S> {
    pub(super) fn new(service: S) -> Self {
        Self(Mutex::new(service))
    }
}

impl<S, B> Route for Served<S>
where
    S: Service<Request<VerifiedBody>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError> + Send,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    fn call(self: std::sync::Arc<Self>, req: Request<VerifiedBody>, done: StatusCode) -> Answer {
        let mut service = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        Box::pin(async move {
            let answer = async {
                std::future::poll_fn(|cx| service.poll_ready(cx)).await?;
                service.call(req).await
            };
            match answer.await {
                Ok(response) => response.map(DispatchBody::new),
                Err(err) => Failure::from(err.into()).into_answer(done),
            }
        })
    }
}
