use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};

use super::claim::{PATIENCE, Ticket};
use crate::store::{Held, IdempotencyStore};

/// How the work under a claim ended.
pub(super) enum End<T> {
    Done(T),
    Panicked,
    TimedOut,
    LeaseLost,
}

/// Does `work` while the claim is renewed. Work that is given up is dropped before this returns.
pub(super) async fn work_under<St: IdempotencyStore, F: Future>(
    ticket: &mut Ticket<St>,
    deadline: Duration,
    work: F,
) -> End<F::Output> {
    let mut since = ticket.since;
    let end = {
        let mut work = pin!(work);
        let mut renewing = pin!(keep_renewing(ticket, &mut since));
        let mut alarm = pin!(sleep(deadline));
        poll_fn(|cx| {
            // The work first: what is done is done, whatever the clock says.
            match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx))) {
                Err(_) => return Poll::Ready(End::Panicked),
                Ok(Poll::Ready(done)) => return Poll::Ready(End::Done(done)),
                Ok(Poll::Pending) => {}
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
        let renewal = ticket.store.renew(&ticket.key, ticket.fence, lease);
        match timeout(PATIENCE.min(lease / 10), renewal).await {
            Ok(Ok(Held::Yes)) => return Some(asked),
            Ok(Ok(Held::Lost)) => return None,
            Ok(Err(_)) | Err(_) => sleep(lease / 20).await,
        }
    }
}
