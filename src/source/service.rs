use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::SourceLayer;
use crate::body::ResponseBody;
use crate::rejection::{Rejection, ResponseFuture};

/// Middleware that denies senders by their address.
///
/// See the [module docs](crate::source).
#[derive(Clone, Debug)]
pub struct Source<S> {
    inner: S,
    layer: SourceLayer,
}

impl<S> Source<S> {
    pub(super) fn new(inner: S, layer: SourceLayer) -> Self {
        Self { inner, layer }
    }
}

impl<S, B, R> Service<Request<B>> for Source<S>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, req: Request<B>) -> Self::Future {
        let Some(list) = &self.layer.list else {
            return ResponseFuture::inner(self.inner.call(req));
        };
        let (head, body) = req.into_parts();
        let address = self.layer.client.find(&head);
        if !address.is_some_and(|address| list.contains(address)) {
            return ResponseFuture::rejected(Rejection::IpDenied);
        }
        ResponseFuture::inner(self.inner.call(Request::from_parts(head, body)))
    }
}
