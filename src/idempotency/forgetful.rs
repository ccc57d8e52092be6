use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::claim::Ticket;
use crate::background::Background;
use crate::receipt::Line;
use crate::store::{
    Claim, Claimant, Fence, Fingerprint, Held, IdemKey, IdempotencyStore, Retention, StoreError,
    StoredAnswer,
};

/// Stands in for a store that is down, where duplicates were allowed. It grants all and keeps nothing.
pub(super) struct Forgetful;

impl Ticket<Forgetful> {
    pub(super) fn unremembered(
        key: IdemKey,
        since: Instant,
        lease: Duration,
        line: Option<Line>,
    ) -> Self {
        Self {
            store: Arc::new(Forgetful),
            key,
            fence: Fence::LEAST,
            since,
            lease,
            line,
            background: Background::new(),
        }
    }
}

impl IdempotencyStore for Forgetful {
    async fn claim(
        &self,
        _: &IdemKey,
        _: Claimant,
        _: &Fingerprint,
        _: Duration,
    ) -> Result<Claim, StoreError> {
        Ok(Claim::Acquired {
            fence: Fence::LEAST,
            reclaimed: false,
        })
    }

    async fn renew(&self, _: &IdemKey, _: Fence, _: Duration) -> Result<Held, StoreError> {
        Ok(Held::Yes)
    }

    async fn complete(
        &self,
        _: &IdemKey,
        _: Fence,
        _: &StoredAnswer,
        _: Retention,
    ) -> Result<Held, StoreError> {
        Ok(Held::Yes)
    }

    async fn release(&self, _: &IdemKey, _: Fence) -> Result<Held, StoreError> {
        Ok(Held::Yes)
    }
}
