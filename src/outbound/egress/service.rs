use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::Request;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::{Egress, EgressError};
use crate::BoxError;

/// Middleware that refuses requests by their URL, before the inner client sees them.
///
/// See the [module docs](crate::outbound::egress).
#[derive(Clone, Debug)]
pub struct Guard<S> {
    inner: S,
    egress: Egress,
}

impl<S> Guard<S> {
    pub(super) fn new(inner: S, egress: Egress) -> Self {
        Self { inner, egress }
    }
}

impl<S, B> Service<Request<B>> for Guard<S>
where
    S: Service<Request<B>>,
    S::Error: Into<BoxError>,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, req: Request<B>) -> Self::Future {
        let kind = match self.egress.check_url(req.uri()) {
            Ok(()) => Kind::Passed {
                future: self.inner.call(req),
            },
            Err(why) => Kind::Refused { why },
        };
        ResponseFuture { kind }
    }
}

pin_project! {
    /// Response future for [`Guard`].
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        kind: Kind<F>,
    }
}

pin_project! {
    #[project = KindProj]
    #[derive(Debug)]
    enum Kind<F> {
        Passed { #[pin] future: F },
        Refused { why: EgressError },
    }
}

impl<F, T, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<T, E>>,
    E: Into<BoxError>,
{
    type Output = Result<T, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match self.project().kind.project() {
            KindProj::Passed { future } => ready!(future.poll(cx)).map_err(Into::into),
            KindProj::Refused { why } => Err((*why).into()),
        })
    }
}
