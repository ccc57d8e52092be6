use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, StatusCode};

/// The answer to a delivery that was processed, to be given again to its duplicates.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredAnswer {
    /// The status.
    pub status: StatusCode,
    /// The `Content-Type`, where there was one. No other header is kept.
    pub content_type: Option<HeaderValue>,
    /// The body, empty where it was long or of unknown length.
    pub body: Bytes,
    /// When the delivery was first accepted, in Unix seconds.
    pub accepted_at: i64,
}

impl StoredAnswer {
    /// An answer without a body.
    #[must_use]
    pub fn new(status: StatusCode, accepted_at: i64) -> Self {
        Self {
            status,
            content_type: None,
            body: Bytes::new(),
            accepted_at,
        }
    }

    /// Sets the body and its type.
    #[must_use]
    pub fn with_body(mut self, body: Bytes, content_type: Option<HeaderValue>) -> Self {
        self.body = body;
        self.content_type = content_type;
        self
    }

    /// What is left of the answer as a tombstone: its status and its time.
    #[must_use]
    pub fn to_tombstone(&self) -> Self {
        Self::new(self.status, self.accepted_at)
    }
}

// Not derived: a body may hold what the handler was told in confidence.
impl std::fmt::Debug for StoredAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredAnswer")
            .field("status", &self.status)
            .field("body", &self.body.len())
            .field("accepted_at", &self.accepted_at)
            .finish()
    }
}

/// How long a completed delivery is remembered, from its completion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Retention {
    /// With its whole answer.
    pub full: Duration,
    /// With its status only; at least as long as `full`.
    pub tombstone: Duration,
    /// From when on a store without room may forget it early. `None`: never.
    pub safety: Option<Duration>,
}

impl Retention {
    /// Keeps the answer for `full`, its status for `tombstone`, and forgets nothing early.
    #[must_use]
    pub fn new(full: Duration, tombstone: Duration) -> Self {
        Self {
            full,
            tombstone: tombstone.max(full),
            safety: None,
        }
    }

    /// Lets a store without room forget completed deliveries older than `safety`. Right only where
    /// a signed time refuses the replay of what was forgotten.
    #[must_use]
    pub fn with_safety(mut self, safety: Duration) -> Self {
        self.safety = Some(safety);
        self
    }
}
