use std::sync::Arc;
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::{Instant, interval_at, sleep};

use super::run::Run;
use super::settler::settle_all;
use crate::outbound::OutboundError;
use crate::outbound::sender::Sender;
use crate::outbound::store::OutboundStore;

/// Sends the deliveries of a [`Sender`].
///
/// # Deployment caveat
///
/// Any number of processes may run one on the same store; their clocks must agree to within a small part of the
/// lease. Limits of an endpoint hold for each process.
#[derive(Debug)]
#[must_use = "nothing is sent until it runs"]
pub struct Dispatcher<S> {
    sender: Sender<S>,
    concurrency: u32,
    poll: Duration,
}

/// How often what is too old is forgotten.
const PURGE: Duration = Duration::from_secs(3600);
/// The first and the longest wait after the store failed.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

impl<S: OutboundStore> Dispatcher<S> {
    pub(crate) fn new(sender: Sender<S>) -> Self {
        Self {
            sender,
            concurrency: 256,
            poll: Duration::from_secs(1),
        }
    }

    /// How many attempts may be under way at once: 256 unless said otherwise.
    pub fn concurrency(mut self, attempts: u32) -> Self {
        self.concurrency = attempts.max(1);
        self
    }

    /// How often it looks for deliveries that nobody told it of: every second unless said otherwise. What this process
    /// emits and what is tried again is sent at once.
    pub fn poll(mut self, every: Duration) -> Self {
        self.poll = every.max(Duration::from_millis(1));
        self
    }

    /// Sends what is due until `stop` ends; then begins no more, and ends when all that is under way is written down.
    ///
    /// That takes as long as an attempt may, and as long as the store fails: what must end sooner can be dropped. Then
    /// what was under way is sent again when its lease has ended.
    pub async fn run_until(self, stop: impl Future<Output = ()>) {
        let (run, ended) = Run::new(self.sender.clone(), self.concurrency);
        let settler = tokio::spawn(settle_all(Arc::clone(&run), ended));
        let _settler = AbortOnDrop(settler.abort_handle());
        let keeper = tokio::spawn(keep(Arc::clone(&run)));
        let _keeper = AbortOnDrop(keeper.abort_handle());
        tokio::select! {
            () = stop => {}
            () = self.look(&run) => {}
        }
        run.idle().await;
    }

    /// Sends all that is due now, and all that becomes due meanwhile; says when the next is due, in Unix milliseconds,
    /// as far as it is known. For programs that are started by a timer, and for tests that set the clock.
    ///
    /// # Errors
    ///
    /// Returns an error when the store cannot be asked.
    pub async fn run_due(&self) -> Result<Option<i64>, OutboundError> {
        let (run, ended) = Run::new(self.sender.clone(), self.concurrency);
        let settler = tokio::spawn(settle_all(Arc::clone(&run), ended));
        let _settler = AbortOnDrop(settler.abort_handle());
        let keeper = tokio::spawn(keep(Arc::clone(&run)));
        let _keeper = AbortOnDrop(keeper.abort_handle());
        loop {
            let (mut after, mut begun, mut soonest) = (None, 0, None);
            loop {
                let round = match run.claim(after).await {
                    Ok(round) => round,
                    Err(err) => {
                        run.idle().await;
                        return Err(err.into());
                    }
                };
                begun += round.begun;
                soonest = [soonest, round.soonest].into_iter().flatten().min();
                after = round.after;
                if after.is_none() {
                    break;
                }
                run.idle().await;
            }
            run.idle().await;
            if begun == 0 {
                return Ok(soonest);
            }
        }
    }

    /// Looks for what is due, for ever.
    async fn look(&self, run: &Arc<Run<S>>) {
        let inner = &*self.sender.0;
        let mut pause = PAUSES.0;
        let (mut after, mut soonest) = (None, None);
        loop {
            if run.places.available_permits() == 0 {
                run.freed.notified().await;
                continue;
            }
            match run.claim(after.take()).await {
                Ok(round) => {
                    pause = PAUSES.0;
                    after = round.after;
                    soonest = [soonest, round.soonest].into_iter().flatten().min();
                    if after.is_some() {
                        continue;
                    }
                }
                Err(_) => {
                    sleep(pause).await;
                    pause = (pause * 2).min(PAUSES.1);
                    continue;
                }
            }
            let wait = soonest.take().map_or(self.poll, |at: i64| {
                let millis = at.saturating_sub(inner.now()).max(1);
                self.poll.min(Duration::from_millis(millis.unsigned_abs()))
            });
            tokio::select! {
                () = run.freed.notified() => {}
                () = inner.wake.notified() => {}
                () = inner.store.woken() => {}
                () = sleep(wait) => {}
            }
        }
    }
}

/// Keeps the leases of what is under way, and forgets what is too old.
async fn keep<S: OutboundStore>(run: Arc<Run<S>>) {
    let every = run.sender.0.lease / 3;
    let mut renewal = interval_at(Instant::now() + every, every);
    let mut purge = interval_at(Instant::now() + PURGE, PURGE);
    loop {
        // What fails is tried again the next time.
        tokio::select! {
            _ = renewal.tick() => drop(run.renew().await),
            _ = purge.tick() => drop(run.sender.purge().await),
        }
    }
}

/// A task that ends with whoever began it.
struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
