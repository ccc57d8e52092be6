use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::delivery::Delivery;
use crate::verify::{Verified, VerifiedBody};

pin_project! {
    /// Request body that is authentic and inside the replay window.
    ///
    /// Only [`ReplayWindow`](super::ReplayWindow) can construct it.
    #[derive(Clone, Debug)]
    pub struct FreshBody {
        #[pin]
        verified: VerifiedBody,
    }
}

impl FreshBody {
    // `pub(super)`, not `pub(crate)`: no other room may mint the proof.
    pub(super) fn seal(verified: VerifiedBody) -> Self {
        Self { verified }
    }

    /// The exact bytes that were signed.
    #[must_use]
    pub fn as_bytes(&self) -> &Bytes {
        self.verified.as_bytes()
    }

    /// What verification established.
    #[must_use]
    pub fn delivery(&self) -> &Delivery {
        self.verified.delivery()
    }
}

/// A request body that is known to be authentic and fresh.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has not passed the replay window",
    label = "this layer only accepts requests that already passed `ReplayWindowLayer`",
    note = "put `ReplayWindowLayer` before this layer, in the same `ServiceBuilder`"
)]
pub trait Fresh: sealed::Sealed {}

impl Fresh for FreshBody {}

impl Body for FreshBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.project().verified.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.verified.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.verified.size_hint()
    }
}

mod sealed {
    pub trait Sealed {}

    impl Sealed for super::FreshBody {}
}
