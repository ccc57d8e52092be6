use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::OpenEnvelopeLayer;
use crate::body::ResponseBody;
use crate::delivery::DeliveryId;
use crate::rejection::{Rejection, ResponseFuture};
use crate::scan::scan;
use crate::verify::{Unclaimed, Verified, VerifiedBody};

/// Middleware that checks the shape of payloads.
///
/// See the [module docs](crate::envelope).
#[derive(Clone, Debug)]
pub struct OpenEnvelope<S> {
    inner: S,
    layer: OpenEnvelopeLayer,
}

impl<S> OpenEnvelope<S> {
    pub(super) fn new(inner: S, layer: OpenEnvelopeLayer) -> Self {
        Self { inner, layer }
    }

    fn ignores(&self, body: &VerifiedBody) -> bool {
        let events = body.profile().events().or(self.layer.events.as_ref());
        let event = body.delivery().event_type.as_deref();
        events
            .zip(event)
            .is_some_and(|(events, event)| !events.matches(event))
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
        match open(req.body_mut().verified_mut()) {
            Ok(amended) => {
                if self.ignores(req.body_mut().verified_mut()) {
                    return ResponseFuture::ignored(self.layer.ignored);
                }
                if let Some(copy) = amended {
                    req.extensions_mut().insert(copy);
                }
                ResponseFuture::inner(self.inner.call(req))
            }
            Err(why) => ResponseFuture::rejected(why),
        }
    }
}

/// Writes what the payload says into the delivery; gives a copy where that changed it.
fn open(body: &mut VerifiedBody) -> Result<Option<VerifiedBody>, Rejection> {
    let profile = body.profile();
    let is_signed = profile.signs_body();
    let wanted = [profile.id(), profile.event_type()];
    let [id, event_type] = scan(body.as_bytes(), body.shape(), wanted)?;
    if id.is_none() && event_type.is_none() {
        return Ok(None);
    }
    body.amend(|delivery| {
        if let Some(id) = id {
            delivery.id = if is_signed {
                DeliveryId::Signed(id)
            } else {
                DeliveryId::Unsigned(id)
            };
        }
        if let Some(event_type) = event_type {
            delivery.event_type = Some(event_type);
            delivery.event_type_signed = is_signed;
        }
    });
    Ok(Some(body.clone()))
}
