use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::{BodyLimitLayer, RawBody};
use crate::body::ResponseBody;
use crate::rejection::{Rejection, ResponseFuture};

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
        ResponseFuture::inner(self.inner.call(req))
    }
}
