use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::ClientError;
use crate::outbound::failure::Failure;

/// The body of an answer, as it arrives. Dropped early, it ends the connection (HTTP/1.1) or the stream
/// (HTTP/2).
#[derive(Debug)]
pub struct AnswerBody(Incoming);

impl AnswerBody {
    pub(super) fn new(body: Incoming) -> Self {
        Self(body)
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = ClientError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ClientError>>> {
        let frame = Pin::new(&mut self.0).poll_frame(cx);
        frame.map_err(|err| ClientError::new(Failure::BodyError, err))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}
