use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::Grant;
use crate::delivery::Delivery;
use crate::replay::FreshBody;
use crate::store::{Fence, IdemKey};
use crate::verify::{Verified, VerifiedBody, sealed};

pin_project! {
    /// Request body that is authentic, fresh and claimed by this call.
    ///
    /// Only [`Idempotency`](super::Idempotency) can construct it.
    #[derive(Clone, Debug)]
    pub struct ClaimedBody {
        #[pin]
        fresh: FreshBody,
        grant: Grant,
    }
}

impl ClaimedBody {
    // `pub(super)`, not `pub(crate)`: no other room may mint the proof.
    pub(super) fn seal(fresh: FreshBody, grant: Grant) -> Self {
        Self { fresh, grant }
    }

    /// The claim, also in the extensions of the request.
    #[must_use]
    pub fn grant(&self) -> &Grant {
        &self.grant
    }

    /// The key of the delivery.
    #[must_use]
    pub fn key(&self) -> &IdemKey {
        self.grant.key()
    }

    /// The token of the claim. A later run of the same delivery has a greater one.
    #[must_use]
    pub fn fence(&self) -> Fence {
        self.grant.fence()
    }
}

impl Verified for ClaimedBody {
    fn delivery(&self) -> &Delivery {
        self.fresh.delivery()
    }

    fn as_bytes(&self) -> &Bytes {
        self.fresh.as_bytes()
    }
}

impl Body for ClaimedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.project().fresh.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.fresh.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.fresh.size_hint()
    }
}

impl sealed::Sealed for ClaimedBody {
    fn into_verified(self) -> VerifiedBody {
        self.fresh.into_verified()
    }

    fn verified_mut(&mut self) -> &mut VerifiedBody {
        self.fresh.verified_mut()
    }
}
