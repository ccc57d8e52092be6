//! Deliveries that flow while something is broken.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use tokio::task::JoinSet;
use tower_webhook::testing::Delivery;

use crate::number;
use crate::process::App;
use crate::sender::{Sender, is_duplicate};

const SENDERS: usize = 8;

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    /// Events 0 to this were accepted, each of them twice.
    pub(crate) events: u64,
    /// Answers that told to come again.
    pub(crate) refusals: usize,
    /// Events that were handled once more when all was sent again in the end.
    pub(crate) forgotten: usize,
}

/// An event by its number: where it goes, and how it is signed now.
pub(crate) type Event = fn(u64) -> (&'static str, Delivery);

/// How many events there are at least: each is delivered three times.
pub(crate) fn least() -> u64 {
    number("DELIVERIES", 600).div_ceil(3) as u64
}

/// Sends each event twice at once, until both are accepted, at least `least` events and for as long as `breakage`
/// takes; in the end everything once more.
pub(crate) async fn flow(
    app: &Arc<App>,
    event: Event,
    least: u64,
    breakage: impl Future<Output = ()>,
) -> Flow {
    let sender = Sender::new();
    let next = Arc::new(AtomicU64::new(0));
    let is_over = Arc::new(AtomicBool::new(false));
    let refusals = Arc::new(AtomicUsize::new(0));
    let mut senders = JoinSet::new();
    for _ in 0..SENDERS {
        let (app, sender, next) = (Arc::clone(app), sender.clone(), Arc::clone(&next));
        let (is_over, refusals) = (Arc::clone(&is_over), Arc::clone(&refusals));
        senders.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::SeqCst);
                if number >= least && is_over.load(Ordering::SeqCst) {
                    return;
                }
                let path = event(number).0;
                let once = || sender.deliver(&app, path, || event(number).1);
                let (first, second) = tokio::join!(once(), once());
                refusals.fetch_add(first.1 + second.1, Ordering::SeqCst);
            }
        });
    }
    breakage.await;
    is_over.store(true, Ordering::SeqCst);
    senders.join_all().await;
    // Each sender drew one number too many, the last ones.
    let events = next.load(Ordering::SeqCst) - SENDERS as u64;

    let mut forgotten = 0;
    for number in 0..events {
        let path = event(number).0;
        let (answer, _) = sender.deliver(app, path, || event(number).1).await;
        forgotten += usize::from(!is_duplicate(&answer));
    }
    Flow {
        events,
        refusals: refusals.load(Ordering::SeqCst),
        forgotten,
    }
}
