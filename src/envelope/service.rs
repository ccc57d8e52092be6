use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::scan::scan;
use crate::body::ResponseBody;
use crate::delivery::DeliveryId;
use crate::rejection::Rejection;
use crate::verify::{Unclaimed, Verified, VerifiedBody};

/// Middleware that checks the shape of payloads.
///
/// See the [module docs](crate::envelope).
#[derive(Clone, Debug)]
pub struct OpenEnvelope<S> {
    inner: S,
}

impl<S> OpenEnvelope<S> {
    pub(super) fn new(inner: S) -> Self {
        Self { inner }
    }
}

impl<S, B, R> Service<Request<B>> for OpenEnvelope<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    B: Verified + Unclaimed,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut req: Request<B>) -> Self::Future {
        let kind = match open(req.body_mut().verified_mut()) {
            Ok(amended) => {
                if let Some(copy) = amended {
                    req.extensions_mut().insert(copy);
                }
                let future = self.inner.call(req);
                Kind::Inner { future }
            }
            Err(why) => Kind::Rejected { why },
        };
        ResponseFuture { kind }
    }
}

/// Writes what the payload says into the delivery; gives a copy where that changed it.
fn open(body: &mut VerifiedBody) -> Result<Option<VerifiedBody>, Rejection> {
    let found = scan(body.as_bytes(), body.shape(), body.profile())?;
    if found.id.is_none() && found.event_type.is_none() {
        return Ok(None);
    }
    body.amend(|delivery| {
        if let Some(id) = found.id {
            delivery.id = DeliveryId::Signed(id);
        }
        if let Some(event_type) = found.event_type {
            delivery.event_type = Some(event_type);
            delivery.event_type_signed = true;
        }
    });
    Ok(Some(body.clone()))
}

pin_project! {
    /// Response future for [`OpenEnvelope`].
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
