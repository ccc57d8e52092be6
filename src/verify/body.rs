use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::delivery::Delivery;
use crate::scheme::{Profile, Shape};
use crate::sync::OwnedSemaphorePermit;

/// Request body whose signature has been verified.
///
/// Only [`Verify`](super::Verify) can construct it, so holding one is proof that it was. A copy
/// lies in the extensions of the request, for services that see only a body of their own.
#[derive(Clone, Debug)]
pub struct VerifiedBody {
    bytes: Bytes,
    proof: Arc<Proof>,
    unread: bool,
}

#[derive(Debug)]
struct Proof {
    delivery: Delivery,
    profile: Arc<Profile>,
    shape: Shape,
    // Given back when the last copy of the body is dropped.
    _permit: Option<Permit>,
}

/// Bytes of the budget, or the proof before this one that holds them.
#[derive(Debug)]
enum Permit {
    Own { _permit: OwnedSemaphorePermit },
    Of { _proof: Arc<Proof> },
}

impl VerifiedBody {
    // `pub(super)`, not `pub(crate)`: no other room may mint the proof.
    pub(super) fn seal(
        bytes: Bytes,
        delivery: Delivery,
        profile: Arc<Profile>,
        shape: Shape,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Self {
        Self {
            bytes,
            proof: Arc::new(Proof {
                delivery,
                profile,
                shape,
                _permit: permit.map(|_permit| Permit::Own { _permit }),
            }),
            unread: true,
        }
    }

    /// Adds what the payload says. The bytes were signed, so the proof covers it.
    pub(crate) fn amend(&mut self, change: impl FnOnce(&mut Delivery)) {
        if let Some(proof) = Arc::get_mut(&mut self.proof) {
            return change(&mut proof.delivery);
        }
        let before = Arc::clone(&self.proof);
        let mut delivery = before.delivery.clone();
        change(&mut delivery);
        self.proof = Arc::new(Proof {
            delivery,
            profile: Arc::clone(&before.profile),
            shape: before.shape,
            _permit: Some(Permit::Of { _proof: before }),
        });
    }

    /// The shape of this payload.
    #[must_use]
    pub fn shape(&self) -> Shape {
        self.proof.shape
    }

    /// What the scheme promises of its deliveries.
    #[must_use]
    pub fn profile(&self) -> &Arc<Profile> {
        &self.proof.profile
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

    /// The exact bytes that were signed.
    fn as_bytes(&self) -> &Bytes;
}

/// A request body that nobody has claimed.
///
/// A task started under a claim could lose it without being told, and a window under a claim would
/// refuse a delivery that is then remembered as refused.
#[diagnostic::on_unimplemented(
    message = "`{Self}` already belongs to a claim",
    label = "this layer only accepts requests that have not passed `IdempotencyLayer` yet",
    note = "put this layer before `IdempotencyLayer`, in the same `ServiceBuilder`"
)]
pub trait Unclaimed: sealed::Sealed {}

impl Unclaimed for VerifiedBody {}

impl Verified for VerifiedBody {
    fn delivery(&self) -> &Delivery {
        &self.proof.delivery
    }

    fn as_bytes(&self) -> &Bytes {
        &self.bytes
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

pub(crate) mod sealed {
    /// Gives up the later proofs for the first.
    pub trait Sealed {
        fn into_verified(self) -> super::VerifiedBody;

        fn verified_mut(&mut self) -> &mut super::VerifiedBody;
    }

    impl Sealed for super::VerifiedBody {
        fn into_verified(self) -> Self {
            self
        }

        fn verified_mut(&mut self) -> &mut Self {
            self
        }
    }
}
