use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::OwnedSemaphorePermit;

use crate::delivery::Delivery;

/// Request body whose signature has been verified.
///
/// Only [`Verify`](super::Verify) can construct it, so holding one is proof that it was.
#[derive(Clone, Debug)]
pub struct VerifiedBody {
    bytes: Bytes,
    proof: Arc<Proof>,
    unread: bool,
}

#[derive(Debug)]
struct Proof {
    delivery: Delivery,
    // Given back when the last copy of the body is dropped.
    _permit: Option<OwnedSemaphorePermit>,
}

impl VerifiedBody {
    // `pub(super)`, not `pub(crate)`: no other room may mint the proof.
    pub(super) fn seal(
        bytes: Bytes,
        delivery: Delivery,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Self {
        Self {
            bytes,
            proof: Arc::new(Proof {
                delivery,
                _permit: permit,
            }),
            unread: true,
        }
    }

    /// The exact bytes that were signed.
    #[must_use]
    pub fn as_bytes(&self) -> &Bytes {
        &self.bytes
    }
}

/// A request body that is known to be authentic.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a verified webhook body",
    label = "this layer only accepts requests that already passed `VerifyLayer`",
    note = "put `VerifyLayer` before this layer, in the same `ServiceBuilder`"
)]
pub trait Verified: sealed::Sealed {
    /// What verification established.
    fn delivery(&self) -> &Delivery;
}

impl Verified for VerifiedBody {
    fn delivery(&self) -> &Delivery {
        &self.proof.delivery
    }
}

impl Body for VerifiedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let unread = std::mem::take(&mut self.unread);
        let data = (unread && !self.bytes.is_empty()).then(|| self.bytes.clone());
        Poll::Ready(data.map(|data| Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        !self.unread || self.bytes.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(if self.unread {
            self.bytes.len() as u64
        } else {
            0
        })
    }
}

mod sealed {
    pub trait Sealed {}

    impl Sealed for super::VerifiedBody {}
}
