use std::sync::Arc;
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
    pub(super) store: Arc<St>,
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
        match timeout(PATIENCE, store.claim(key, who, payload, lease)).await {
            Ok(Ok(claim)) => return Ok(claim),
            Ok(Err(err)) if err.kind() == StoreErrorKind::Full => return Err(Rejection::StoreFull),
            Ok(Err(_)) | Err(_) => {}
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
    let digest = || match content_digest {
        Some(digest) => digest.to_string(),
        None => const_hex::encode(payload.as_bytes()),
    };
    let nonce = match id {
        DeliveryId::Signed(id) => id.to_string(),
        DeliveryId::Unsigned(id) if !rules.is_strict => format!("{id}~{}", digest()),
        DeliveryId::Unsigned(_) | DeliveryId::Digest => digest(),
    };
    let event_type = event_type.as_deref();
    let event_type = event_type.filter(|_| *event_type_signed || !rules.is_strict);
    let own = body.profile().connection();
    IdemKey::compose(own.unwrap_or(&rules.connection), event_type, &nonce)
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
        let release = self.store.release(&self.key, self.fence);
        matches!(timeout(PATIENCE, release).await, Ok(Ok(_)))
    }

    /// Completes the claim; where that fails, goes on trying after the answer went out.
    ///
    /// `is_refusal` says how a receipt ends that waits for it.
    pub(super) async fn commit(
        self,
        answer: StoredAnswer,
        keep: Retention,
        is_refusal: bool,
    ) -> Commit {
        for _ in 0..COMMIT_TRIES {
            let next = Instant::now() + PATIENCE;
            if let Some(commit) = self.try_commit(&answer, keep).await {
                return commit;
            }
            sleep_until(next).await;
        }
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
        let complete = self.store.complete(&self.key, self.fence, answer, keep);
        match timeout(PATIENCE, complete).await {
            Ok(Ok(Held::Yes)) => Some(Commit::Written),
            Ok(Ok(Held::Lost)) => Some(Commit::Lost),
            Ok(Err(_)) | Err(_) => None,
        }
    }
}
