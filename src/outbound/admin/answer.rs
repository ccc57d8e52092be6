use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, ETAG};
use http::{HeaderValue, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use serde::Serialize;

use super::problem::Problem;

/// The body of an answer: all there at once.
#[derive(Clone, Debug, Default)]
pub struct AdminBody(Full<Bytes>);

pub(super) type Answer = Result<Response<AdminBody>, Problem>;

impl AdminBody {
    pub(super) fn new(bytes: Bytes) -> Self {
        Self(Full::new(bytes))
    }
}

/// An answer in JSON.
pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Response<AdminBody> {
    let bytes = serde_json::to_vec(value).expect("texts, numbers and lists can be written");
    written(status, "application/json", bytes.into())
}

/// An answer that is written already.
pub(super) fn written(
    status: StatusCode,
    media_type: &'static str,
    bytes: Bytes,
) -> Response<AdminBody> {
    let mut response = Response::new(AdminBody::new(bytes));
    *response.status_mut() = status;
    let media_type = HeaderValue::from_static(media_type);
    response.headers_mut().insert(CONTENT_TYPE, media_type);
    response
}

/// With the version of an endpoint's settings as its tag. Its health may change without.
pub(super) fn tagged(mut response: Response<AdminBody>, version: i64) -> Response<AdminBody> {
    if let Ok(tag) = HeaderValue::try_from(format!("\"{version}\"")) {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

impl Body for AdminBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.0).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}
