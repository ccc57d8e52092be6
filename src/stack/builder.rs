use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use super::Inbound;
use crate::config::ConfigError;
use crate::danger::Dangerous;
use crate::detach::DetachLayer;
use crate::envelope::OpenEnvelopeLayer;
use crate::event::EventPatterns;
use crate::idempotency::IdempotencyLayer;
use crate::limit::BodyLimitLayer;
use crate::observe::ObserveLayer;
use crate::outcome::Outcome;
use crate::receipt::ReceiptLayer;
use crate::replay::ReplayWindowLayer;
use crate::report::Observer;
use crate::scheme::Authenticator;
use crate::source::SourceLayer;
use crate::store::Retention;
use crate::time::Clock;
use crate::verify::VerifyLayer;

/// How long a body may take, as [`BodyLimitLayer`] has it.
const BODY_DEADLINE: Duration = Duration::from_secs(10);
/// Bytes in flight, as [`BodyLimitLayer`] has it.
const BUDGET: u32 = 64 << 20;
const WEEK: Duration = Duration::from_secs(7 * 86_400);

/// Collects the settings of an [`Inbound`] stack.
#[derive(Debug)]
#[must_use]
pub struct InboundBuilder<V, St> {
    scheme: V,
    store: St,
    observe: ObserveLayer,
    source: SourceLayer,
    envelope: OpenEnvelopeLayer,
    receipt: ReceiptLayer,
    connection: Arc<str>,
    max_payload_bytes: u32,
    replay_window: Duration,
    idempotency_ttl: Duration,
    lease: Duration,
    handler_deadline: Duration,
    handlers: u32,
    is_strict: bool,
    is_open: bool,
    is_conflict: bool,
    is_enabled: bool,
    clock: Option<Arc<dyn Clock>>,
}

impl<V: Authenticator, St> InboundBuilder<V, St> {
    pub(super) fn new(scheme: V, store: St) -> Self {
        Self {
            scheme,
            store,
            observe: ObserveLayer::new(|_: Outcome| {}),
            source: SourceLayer::everybody(),
            envelope: OpenEnvelopeLayer::new(),
            receipt: ReceiptLayer::none(),
            connection: "default".into(),
            max_payload_bytes: 1 << 20,
            replay_window: Duration::from_secs(300),
            idempotency_ttl: Duration::from_secs(86_400),
            lease: Duration::from_secs(300),
            handler_deadline: Duration::from_secs(240),
            handlers: 256,
            is_strict: false,
            is_open: false,
            is_conflict: false,
            is_enabled: true,
            clock: None,
        }
    }

    /// Names the connection, the first part of each idempotency key; `default` by default.
    pub fn connection(mut self, name: impl Into<Arc<str>>) -> Self {
        self.connection = name.into();
        self
    }

    /// Sets the longest body, in bytes; 1,048,576 by default.
    pub fn max_payload_bytes(mut self, bytes: u32) -> Self {
        self.max_payload_bytes = bytes;
        self
    }

    /// Sets how old a delivery may be, in whole seconds; 300 s by default.
    pub fn replay_window(mut self, window: Duration) -> Self {
        self.replay_window = window;
        self
    }

    /// Sets how long whole answers are remembered; 86,400 s by default, and their status for 7 days.
    pub fn idempotency_ttl(mut self, ttl: Duration) -> Self {
        self.idempotency_ttl = ttl;
        self
    }

    /// Sets how long a claim outlives a process that dies; 300 s by default. A heartbeat renews it
    /// after each third of it.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// Sets how long a handler may run; 240 s by default.
    pub fn handler_deadline(mut self, deadline: Duration) -> Self {
        self.handler_deadline = deadline;
        self
    }

    /// Sets how many handlers may run at once; 256 by default.
    pub fn handlers(mut self, handlers: u32) -> Self {
        self.handlers = handlers;
        self
    }

    /// See [`IdempotencyLayer::strict_replay`].
    pub fn strict_replay(mut self) -> Self {
        self.is_strict = true;
        self
    }

    /// See [`IdempotencyLayer::conflict_while_in_progress`].
    pub fn conflict_while_in_progress(mut self) -> Self {
        self.is_conflict = true;
        self
    }

    /// Switches the whole receiver on or off: 404 to everybody. On by default.
    pub fn enabled(mut self, is_enabled: bool) -> Self {
        self.is_enabled = is_enabled;
        self
    }

    /// Sets who hears of outcomes, and how refusals look.
    pub fn observe(mut self, observe: ObserveLayer) -> Self {
        self.observe = observe;
        self
    }

    /// Sets who hears of outcomes.
    pub fn observer(self, observer: impl Observer) -> Self {
        self.observe(ObserveLayer::new(observer))
    }

    /// Lets in only some senders, by their address.
    pub fn source(mut self, source: SourceLayer) -> Self {
        self.source = source;
        self
    }

    /// Takes only these event types: others are answered with 204, and nothing runs or is remembered.
    pub fn events(mut self, events: EventPatterns) -> Self {
        self.envelope = self.envelope.with_events(events);
        self
    }

    /// Sets how deliveries that are not taken are answered.
    pub fn ignored_status(mut self, status: StatusCode) -> Self {
        self.envelope = self.envelope.with_ignored_status(status);
        self
    }

    /// Writes down what becomes of each delivery.
    pub fn receipts(mut self, receipts: ReceiptLayer) -> Self {
        self.receipt = receipts;
        self
    }

    /// Sets the clock of the replay window, and of receipts.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// What may be weakened.
    pub fn dangerous(self) -> Dangerous<Self> {
        Dangerous(self)
    }

    /// Builds the stack.
    ///
    /// # Errors
    ///
    /// Returns an error that names the setting: `max_payload_bytes` of zero or over the 64 MiB in
    /// flight; no `handlers`; a `lease` under a second; a `connection` without a name; an
    /// `idempotency_ttl` under window + skew + body deadline + lease, so that a delivery could be
    /// forgotten while its replay still passes the window.
    pub fn build(self) -> Result<Inbound<V, St>, ConfigError> {
        let refuse = |field, reason| Err(ConfigError::new(field, reason));
        if self.max_payload_bytes == 0 || self.max_payload_bytes > BUDGET {
            return refuse("max_payload_bytes", "must be between 1 and 67108864");
        }
        if self.connection.trim().is_empty() {
            return refuse("connection", "must have a name");
        }
        if self.handlers == 0 {
            return refuse("handlers", "must be at least 1");
        }
        if self.lease < Duration::from_secs(1) {
            return refuse("lease", "must be at least 1 s");
        }
        let profile = self.scheme.profile();
        // Where the scheme is not known yet, the most that any may allow.
        let skew = profile.map_or(Duration::from_secs(300), |profile| profile.future_skew());
        let window = self.replay_window.max(self.scheme.max_window());
        let least = [window, skew, BODY_DEADLINE, self.lease];
        let least = least
            .iter()
            .try_fold(Duration::ZERO, |sum, part| sum.checked_add(*part));
        if least.is_none_or(|least| self.idempotency_ttl < least) {
            return refuse(
                "idempotency_ttl",
                "must be at least the replay window, the future skew, 10 s and the lease together",
            );
        }
        let keep = Retention::new(self.idempotency_ttl, WEEK);
        let mut replay = ReplayWindowLayer::new(self.replay_window);
        let mut receipt = self.receipt.with_connection(Arc::clone(&self.connection));
        if let Some(clock) = self.clock {
            replay = replay.with_clock(Arc::clone(&clock));
            receipt = receipt.with_clock(clock);
        }
        let mut idempotency = IdempotencyLayer::new(self.store)
            .with_connection(self.connection)
            .with_lease(self.lease)
            .with_deadline(self.handler_deadline)
            .with_retention(keep);
        if self.is_strict {
            idempotency = idempotency.strict_replay();
        }
        if self.is_conflict {
            idempotency = idempotency.conflict_while_in_progress();
        }
        if self.is_open {
            idempotency = idempotency.dangerous().allow_duplicates_on_store_failure();
        }
        // Either may switch the receiver off; neither switches on what the other switched off.
        let mut observe = self.observe;
        if !self.is_enabled {
            observe = observe.with_enabled(false);
        }
        Ok(Inbound {
            observe,
            source: self.source,
            limit: BodyLimitLayer::new(self.max_payload_bytes).with_deadline(BODY_DEADLINE),
            verify: VerifyLayer::new(self.scheme),
            detach: DetachLayer::new(self.handlers),
            receipt,
            replay,
            envelope: self.envelope,
            idempotency,
        })
    }
}

impl<V, St> Dangerous<InboundBuilder<V, St>> {
    /// Runs handlers although the store cannot remember it. See
    /// [`IdempotencyLayer`](Dangerous::<IdempotencyLayer<St>>::allow_duplicates_on_store_failure).
    pub fn allow_duplicates_on_store_failure(mut self) -> InboundBuilder<V, St> {
        self.0.is_open = true;
        self.0
    }
}
