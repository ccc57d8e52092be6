use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderValue, Request};
use http_body::{Body, Frame, SizeHint};

/// A body that comes in frames of one length.
#[derive(Clone)]
pub(crate) struct Frames {
    left: Bytes,
    frame: usize,
}

impl Frames {
    pub(crate) fn new(body: Bytes, frame: usize) -> Self {
        Self { left: body, frame }
    }
}

impl Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left.is_empty() {
            return Poll::Ready(None);
        }
        let next = self.frame.min(self.left.len());
        Poll::Ready(Some(Ok(Frame::data(self.left.split_to(next)))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left.len() as u64)
    }
}

pub(crate) type Delivery = Request<Frames>;

/// What a delivery looks like, beside its id.
#[derive(Clone)]
pub(crate) struct Model {
    pub(crate) body: Bytes,
    pub(crate) frame: usize,
    pub(crate) signature: HeaderValue,
}

impl Model {
    pub(crate) fn new(body: Bytes, frame: usize) -> Self {
        let signature = super::signature(&body);
        Self {
            signature: signature.try_into().expect("hex digits"),
            body,
            frame,
        }
    }

    /// As it is, but its signature has another last digit.
    pub(crate) fn forged(&self) -> Self {
        let mut signature = self.signature.as_bytes().to_vec();
        let last = signature.last_mut().expect("not empty");
        *last = if *last == b'0' { b'1' } else { b'0' };
        Self {
            signature: HeaderValue::from_bytes(&signature).expect("hex digits"),
            ..self.clone()
        }
    }

    /// A delivery with the headers that GitHub sends. What differs is the id.
    pub(crate) fn delivery(&self, id: u64) -> Delivery {
        Request::post("/webhooks/github")
            .header("host", "receiver.example")
            .header("user-agent", "GitHub-Hookshot/1a2b3c4")
            .header("accept", "*/*")
            .header("content-type", "application/json")
            .header("content-length", self.body.len())
            .header("x-github-delivery", format!("72d3162e-cc78-11e3-{id:017}"))
            .header("x-github-event", "push")
            .header("x-github-hook-id", "292430182")
            .header("x-hub-signature-256", &self.signature)
            .body(Frames::new(self.body.clone(), self.frame))
            .expect("the parts are valid")
    }

    pub(crate) fn deliveries(&self, serial: &mut u64, count: usize) -> Vec<Delivery> {
        let next = || {
            *serial += 1;
            self.delivery(*serial)
        };
        std::iter::repeat_with(next).take(count).collect()
    }
}
