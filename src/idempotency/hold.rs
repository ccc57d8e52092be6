use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};

use super::claim::Ticket;
use super::patience::PATIENCE;
use crate::store::{Held, IdempotencyStore};

/// How the work under a claim ended.
pub(super) enum End<T> {
    Done(T),
    Panicked,
    TimedOut,
    LeaseLost,
}

/// Does `work` until `alarm`, while the claim is renewed. Work that is given up is the caller's to drop.
pub(super) async fn work_under<St: IdempotencyStore, F: Future>(
    ticket: &mut Ticket<St>,
    alarm: Instant,
    mut work: Pin<&mut F>,
) -> End<F::Output> {
    if let Poll::Ready(end) = poll_fn(|cx| Poll::Ready(go_on(work.as_mut(), cx))).await {
        return end;
    }
    // In a box of its own, for work that waits: what is done at once needs neither alarm nor renewal.
    Box::pin(wait_under(ticket, alarm, work)).await
}

async fn wait_under<St: IdempotencyStore, F: Future>(
    ticket: &mut Ticket<St>,
    alarm: Instant,
    mut work: Pin<&mut F>,
) -> End<F::Output> {
    let mut since = ticket.since;
    let mut is_polled = true;
    let end = {
        let mut renewing = pin!(keep_renewing(ticket, &mut since));
        let mut alarm = pin!(sleep_until(alarm));
        poll_fn(|cx| {
            // The work first: what is done is done, whatever the clock says. But not twice at once: work may
            // have given way to others.
            if !std::mem::take(&mut is_polled)
                && let Poll::Ready(end) = go_on(work.as_mut(), cx)
            {
                return Poll::Ready(end);
            }
            if renewing.as_mut().poll(cx).is_ready() {
                return Poll::Ready(End::LeaseLost);
            }
            alarm.as_mut().poll(cx).map(|()| End::TimedOut)
        })
        .await
    };
    ticket.since = since;
    end
}

fn go_on<F: Future>(work: Pin<&mut F>, cx: &mut Context<'_>) -> Poll<End<F::Output>> {
    match catch_unwind(AssertUnwindSafe(|| work.poll(cx))) {
        Ok(polled) => polled.map(End::Done),
        Err(_) => Poll::Ready(End::Panicked),
    }
}

/// Renews the claim after each third of the lease. Returns when it is lost, or when it may be: no
/// renewal for 0.95 of the lease by our own clock, whatever the store is doing then.
async fn keep_renewing<St: IdempotencyStore>(ticket: &Ticket<St>, since: &mut Instant) {
    let lease = ticket.lease;
    loop {
        sleep_until(*since + lease / 3).await;
        match timeout_at(*since + lease * 19 / 20, renew(ticket)).await {
            Ok(Some(asked)) => *since = asked,
            Ok(None) | Err(_) => return,
        }
    }
}

/// When the renewal was asked for that the store granted, or `None` where the claim is lost.
async fn renew<St: IdempotencyStore>(ticket: &Ticket<St>) -> Option<Instant> {
    let lease = ticket.lease;
    loop {
        let asked = Instant::now();
        let Some(store) = &ticket.store else {
            return Some(asked);
        };
        let renewal = store.renew(&ticket.key, ticket.fence, lease);
        match timeout(PATIENCE.min(lease / 10), renewal).await {
            Ok(Ok(Held::Yes)) => return Some(asked),
            Ok(Ok(Held::Lost)) => return None,
            Ok(Err(_)) | Err(_) => sleep(lease / 20).await,
        }
    }
}
