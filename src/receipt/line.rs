use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};

use super::layer::Shared;
use super::{Acknowledged, Reason, ReceiptEvent, ReceiptId, State, Transition};

/// How long one call of the store may take.
pub(super) const PATIENCE: Duration = Duration::from_millis(500);
/// How often a step is tried again after the answer went out, once a second.
const RETRIES: u32 = 60;

/// The receipt of one delivery under way, in the extensions of its request.
#[derive(Clone)]
pub(crate) struct Line {
    shared: Arc<Shared>,
    receipt: Arc<Open>,
}

struct Open {
    id: ReceiptId,
    connection: String,
    progress: Mutex<Progress>,
}

/// What is written, and what is still to be, in order.
struct Progress {
    written: State,
    pending: Vec<(Transition, i64)>,
    key: Option<String>,
}

impl Line {
    pub(super) fn new(shared: Arc<Shared>, id: ReceiptId, connection: String) -> Self {
        let progress = Progress {
            written: State::Received,
            pending: Vec::new(),
            key: None,
        };
        Self {
            shared,
            receipt: Arc::new(Open {
                id,
                connection,
                progress: Mutex::new(progress),
            }),
        }
    }

    /// The key is known, whatever comes of it.
    pub(crate) async fn knows(&self, key: &str) {
        self.receipt.progress.lock().await.key = Some(key.to_owned());
    }

    /// The claim is held, and the handler is about to be called.
    pub(crate) async fn dispatched(&self) {
        // Where this cannot be written, it is with the next step: the handler does not wait for it.
        self.go(State::Dispatched).await;
    }

    /// The handler was done before, and by now that is remembered; or the claim is another's.
    pub(crate) async fn completed(&self, is_refusal: bool, is_late: bool) {
        self.end(match (is_refusal, is_late) {
            (true, _) => State::Rejected(Reason::Handler),
            (false, true) => State::Acknowledged(Acknowledged::Late),
            (false, false) => State::Acknowledged(Acknowledged::Handled),
        })
        .await;
    }

    /// Makes the last step; where that fails, tries on after the answer went out.
    pub(super) async fn end(&self, state: State) {
        if self.go(state).await {
            return;
        }
        let line = self.clone();
        self.shared.background.spawn(async move {
            for _ in 0..RETRIES {
                sleep(2 * PATIENCE).await;
                if line.flush(&mut *line.receipt.progress.lock().await).await {
                    return;
                }
            }
        });
    }

    async fn go(&self, to: State) -> bool {
        let mut progress = self.receipt.progress.lock().await;
        let at = self.shared.clock.unix_seconds();
        let now = progress
            .pending
            .last()
            .map_or(progress.written, |(step, _)| step.to());
        match Transition::new(now, to) {
            Some(step) => progress.pending.push((step, at)),
            // A stack without claims says nothing of the handler's call.
            None if now == State::Received => {
                progress.pending.push((Transition::DISPATCH, at));
                let step = Transition::new(State::Dispatched, to);
                progress.pending.extend(step.map(|step| (step, at)));
            }
            None => return true,
        }
        self.flush(&mut progress).await
    }

    /// Writes what is pending; says whether nothing is left.
    async fn flush(&self, progress: &mut Progress) -> bool {
        while let Some((step, at)) = progress.pending.first().copied() {
            let key = progress.key.as_deref();
            let write = self.shared.store.transition(self.receipt.id, step, key, at);
            match timeout(PATIENCE, write).await {
                Ok(Ok(true)) => {
                    progress.written = step.to();
                    progress.pending.remove(0);
                    self.shared.tell(&ReceiptEvent {
                        id: self.receipt.id,
                        connection: self.receipt.connection.clone(),
                        key: progress.key.clone(),
                        from: Some(step.from()),
                        to: step.to(),
                        at,
                    });
                }
                // Written before, by a call whose reply was lost, or swept: the store has the last word.
                Ok(Ok(false)) => {
                    progress.written = step.to();
                    progress.pending.remove(0);
                }
                Ok(Err(_)) | Err(_) => return false,
            }
        }
        true
    }
}

pub(super) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
