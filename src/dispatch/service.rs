use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Body;
use serde::de::DeserializeOwned;
use tower_service::Service;

use super::handler::{Answer, Function, Served};
use super::routes::Routes;
use super::{DispatchBody, Handler};
use crate::BoxError;
use crate::config::ConfigError;
use crate::event::EventPattern;
use crate::outcome::Outcome;
use crate::verify::VerifiedBody;

/// A service that routes deliveries by event type.
///
/// See the [module docs](crate::dispatch).
#[derive(Clone)]
#[must_use]
pub struct Dispatch {
    routes: Arc<Routes>,
    done: StatusCode,
    ignored: StatusCode,
}

impl Dispatch {
    /// No routes: everything is answered with 204 and forgotten.
    pub fn new() -> Self {
        Self {
            routes: Arc::default(),
            done: StatusCode::NO_CONTENT,
            ignored: StatusCode::NO_CONTENT,
        }
    }

    /// As [`new`](Self::new), with the statuses of GitHub Apps: 202 for what was handled, 200 for what
    /// is valid and ignored.
    pub fn github() -> Self {
        let dispatch = Self::new().with_done_status(StatusCode::ACCEPTED);
        dispatch.with_ignored_status(StatusCode::OK)
    }

    /// Routes an event type, such as `push`, `invoice.*` or `pull_request.opened`, to an async function.
    ///
    /// # Errors
    ///
    /// Returns an error that names `events` when the type is empty or has its star elsewhere than alone
    /// or after the last dot.
    pub fn on<T, H>(self, event: &str, handler: H) -> Result<Self, ConfigError>
    where
        H: Handler<T>,
        T: DeserializeOwned + Send + 'static,
    {
        let pattern = EventPattern::parse(event)?;
        Ok(self.change(|routes| routes.add(pattern, Arc::new(Function::new(handler)))))
    }

    /// Routes an event type to a service, which gets the request with all its extensions. Its error is
    /// a 500.
    ///
    /// # Errors
    ///
    /// As for [`on`](Self::on).
    pub fn on_service<S, B>(self, event: &str, service: S) -> Result<Self, ConfigError>
    where
        S: Service<Request<VerifiedBody>, Response = Response<B>> + Clone + Send + 'static,
        S::Future: Send,
        S::Error: Into<BoxError> + Send,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let pattern = EventPattern::parse(event)?;
        Ok(self.change(|routes| routes.add(pattern, Arc::new(Served::new(service)))))
    }

    /// Takes what no route has, and deliveries without an event type.
    pub fn fallback<T, H>(self, handler: H) -> Self
    where
        H: Handler<T>,
        T: DeserializeOwned + Send + 'static,
    {
        self.change(|routes| routes.fallback = Some(Arc::new(Function::new(handler))))
    }

    /// Sets the status of a success that has none of its own; 204 by default.
    pub fn with_done_status(mut self, status: StatusCode) -> Self {
        self.done = status;
        self
    }

    /// Sets the status of what no route takes; 204 by default.
    pub fn with_ignored_status(mut self, status: StatusCode) -> Self {
        self.ignored = status;
        self
    }

    fn change(mut self, change: impl FnOnce(&mut Routes)) -> Self {
        let mut routes = (*self.routes).clone();
        change(&mut routes);
        self.routes = Arc::new(routes);
        self
    }
}

impl Default for Dispatch {
    fn default() -> Self {
        Self::new()
    }
}

impl<B> Service<Request<B>> for Dispatch {
    type Response = Response<DispatchBody>;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // Which handler it will be is not known yet: its service is polled in the call.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, req: Request<B>) -> ResponseFuture {
        let (head, _) = req.into_parts();
        // A router shows its own body; the proof lies in the extensions, where only `Verify` puts it.
        let Some(body) = head.extensions.get::<VerifiedBody>().cloned() else {
            return ResponseFuture::status(StatusCode::INTERNAL_SERVER_ERROR, None);
        };
        let Some(route) = self.routes.find(&body) else {
            return ResponseFuture::status(self.ignored, Some(Outcome::Ignored));
        };
        ResponseFuture {
            answer: route.call(Request::from_parts(head, body), self.done),
        }
    }
}

/// Response future for [`Dispatch`].
pub struct ResponseFuture {
    answer: Answer,
}

impl ResponseFuture {
    fn status(status: StatusCode, outcome: Option<Outcome>) -> Self {
        let mut response = Response::new(DispatchBody::empty());
        *response.status_mut() = status;
        if let Some(outcome) = outcome {
            response.extensions_mut().insert(outcome);
        }
        Self {
            answer: Box::pin(std::future::ready(response)),
        }
    }
}

impl Future for ResponseFuture {
    type Output = Result<Response<DispatchBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.answer.as_mut().poll(cx).map(Ok)
    }
}

impl fmt::Debug for Dispatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatch")
            .field("done", &self.done)
            .field("ignored", &self.ignored)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ResponseFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
