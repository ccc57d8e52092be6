use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, StatusCode};
use tokio::time::Instant;

use crate::store::{Claim, Fence, Fingerprint, Retention, StoredAnswer};

/// A completed delivery.
///
/// There are many, and most answers are a status: what only some have is kept elsewhere.
#[derive(Clone)]
pub(super) struct Record {
    pub(super) fence: Fence,
    payload: Fingerprint,
    status: StatusCode,
    accepted_at: i64,
    text: Option<Arc<(Option<HeaderValue>, Bytes)>>,
    full_until: Instant,
    forget_at: Instant,
}

impl Record {
    pub(super) fn new(
        fence: Fence,
        payload: Fingerprint,
        answer: &StoredAnswer,
        keep: Retention,
        now: Instant,
    ) -> Self {
        let has_text = answer.content_type.is_some() || !answer.body.is_empty();
        let text = || Arc::new((answer.content_type.clone(), answer.body.clone()));
        Self {
            fence,
            payload,
            status: answer.status,
            accepted_at: answer.accepted_at,
            text: has_text.then(text),
            full_until: now + keep.full,
            forget_at: now + keep.tombstone,
        }
    }

    pub(super) fn is_kept_at(&self, now: Instant) -> bool {
        now < self.forget_at
    }

    /// Leaves a tombstone.
    pub(super) fn strip(&mut self) {
        self.text = None;
    }

    pub(super) fn answer_to(&self, payload: &Fingerprint, now: Instant) -> Claim {
        if self.payload != *payload {
            return Claim::Mismatch;
        }
        let mut answer = StoredAnswer::new(self.status, self.accepted_at);
        if let Some(text) = self.text.as_ref().filter(|_| now < self.full_until) {
            answer = answer.with_body(text.1.clone(), text.0.clone());
        }
        Claim::Done { answer }
    }
}
