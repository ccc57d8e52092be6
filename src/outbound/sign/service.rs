use std::task::{Context, Poll};

use http::Request;
use http_body::Body;
use tower_service::Service;

use super::{ResponseFuture, SignLayer};
use crate::BoxError;
use crate::outbound::DeliveryBody;

/// Middleware that signs requests.
///
/// See the [module docs](crate::outbound::sign).
#[derive(Clone, Debug)]
pub struct Sign<S> {
    inner: S,
    settings: SignLayer,
}

impl<S> Sign<S> {
    pub(super) fn new(inner: S, settings: SignLayer) -> Self {
        Self { inner, settings }
    }
}

impl<S, B> Service<Request<B>> for Sign<S>
where
    S: Service<Request<DeliveryBody>> + Clone,
    S::Error: Into<BoxError>,
    B: Body,
    B::Error: Into<BoxError>,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = ResponseFuture<S, S::Future, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, req: Request<B>) -> Self::Future {
        // The body is collected first, and it is the one that was ready that is then called.
        let clone = self.inner.clone();
        let ready = std::mem::replace(&mut self.inner, clone);
        ResponseFuture::new(ready, self.settings.clone(), req)
    }
}
