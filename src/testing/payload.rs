use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// The body of a [`Delivery`](super::Delivery).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    rest: Bytes,
    frame: Option<usize>,
}

impl Payload {
    pub(super) fn new(bytes: Bytes, frame: Option<usize>) -> Self {
        Self { rest: bytes, frame }
    }

    /// The bytes that were not polled yet.
    #[must_use]
    pub fn as_bytes(&self) -> &Bytes {
        &self.rest
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let len = self.frame.unwrap_or(usize::MAX).min(self.rest.len());
        let data = self.rest.split_to(len);
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        match self.frame {
            // What is sent in pieces does not say how much it is.
            Some(_) => SizeHint::default(),
            None => SizeHint::with_exact(self.rest.len() as u64),
        }
    }
}

impl From<Payload> for Bytes {
    fn from(payload: Payload) -> Self {
        payload.rest
    }
}
