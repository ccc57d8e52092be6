use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::CONTENT_ENCODING;
use http::request::Parts;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::{ResponseFuture, VerifiedBody};
use crate::BoxError;
use crate::body::ResponseBody;
use crate::limit::Bounded;
use crate::rejection::Rejection;
use crate::scheme::Authenticator;

/// Middleware that verifies signatures.
///
/// See the [module docs](crate::verify).
#[derive(Debug)]
pub struct Verify<S, V> {
    inner: S,
    scheme: Arc<V>,
}

impl<S, V> Verify<S, V> {
    pub(super) fn new(inner: S, scheme: Arc<V>) -> Self {
        Self { inner, scheme }
    }
}

impl<S, V, B, R> Service<Request<B>> for Verify<S, V>
where
    S: Service<Request<VerifiedBody>, Response = Response<R>> + Clone,
    V: Authenticator,
    B: Bounded,
    B::Inner: Body,
    <B::Inner as Body>::Error: Into<BoxError>,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, V, B::Inner>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        // The inner service is polled after the proof: readiness held here is held by forgers.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, req: Request<B>) -> Self::Future {
        let (head, body) = req.into_parts();
        match check(&head) {
            Ok(()) => {
                let opening = self.scheme.open(&head);
                ResponseFuture::new(self.inner.clone(), opening, head, body.into_raw())
            }
            Err(why) => ResponseFuture::rejected(why),
        }
    }
}

fn check(head: &Parts) -> Result<(), Rejection> {
    let mut encodings = head.headers.get_all(CONTENT_ENCODING).iter();
    if encodings.any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(Rejection::Encoding);
    }
    Ok(())
}

// Not derived, because that would require `V: Clone`.
impl<S: Clone, V> Clone for Verify<S, V> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            scheme: Arc::clone(&self.scheme),
        }
    }
}
