use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::delivery::Delivery;
use crate::scheme::Profile;
use crate::time::Clock;
use crate::verify::{Unclaimed, Verified, VerifiedBody, sealed};

pin_project! {
    /// Request body that is authentic and inside the replay window.
    ///
    /// Only [`ReplayWindow`](super::ReplayWindow) can construct it.
    #[derive(Clone, Debug)]
    pub struct FreshBody {
        #[pin]
        verified: VerifiedBody,
        memory: Memory,
    }
}

/// The window by which the memory of an acceptance is judged, for schemes that sign no time.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    pub(super) past: u64,
    pub(super) future: u64,
    pub(super) clock: Arc<dyn Clock>,
}

impl FreshBody {
    // `pub(super)`, not `pub(crate)`: no other room may mint the proof.
    pub(super) fn seal(verified: VerifiedBody, memory: Memory) -> Self {
        Self { verified, memory }
    }

    /// What the scheme promises of its deliveries.
    pub(crate) fn profile(&self) -> &Profile {
        self.verified.profile()
    }

    /// The time, by the clock of the window.
    pub(crate) fn unix_seconds(&self) -> i64 {
        self.memory.clock.unix_seconds()
    }

    /// How long after its completion a delivery with a signed time could still pass the window.
    pub(crate) fn window(&self) -> Duration {
        Duration::from_secs(self.memory.past.saturating_add(self.memory.future))
    }

    /// Whether a delivery that signs no time, and that was first accepted at `accepted_at` (Unix
    /// seconds), is outside the window by now. Where the time is signed, that alone decides.
    #[must_use]
    pub fn is_stale_since(&self, accepted_at: i64) -> bool {
        let age = self.unix_seconds().saturating_sub(accepted_at);
        self.delivery().timestamp.is_none()
            && age > i64::try_from(self.memory.past).unwrap_or(i64::MAX)
    }
}

impl Verified for FreshBody {
    fn delivery(&self) -> &Delivery {
        self.verified.delivery()
    }

    fn as_bytes(&self) -> &Bytes {
        self.verified.as_bytes()
    }
}

/// A request body that is known to be authentic and fresh.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has not passed the replay window",
    label = "this layer only accepts requests that already passed `ReplayWindowLayer`",
    note = "put `ReplayWindowLayer` before this layer, in the same `ServiceBuilder`"
)]
pub trait Fresh: Verified + door::IntoFresh {}

impl Fresh for FreshBody {}

impl Unclaimed for FreshBody {}

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

impl sealed::Sealed for FreshBody {
    fn into_verified(self) -> VerifiedBody {
        self.verified
    }

    fn verified_mut(&mut self) -> &mut VerifiedBody {
        &mut self.verified
    }
}

mod door {
    /// Gives the body as what it is.
    pub trait IntoFresh {
        fn into_fresh(self) -> super::FreshBody;
    }
}

impl door::IntoFresh for FreshBody {
    fn into_fresh(self) -> FreshBody {
        self
    }
}
