use std::error::Error as StdError;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use http_body::Body;
use http_body_util::{LengthLimitError, Limited};
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep};

use super::BodyLimitLayer;
use crate::BoxError;
use crate::rejection::Rejection;
use crate::sync::OwnedSemaphorePermit;

pin_project! {
    /// A bounded body that nobody has verified.
    ///
    /// Deliberately not an [`http_body::Body`], so that unverified bytes cannot reach a handler.
    pub struct RawBody<B> {
        #[pin]
        inner: Limited<B>,
        // In a box, for bodies that are waited for: the future of every delivery would be as long.
        alarm: Option<Pin<Box<Sleep>>>,
        permit: Option<OwnedSemaphorePermit>,
        // When the sender was first waited for: before that no time passed.
        start: Option<Instant>,
        deadline: Duration,
        rate: u32,
        received: usize,
        // Whether the sender was waited for: only then did time pass.
        waits: bool,
    }
}

impl<B> RawBody<B> {
    pub(super) fn new(body: B, permit: OwnedSemaphorePermit, limits: &BodyLimitLayer) -> Self {
        Self {
            inner: Limited::new(body, limits.max as usize),
            alarm: None,
            permit: Some(permit),
            start: None,
            deadline: limits.deadline,
            rate: limits.rate,
            received: 0,
            waits: false,
        }
    }
}

impl<B> RawBody<B>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    /// Bytes to expect, as far as they are declared.
    pub(crate) fn expected(&self) -> usize {
        self.inner.size_hint().lower().try_into().unwrap_or(0)
    }

    /// The next bytes, or `None` at the end.
    pub(crate) fn poll_data(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Bytes>, Rejection>> {
        let mut this = self.project();
        loop {
            // Asked before the body, so that a trickle of frames does not outlive the deadline.
            if std::mem::take(this.waits)
                && let Some(start) = *this.start
                && Instant::now() >= start + allowed(*this.rate, *this.received).min(*this.deadline)
            {
                return Poll::Ready(Err(Rejection::BodyTimeout));
            }
            match this.inner.as_mut().poll_frame(cx) {
                Poll::Ready(None) => return Poll::Ready(Ok(None)),
                Poll::Ready(Some(Err(err))) => return Poll::Ready(Err(classify(&*err))),
                Poll::Ready(Some(Ok(frame))) => {
                    // Trailers are not signed by anybody: they end here.
                    let Ok(mut data) = frame.into_data() else {
                        continue;
                    };
                    *this.received += data.remaining();
                    return Poll::Ready(Ok(Some(data.copy_to_bytes(data.remaining()))));
                }
                Poll::Pending => *this.waits = true,
            }
            let start = *this.start.get_or_insert_with(Instant::now);
            let due = start + allowed(*this.rate, *this.received).min(*this.deadline);
            let alarm = this
                .alarm
                .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
            if alarm.deadline() != due {
                alarm.as_mut().reset(due);
            }
            ready!(alarm.as_mut().poll(cx));
        }
    }

    /// The permit of the budget, shrunk to what came.
    pub(crate) fn take_permit(self: Pin<&mut Self>) -> Option<OwnedSemaphorePermit> {
        let this = self.project();
        let mut permit = this.permit.take()?;
        permit.split(*this.received)
    }
}

/// How long a body that has brought `received` bytes may have taken.
fn allowed(rate: u32, received: usize) -> Duration {
    if rate == 0 {
        return Duration::MAX;
    }
    let received = u32::try_from(received).unwrap_or(u32::MAX);
    Duration::from_secs(1) + Duration::from_secs(1) * received / rate
}

/// Whether a limit of ours, or one further out, was passed.
fn classify(err: &(dyn StdError + 'static)) -> Rejection {
    let mut cause = Some(err);
    while let Some(err) = cause {
        if err.is::<LengthLimitError>() {
            return Rejection::TooLarge;
        }
        cause = err.source();
    }
    Rejection::BodyAborted
}

/// A request body that cannot outgrow its limit.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a bounded body",
    label = "this layer only accepts requests that already passed `BodyLimitLayer`",
    note = "put `BodyLimitLayer` before this layer, in the same `ServiceBuilder`"
)]
pub trait Bounded: sealed::Sealed {
    /// The body inside.
    type Inner;

    /// Gives the body as what it is.
    fn into_raw(self) -> RawBody<Self::Inner>;
}

impl<B> Bounded for RawBody<B> {
    type Inner = B;

    fn into_raw(self) -> Self {
        self
    }
}

mod sealed {
    pub trait Sealed {}

    impl<B> Sealed for super::RawBody<B> {}
}

impl<B> std::fmt::Debug for RawBody<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RawBody").finish_non_exhaustive()
    }
}
