//! The client of attempts, whatever it is.

use std::future::poll_fn;
use std::pin::Pin;

use bytes::{Buf as _, Bytes};
use http::{Request, Response};
use http_body::Body;
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use tower_service::Service;

use super::DeliveryBody;
use crate::BoxError;

pub(crate) type AnswerBody = UnsyncBoxBody<Bytes, BoxError>;
type Sending = Pin<Box<dyn Future<Output = Result<Response<AnswerBody>, BoxError>> + Send>>;

/// Sends a request. Every HTTP client that is a tower service does.
pub(crate) trait Transport: Send + Sync {
    fn send(&self, request: Request<DeliveryBody>) -> Sending;
}

impl<C, B> Transport for C
where
    C: Service<Request<DeliveryBody>, Response = Response<B>> + Clone + Send + Sync + 'static,
    C::Error: Into<BoxError>,
    C::Future: Send,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    fn send(&self, request: Request<DeliveryBody>) -> Sending {
        let mut client = self.clone();
        Box::pin(async move {
            poll_fn(|cx| client.poll_ready(cx))
                .await
                .map_err(Into::into)?;
            let answer = client.call(request).await.map_err(Into::into)?;
            Ok(answer.map(|body| {
                let frames = body.map_frame(|frame| {
                    frame.map_data(|mut data| data.copy_to_bytes(data.remaining()))
                });
                frames.map_err(Into::into).boxed_unsync()
            }))
        })
    }
}
