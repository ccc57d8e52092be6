use std::sync::Arc;
use std::time::Duration;

use tower_layer::Layer;

use super::Idempotency;
use crate::background::Background;
use crate::danger::Dangerous;
use crate::store::Retention;

/// Layer that applies the [`Idempotency`] middleware.
///
/// See the [module docs](crate::idempotency).
#[derive(Debug)]
#[must_use]
pub struct IdempotencyLayer<St> {
    pub(super) store: Arc<St>,
    pub(super) rules: Rules,
    pub(super) background: Background,
}

#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) connection: Arc<str>,
    pub(super) lease: Duration,
    pub(super) deadline: Duration,
    pub(super) keep: Retention,
    pub(super) is_strict: bool,
    pub(super) is_open: bool,
    pub(super) is_conflict: bool,
}

impl<St> IdempotencyLayer<St> {
    /// Remembers deliveries in `store`: a lease of 300 s, a deadline of 240 s for the handler, whole
    /// answers for 86,400 s, and tombstones for 7 days.
    pub fn new(store: St) -> Self {
        let day = Duration::from_secs(86_400);
        Self {
            store: Arc::new(store),
            background: Background::new(),
            rules: Rules {
                connection: "default".into(),
                lease: Duration::from_secs(300),
                deadline: Duration::from_secs(240),
                keep: Retention::new(day, 7 * day),
                is_strict: false,
                is_open: false,
                is_conflict: false,
            },
        }
    }

    /// Names the connection, the first part of each key. Receivers that share a store and do not share
    /// their deliveries need names of their own.
    pub fn with_connection(mut self, name: impl Into<Arc<str>>) -> Self {
        self.rules.connection = name.into();
        self
    }

    /// Sets how long a claim outlives a process that dies. It is renewed after each third of it.
    pub fn with_lease(mut self, lease: Duration) -> Self {
        self.rules.lease = lease;
        self
    }

    /// Sets how long a handler may run.
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.rules.deadline = deadline;
        self
    }

    /// Sets how long answers, and then tombstones, are kept.
    pub fn with_retention(mut self, keep: Retention) -> Self {
        self.rules.keep = keep;
        self
    }

    /// Takes nothing into the key that the signature does not cover: a captured body under a fresh id
    /// is a duplicate. The price: of two honest deliveries with the same bytes one runs.
    pub fn strict_replay(mut self) -> Self {
        self.rules.is_strict = true;
        self
    }

    /// Answers 409 instead of 503 while the same delivery is still being processed, as the IETF draft
    /// on the `Idempotency-Key` header has it. Only for senders that try again after a 409.
    pub fn conflict_while_in_progress(mut self) -> Self {
        self.rules.is_conflict = true;
        self
    }

    /// Waits until nothing is being completed or given up in the background, after its answer went out.
    /// A process that ends before it may forget what it did.
    pub async fn idle(&self) {
        self.background.idle().await;
    }

    /// What may be weakened.
    pub fn dangerous(self) -> Dangerous<Self> {
        Dangerous(self)
    }
}

impl<St> Dangerous<IdempotencyLayer<St>> {
    /// Runs the handler although the store is down or full: nothing is remembered, so each retry runs
    /// it again. [`ClaimedBody::fence`](super::ClaimedBody::fence) is then 1, the smallest of all.
    pub fn allow_duplicates_on_store_failure(mut self) -> IdempotencyLayer<St> {
        self.0.rules.is_open = true;
        self.0
    }
}

impl<S, St> Layer<S> for IdempotencyLayer<St> {
    type Service = Idempotency<S, St>;

    fn layer(&self, inner: S) -> Idempotency<S, St> {
        Idempotency::new(inner, self.clone())
    }
}

// Not derived, because that would require `St: Clone`.
impl<St> Clone for IdempotencyLayer<St> {
    fn clone(&self) -> Self {
        Self {
            store: Arc::clone(&self.store),
            rules: self.rules.clone(),
            background: self.background.clone(),
        }
    }
}
