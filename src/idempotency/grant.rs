use std::sync::Arc;

use http::StatusCode;

use crate::store::{Fence, IdemKey, Retention, StoredAnswer};

/// The claim that a handler runs under: in the extensions of the request, and part of
/// [`ClaimedBody`](super::ClaimedBody).
///
/// It holds what `PostgresStore::complete_in` asks for, so that a handler completes its claim in its
/// own transaction.
#[derive(Clone, Debug)]
pub struct Grant {
    key: IdemKey,
    connection: Arc<str>,
    fence: Fence,
    keep: Retention,
    accepted_at: i64,
}

impl Grant {
    // `pub(super)`, not `pub(crate)`: no other room may mint the proof.
    pub(super) fn new(
        key: IdemKey,
        connection: Arc<str>,
        fence: Fence,
        keep: Retention,
        accepted_at: i64,
    ) -> Self {
        Self {
            key,
            connection,
            fence,
            keep,
            accepted_at,
        }
    }

    /// The key of the delivery.
    #[must_use]
    pub fn key(&self) -> &IdemKey {
        &self.key
    }

    /// The name of the connection, the first part of the key.
    #[must_use]
    pub fn connection(&self) -> &Arc<str> {
        &self.connection
    }

    /// The token of the claim. A later run of the same delivery has a greater one.
    #[must_use]
    pub fn fence(&self) -> Fence {
        self.fence
    }

    /// How long the layer remembers what is completed.
    #[must_use]
    pub fn retention(&self) -> Retention {
        self.keep
    }

    /// When the delivery was accepted, in Unix seconds.
    #[must_use]
    pub fn accepted_at(&self) -> i64 {
        self.accepted_at
    }

    /// An answer of `status`, without a body, to this delivery.
    #[must_use]
    pub fn answer(&self, status: StatusCode) -> StoredAnswer {
        StoredAnswer::new(status, self.accepted_at)
    }
}
