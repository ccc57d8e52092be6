use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, broadcast};

use crate::outbound::catalogue::Catalogue;
use crate::outbound::egress::Egress;
use crate::outbound::endpoint::{Confidential, EndpointRecord};
use crate::outbound::lifecycle::Lifecycle;
use crate::outbound::policy::{AutoDisable, Breaker, Classify, Limits, Retention, Schedule};
use crate::outbound::sign::SigningSchemes;
use crate::outbound::transport::Transport;
use crate::outbound::{OutboundError, SealingKey};
use crate::time::Clock;

/// What all clones of a sender share.
pub(crate) struct Inner<S> {
    pub(crate) store: S,
    pub(crate) key: SealingKey,
    pub(crate) catalogue: Option<Catalogue>,
    pub(crate) client: Box<dyn Transport>,
    pub(crate) egress: Egress,
    pub(crate) schemes: SigningSchemes,
    pub(crate) schedule: Schedule,
    pub(crate) responses: Box<dyn Classify>,
    pub(crate) auto_disable: AutoDisable,
    pub(crate) breaker: Breaker,
    pub(crate) limits: Limits,
    pub(crate) retention: Retention,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) timeout: Duration,
    pub(crate) lease: Duration,
    pub(crate) max_payload_bytes: usize,
    pub(crate) lifecycle: broadcast::Sender<Lifecycle>,
    pub(crate) wake: Notify,
    /// How many events may be on their way to the store with nobody waiting.
    pub(crate) unawaited: Arc<Semaphore>,
}

impl<S> Inner<S> {
    pub(crate) fn now(&self) -> i64 {
        self.clock.unix_millis()
    }

    /// Opens what was sealed of an endpoint.
    pub(crate) fn open(&self, record: &EndpointRecord) -> Result<Confidential, OutboundError> {
        let owner = record.endpoint.id.as_str();
        let opened = self.key.open(&record.sealed, owner);
        Confidential::from_bytes(&opened.ok_or(OutboundError::UNREADABLE)?)
    }

    pub(crate) fn tell(&self, event: Lifecycle) {
        // Nobody may be listening.
        let _ = self.lifecycle.send(event);
    }
}

/// Milliseconds of a duration.
pub(crate) fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
