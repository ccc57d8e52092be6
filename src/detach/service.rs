use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::DetachLayer;
use crate::body::ResponseBody;
use crate::outcome::Outcome;
use crate::rejection::Rejection;
use crate::report::Reporter;
use crate::sync::{JoinHandle, spawn};
use crate::verify::{Unclaimed, Verified};

/// Middleware that runs the inner service in a task of its own, from where it first waits.
///
/// See the [module docs](crate::detach).
#[derive(Clone, Debug)]
pub struct Detach<S> {
    inner: S,
    tasks: DetachLayer,
}

impl<S> Detach<S> {
    pub(super) fn new(inner: S, tasks: DetachLayer) -> Self {
        Self { inner, tasks }
    }
}

impl<S, B, R> Service<Request<B>> for Detach<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send + 'static,
    B: Verified + Unclaimed + Send + 'static,
    R: Send + 'static,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<R, S::Error>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        // The task waits for the inner service, so that waiting survives the sender too.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, req: Request<B>) -> Self::Future {
        let permit = match self.tasks.permit() {
            Ok(permit) => permit,
            Err(why) => return ResponseFuture::rejected(why),
        };
        let mut inner = self.inner.clone();
        let mut line = Line(req.extensions().get::<Reporter>().cloned());
        if let Some(reporter) = &line.0 {
            reporter.detached();
        }
        let task = async move {
            let _permit = permit;
            let result = match poll_fn(|cx| inner.poll_ready(cx)).await {
                Ok(()) => inner.call(req).await,
                Err(err) => Err(err),
            };
            line.finish(&result);
            result
        };
        #[cfg(feature = "tracing")]
        let task = tracing::Instrument::in_current_span(task);
        let kind = begin(Box::pin(task));
        ResponseFuture { kind }
    }
}

/// Does here what can be done without waiting, where no sender can stop it, and the rest in a task. To be woken
/// and to switch tasks costs more than a quick handler and a store in memory together.
fn begin<F, R, E>(mut task: Pin<Box<F>>) -> Kind<R, E>
where
    F: Future<Output = Result<Response<R>, E>> + Send + 'static,
    R: Send + 'static,
    E: Send + 'static,
{
    // The task polls again, so nobody has to be woken for this.
    let mut cx = Context::from_waker(Waker::noop());
    match catch_unwind(AssertUnwindSafe(|| task.as_mut().poll(&mut cx))) {
        Ok(Poll::Ready(result)) => Kind::Done {
            result: Some(result),
        },
        Ok(Poll::Pending) => Kind::Task { task: spawn(task) },
        Err(_) => Kind::Rejected {
            why: Rejection::HandlerPanic,
        },
    }
}

/// Says how the task ended; dropped before it could say so, that it panicked.
struct Line(Option<Reporter>);

impl Line {
    fn finish<R, E>(&mut self, result: &Result<Response<R>, E>) {
        if let Some(reporter) = self.0.take() {
            let response = result.as_ref().ok();
            let outcome = response.map_or(Outcome::HandlerError, Outcome::of);
            let incident = response.and_then(|res| res.extensions().get().copied());
            reporter.finished(outcome, incident);
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if let Some(reporter) = self.0.take() {
            reporter.finished(Rejection::HandlerPanic.into(), None);
        }
    }
}

pin_project! {
    /// Response future for [`Detach`]. Dropping it does not stop the task.
    #[derive(Debug)]
    pub struct ResponseFuture<R, E> {
        #[pin]
        kind: Kind<R, E>,
    }
}

pin_project! {
    #[project = KindProj]
    #[derive(Debug)]
    enum Kind<R, E> {
        Done { result: Option<Result<Response<R>, E>> },
        Task { #[pin] task: JoinHandle<Result<Response<R>, E>> },
        Rejected { why: Rejection },
    }
}

impl<R, E> ResponseFuture<R, E> {
    fn rejected(why: Rejection) -> Self {
        Self {
            kind: Kind::Rejected { why },
        }
    }
}

impl<R, E> Future for ResponseFuture<R, E> {
    type Output = Result<Response<ResponseBody<R>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match self.project().kind.project() {
            KindProj::Done { result } => {
                let result = result.take().expect("polled after completion");
                result.map(|res| res.map(ResponseBody::inner))
            }
            KindProj::Task { task } => match ready!(task.poll(cx)) {
                Ok(result) => result.map(|res| res.map(ResponseBody::inner)),
                Err(err) if err.is_panic() => Ok(Rejection::HandlerPanic.response()),
                // Nobody but a runtime that shuts down aborts the task.
                Err(_) => Ok(Rejection::Draining.response()),
            },
            KindProj::Rejected { why } => Ok(why.response()),
        })
    }
}
