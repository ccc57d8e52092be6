use std::sync::Arc;
use std::time::Duration;

use http::Request;
use tokio::time::{Instant, sleep, sleep_until};

use super::layer::Rules;
use super::patience::{PATIENCE, patiently};
use super::{ClaimedBody, Grant};
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
    pub(super) keep: Retention,
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
        match patiently(store.claim(key, who, payload, lease)).await.0 {
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
    /// Hands the request down with the claim.
    pub(super) fn grant(&self, mut req: Request<FreshBody>, rules: &Rules) -> Request<ClaimedBody> {
        let body = req.body();
        let connection = body.profile().connection().unwrap_or(&rules.connection);
        let connection = Arc::clone(connection);
        let accepted_at = body.unix_seconds();
        let key = self.key.clone();
        let grant = Grant::new(key, connection, self.fence, self.keep, accepted_at);
        req.extensions_mut().insert(grant.clone());
        req.map(|body| ClaimedBody::seal(body, grant))
    }

    /// Gives the claim up; where that fails, goes on trying after the answer went out. A sender whose
    /// retry comes in seconds must not wait for the end of the lease.
    pub(super) async fn release(&self) {
        if self.try_release().await {
            return;
        }
        let ticket = self.clone();
        self.background.spawn(async move {
            while ticket.since.elapsed() < ticket.lease {
                sleep(2 * PATIENCE).await;
                if ticket.try_release().await {
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
        matches!(patiently(release).await, (Some(Ok(_)), _))
    }

    /// Completes the claim; where that fails, goes on trying after the answer went out.
    ///
    /// `is_refusal` says how a receipt ends that waits for it.
    pub(super) async fn commit(&self, answer: &StoredAnswer, is_refusal: bool) -> Commit {
        match self.try_commit(answer).await {
            Ok(commit) => commit,
            // In a box of its own: the future of every delivery would be as long as this one.
            Err(next) => Box::pin(self.go_on(answer, is_refusal, next)).await,
        }
    }

    /// The tries after the first, from `next` on.
    async fn go_on(&self, answer: &StoredAnswer, is_refusal: bool, mut next: Instant) -> Commit {
        for _ in 1..COMMIT_TRIES {
            sleep_until(next).await;
            match self.try_commit(answer).await {
                Ok(commit) => return commit,
                Err(at) => next = at,
            }
        }
        sleep_until(next).await;
        let (ticket, answer) = (self.clone(), answer.clone());
        self.background.spawn(async move {
            while ticket.since.elapsed() < ticket.lease {
                sleep(2 * PATIENCE).await;
                if let Ok(commit) = ticket.try_commit(&answer).await {
                    if let Some(line) = &ticket.line {
                        line.completed(is_refusal, commit == Commit::Lost).await;
                    }
                    return;
                }
            }
        });
        Commit::Failed
    }

    /// How it went, or when to try again.
    async fn try_commit(&self, answer: &StoredAnswer) -> Result<Commit, Instant> {
        let Some(store) = &self.store else {
            return Ok(Commit::Written);
        };
        let complete = store.complete(&self.key, self.fence, answer, self.keep);
        match patiently(complete).await {
            (Some(Ok(Held::Yes)), _) => Ok(Commit::Written),
            (Some(Ok(Held::Lost)), _) => Ok(Commit::Lost),
            (Some(Err(_)) | None, next) => Err(next.unwrap_or_else(|| Instant::now() + PATIENCE)),
        }
    }
}

// Not derived, because that would require `St: Clone`.
impl<St> Clone for Ticket<St> {
    fn clone(&self) -> Self {
        Self {
            store: self.store.clone(),
            key: self.key.clone(),
            line: self.line.clone(),
            background: self.background.clone(),
            ..*self
        }
    }
}

fn hex<'d>(payload: &Fingerprint, digits: &'d mut [u8; 64]) -> &'d str {
    const_hex::encode_to_str(payload.as_bytes(), digits)
        .expect("there is room for two digits a byte")
}
