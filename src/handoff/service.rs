use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderValue, Request, Response, StatusCode};
use tokio::time::timeout;
use tower_service::Service;

use super::{Enqueued, Job, Queue, QueueError, QueueErrorKind};
use crate::dispatch::DispatchBody;
use crate::idempotency::{Grant, Retry};
use crate::verify::VerifiedBody;

/// A service that hands deliveries to a queue.
///
/// See the [module docs](crate::handoff).
#[must_use]
pub struct Handoff<Q> {
    queue: Arc<Q>,
    done: StatusCode,
    timeout: Duration,
}

impl<Q: Queue> Handoff<Q> {
    /// Hands to `queue`: 202, after an acknowledgement within 5 s.
    pub fn new(queue: Q) -> Self {
        Self {
            queue: Arc::new(queue),
            done: StatusCode::ACCEPTED,
            timeout: Duration::from_secs(5),
        }
    }
}

impl<Q> Handoff<Q> {
    /// Sets the status of what was enqueued; 202 by default. Some senders want exactly 200.
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.done = status;
        self
    }

    /// Sets how long the queue may take to acknowledge; 5 s by default. Past the deadline of the handler
    /// (240 s by default) it says nothing: that ends first.
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

impl<Q: Queue, B> Service<Request<B>> for Handoff<Q> {
    type Response = Response<DispatchBody>;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // A queue that is full may have room when the signature has been checked.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, req: Request<B>) -> ResponseFuture {
        // A router shows its own body; the proofs lie in the extensions, where only their rooms put them.
        let proofs = req.extensions();
        let (Some(body), Some(grant)) = (proofs.get::<VerifiedBody>(), proofs.get::<Grant>())
        else {
            let failure = answer(StatusCode::INTERNAL_SERVER_ERROR);
            return ResponseFuture::new(std::future::ready(failure));
        };
        let job = Job::new(body, grant);
        let (queue, done, patience) = (Arc::clone(&self.queue), self.done, self.timeout);
        ResponseFuture::new(async move {
            match timeout(patience, queue.enqueue(&job)).await {
                Ok(Ok(enqueued)) => accepted(enqueued, done),
                Ok(Err(err)) => refused(&err),
                Err(elapsed) => refused(&QueueError::unavailable(elapsed)),
            }
        })
    }
}

fn accepted(enqueued: Enqueued, done: StatusCode) -> Response<DispatchBody> {
    let mut response = answer(done);
    response.extensions_mut().insert(enqueued);
    response
}

fn refused(err: &QueueError) -> Response<DispatchBody> {
    #[cfg(feature = "tracing")]
    tracing::warn!(
        reason = %err,
        cause = std::error::Error::source(err).map(tracing::field::display),
        "webhook not enqueued"
    );
    let mut response = answer(StatusCode::SERVICE_UNAVAILABLE);
    let seconds = match err.kind() {
        QueueErrorKind::Unavailable => 5_u16,
        // Time to make room, or for somebody to act.
        QueueErrorKind::Full | QueueErrorKind::TooLarge => 30,
    };
    let headers = response.headers_mut();
    headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    response.extensions_mut().insert(Retry);
    response
}

fn answer(status: StatusCode) -> Response<DispatchBody> {
    let mut response = Response::new(DispatchBody::empty());
    *response.status_mut() = status;
    response
}

// Not derived, because that would require `Q: Clone`.
impl<Q> Clone for Handoff<Q> {
    fn clone(&self) -> Self {
        Self {
            queue: Arc::clone(&self.queue),
            done: self.done,
            timeout: self.timeout,
        }
    }
}

impl<Q> fmt::Debug for Handoff<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handoff")
            .field("done", &self.done)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// Response future for [`Handoff`].
pub struct ResponseFuture {
    // One allocation a delivery, after its signature matched.
    answer: Pin<Box<dyn Future<Output = Response<DispatchBody>> + Send>>,
}

impl ResponseFuture {
    fn new(answer: impl Future<Output = Response<DispatchBody>> + Send + 'static) -> Self {
        Self {
            answer: Box::pin(answer),
        }
    }
}

impl Future for ResponseFuture {
    type Output = Result<Response<DispatchBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.answer.as_mut().poll(cx).map(Ok)
    }
}

impl fmt::Debug for ResponseFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
