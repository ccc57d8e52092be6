use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::{BodyLimitLayer, RawBody};
use crate::body::ResponseBody;
use crate::rejection::Rejection;

/// Middleware that bounds bodies.
///
/// See the [module docs](crate::limit).
#[derive(Clone, Debug)]
pub struct BodyLimit<S> {
    inner: S,
    limits: BodyLimitLayer,
}

impl<S> BodyLimit<S> {
    pub(super) fn new(inner: S, limits: BodyLimitLayer) -> Self {
        Self { inner, limits }
    }
}

impl<S, B, R> Service<Request<B>> for BodyLimit<S>
where
    S: Service<Request<RawBody<B>>, Response = Response<R>>,
    B: Body,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, req: Request<B>) -> Self::Future {
        let BodyLimitLayer { max, budget, .. } = &self.limits;
        let hint = req.body().size_hint();
        if hint.lower() > u64::from(*max) {
            return ResponseFuture::rejected(Rejection::TooLarge);
        }
        // The whole length at once: bodies that each hold a part of the budget would deadlock.
        let upper = hint.upper().and_then(|upper| u32::try_from(upper).ok());
        let most = upper.map_or(*max, |upper| upper.min(*max));
        let Ok(permit) = Arc::clone(budget).try_acquire_many_owned(most) else {
            return ResponseFuture::rejected(Rejection::Shed);
        };
        let req = req.map(|body| RawBody::new(body, permit, &self.limits));
        ResponseFuture {
            kind: Kind::Inner {
                future: self.inner.call(req),
            },
        }
    }
}

pin_project! {
    /// Response future for [`BodyLimit`].
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
        Inner { #[pin] future: F },
        Rejected { why: Rejection },
    }
}

impl<F> ResponseFuture<F> {
    fn rejected(why: Rejection) -> Self {
        Self {
            kind: Kind::Rejected { why },
        }
    }
}

impl<F, R, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = Result<Response<ResponseBody<R>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match self.project().kind.project() {
            KindProj::Inner { future } => {
                ready!(future.poll(cx)).map(|res| res.map(ResponseBody::inner))
            }
            KindProj::Rejected { why } => Ok(why.response()),
        })
    }
}
