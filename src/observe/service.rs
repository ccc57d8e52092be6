use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::ObserveLayer;
use super::answer::{finish, wants_grpc};
use crate::body::ResponseBody;
use crate::outcome::Outcome;
use crate::rejection::Rejection;
use crate::report::Reporter;
use crate::span::RequestSpan;

/// Middleware that reports outcomes.
///
/// See the [module docs](crate::observe).
#[derive(Clone, Debug)]
pub struct Observe<S> {
    inner: S,
    layer: ObserveLayer,
}

impl<S> Observe<S> {
    pub(super) fn new(inner: S, layer: ObserveLayer) -> Self {
        Self { inner, layer }
    }
}

impl<S, B, R> Service<Request<B>> for Observe<S>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut req: Request<B>) -> Self::Future {
        let span = RequestSpan::open(&req);
        let line = Line {
            reporter: Reporter::new(self.layer.observer.clone(), span.clone()),
            is_open: true,
        };
        let is_grpc = wants_grpc(req.headers());
        let kind = if self.layer.is_enabled {
            req.extensions_mut().insert(line.reporter.clone());
            Kind::Inner {
                future: span.in_scope(|| self.inner.call(req)),
            }
        } else {
            Kind::Disabled
        };
        ResponseFuture {
            kind,
            line,
            layer: self.layer.clone(),
            is_grpc,
            span,
        }
    }
}

/// Reports a hang-up when it is dropped open.
struct Line {
    reporter: Reporter,
    is_open: bool,
}

impl Drop for Line {
    fn drop(&mut self) {
        if self.is_open {
            self.reporter.hung_up();
        }
    }
}

pin_project! {
    /// Response future for [`Observe`].
    pub struct ResponseFuture<F> {
        #[pin]
        kind: Kind<F>,
        line: Line,
        layer: ObserveLayer,
        is_grpc: bool,
        span: RequestSpan,
    }
}

pin_project! {
    #[project = KindProj]
    enum Kind<F> {
        Inner { #[pin] future: F },
        Disabled,
    }
}

impl<F, R, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = Result<Response<ResponseBody<R>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = match this.kind.project() {
            KindProj::Inner { future } => {
                let polled = this.span.in_scope(|| future.poll(cx));
                ready!(polled).map(|res| res.map(ResponseBody::inner))
            }
            KindProj::Disabled => Ok(Rejection::Disabled.response()),
        };
        this.line.is_open = false;
        let outcome = result.as_ref().map_or(Outcome::HandlerError, Outcome::of);
        let incident = result
            .as_ref()
            .ok()
            .and_then(|res| res.extensions().get().copied());
        let cause = result.as_ref().ok().and_then(|res| res.extensions().get());
        if let Some(&cause) = cause {
            this.line.reporter.unauthenticated(cause);
        }
        let result = result.map(|res| finish(res, this.layer.look.as_ref(), *this.is_grpc));
        let status = result.as_ref().ok().map(Response::status);
        this.line.reporter.answered(outcome, incident, status);
        Poll::Ready(result)
    }
}

impl<F> std::fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
