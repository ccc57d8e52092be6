use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::layer::Rules;
use crate::background::Background;
use crate::delivery::{Delivery, DeliveryId};
use crate::receipt::Line;
use crate::rejection::Rejection;
use crate::replay::FreshBody;
use crate::store::{
    Claim, Claimant, Fence, Fingerprint, Held, IdemKey, IdempotencyStore, Retention,
    StoreErrorKind, StoredAnswer,
};
use crate::verify::Verified as _;

/// How long one call of the store may take.
pub(super) const PATIENCE: Duration = Duration::from_millis(500);
/// How often a claim is asked for: a lost reply must not cost the sender a whole lease.
const CLAIM_TRIES: u32 = 3;
/// How often a completion is tried before the answer goes out, within 2 s.
const COMMIT_TRIES: u32 = 4;

/// A key, and the claim on it.
pub(super) struct Ticket<St> {
    /// `None` where it was down and duplicates are allowed: nothing is remembered.
    pub(super) store: Option<Arc<St>>,
    pub(super) key: IdemKey,
    pub(super) fence: Fence,
    // Before the claim was asked for: the lease began later, never earlier.
    pub(super) since: Instant,
    pub(super) lease: Duration,
    pub(super) line: Option<Line>,
    pub(super) background: Background,
}

/// How a completion went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Commit {
    Written,
    Lost,
    Failed,
}

pub(super) async fn claim<St: IdempotencyStore>(
    store: &St,
    key: &IdemKey,
    payload: &Fingerprint,
    lease: Duration,
) -> Result<Claim, Rejection> {
    let who = Claimant::unique();
    for _ in 0..CLAIM_TRIES {
        match patiently(store.claim(key, who, payload, lease)).await {
            Some(Ok(claim)) => return Ok(claim),
            Some(Err(err)) if err.kind() == StoreErrorKind::Full => {
                return Err(Rejection::StoreFull);
            }
            Some(Err(_)) | None => {}
        }
    }
    Err(Rejection::StoreUnavailable)
}

/// The key of a delivery. `payload` is the fingerprint of its body.
pub(super) fn key(rules: &Rules, body: &FreshBody, payload: &Fingerprint) -> IdemKey {
    let Delivery {
        id,
        event_type,
        event_type_signed,
        content_digest,
        ..
    } = body.delivery();
    let event_type = event_type.as_deref();
    let event_type = event_type.filter(|_| *event_type_signed || !rules.is_strict);
    let own = body.profile().connection();
    let connection = own.unwrap_or(&rules.connection);
    let mut digits = [0; 64];
    let digest = match content_digest {
        Some(digest) => digest,
        None => hex(payload, &mut digits),
    };
    match id {
        DeliveryId::Signed(id) => IdemKey::join(connection, event_type, [id]),
        DeliveryId::Unsigned(id) if !rules.is_strict => {
            IdemKey::join(connection, event_type, [id, "~", digest])
        }
        DeliveryId::Unsigned(_) | DeliveryId::Digest => {
            IdemKey::join(connection, event_type, [digest])
        }
    }
}

impl<St: IdempotencyStore> Ticket<St> {
    /// Gives the claim up; where that fails, goes on trying after the answer went out. A sender whose
    /// retry comes in seconds must not wait for the end of the lease.
    pub(super) async fn release(self) {
        if self.try_release().await {
            return;
        }
        self.background.clone().spawn(async move {
            while self.since.elapsed() < self.lease {
                sleep(2 * PATIENCE).await;
                if self.try_release().await {
                    return;
                }
            }
        });
    }

    async fn try_release(&self) -> bool {
        let Some(store) = &self.store else {
            return true;
        };
        let release = store.release(&self.key, self.fence);
        matches!(patiently(release).await, Some(Ok(_)))
    }

    /// Completes the claim; where that fails, goes on trying after the answer went out.
    ///
    /// `is_refusal` says how a receipt ends that waits for it.
    #[expect(
        clippy::manual_async_fn,
        reason = "an `async fn` keeps its arguments twice"
    )]
    pub(super) fn commit(
        self,
        answer: StoredAnswer,
        keep: Retention,
        is_refusal: bool,
    ) -> impl Future<Output = Commit> + Send {
        async move {
            let begun = Instant::now();
            if let Some(commit) = self.try_commit(&answer, keep).await {
                return commit;
            }
            // In a box of its own: the future of every delivery would be as long as this one.
            Box::pin(self.go_on(answer, keep, is_refusal, begun)).await
        }
    }

    /// The tries after the first, which began at `begun`.
    async fn go_on(
        self,
        answer: StoredAnswer,
        keep: Retention,
        is_refusal: bool,
        begun: Instant,
    ) -> Commit {
        let mut next = begun + PATIENCE;
        for _ in 1..COMMIT_TRIES {
            sleep_until(next).await;
            next = Instant::now() + PATIENCE;
            if let Some(commit) = self.try_commit(&answer, keep).await {
                return commit;
            }
        }
        sleep_until(next).await;
        self.background.clone().spawn(async move {
            while self.since.elapsed() < self.lease {
                sleep(2 * PATIENCE).await;
                if let Some(commit) = self.try_commit(&answer, keep).await {
                    if let Some(line) = &self.line {
                        line.completed(is_refusal, commit == Commit::Lost).await;
                    }
                    return;
                }
            }
        });
        Commit::Failed
    }

    async fn try_commit(&self, answer: &StoredAnswer, keep: Retention) -> Option<Commit> {
        let Some(store) = &self.store else {
            return Some(Commit::Written);
        };
        let complete = store.complete(&self.key, self.fence, answer, keep);
        match patiently(complete).await {
            Some(Ok(Held::Yes)) => Some(Commit::Written),
            Some(Ok(Held::Lost)) => Some(Commit::Lost),
            Some(Err(_)) | None => None,
        }
    }
}

fn hex<'d>(payload: &Fingerprint, digits: &'d mut [u8; 64]) -> &'d str {
    const_hex::encode_to_str(payload.as_bytes(), digits)
        .expect("there is room for two digits a byte")
}

/// What `call` gives, or nothing after a while. The alarm is set only where it does not answer at once, as
/// stores in memory do.
async fn patiently<F: Future>(call: F) -> Option<F::Output> {
    let mut call = pin!(call);
    if let Poll::Ready(answer) = poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx))).await {
        return Some(answer);
    }
    timeout(PATIENCE, call).await.ok()
}
