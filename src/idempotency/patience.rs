use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep};

/// How long one call of the store may take.
pub(super) const PATIENCE: Duration = Duration::from_millis(500);

/// What `call` gives, or nothing after a while, and when that while ends or has ended, where it was waited for.
///
/// By hand, for an `async fn` would have room for `call` three times. The clock is read, and the alarm set, only
/// where `call` does not answer at once, as stores in memory do.
pub(super) fn patiently<F: Future>(call: F) -> Patience<F> {
    Patience { call, alarm: None }
}

pin_project! {
    pub(super) struct Patience<F> {
        #[pin]
        call: F,
        alarm: Option<Pin<Box<Sleep>>>,
    }
}

impl<F: Future> Future for Patience<F> {
    type Output = (Option<F::Output>, Option<Instant>);

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(answer) = this.call.poll(cx) {
            let until = this.alarm.as_ref().map(|alarm| alarm.deadline());
            return Poll::Ready((Some(answer), until));
        }
        let alarm = this.alarm.get_or_insert_with(|| Box::pin(sleep(PATIENCE)));
        let polled = alarm.as_mut().poll(cx);
        polled.map(|()| (None, Some(alarm.deadline())))
    }
}
