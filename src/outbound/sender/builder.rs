use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Buf;
use http::{Request, Response};
use http_body::Body;
use tokio::sync::{Notify, Semaphore, broadcast};
use tower_service::Service;

use super::{Inner, Sender};
use crate::BoxError;
use crate::config::ConfigError;
use crate::outbound::catalogue::Catalogue;
use crate::outbound::client::HttpClient;
use crate::outbound::egress::Egress;
use crate::outbound::policy::{
    AutoDisable, Breaker, Classify, Limits, Responses, Retention, Schedule,
};
use crate::outbound::sign::{SigningScheme, SigningSchemes};
use crate::outbound::store::OutboundStore;
use crate::outbound::transport::Transport;
use crate::outbound::{DeliveryBody, SealingKey};
use crate::time::{Clock, SystemClock};

/// Settings of a [`Sender`].
#[must_use]
pub struct SenderBuilder<S> {
    store: S,
    key: SealingKey,
    catalogue: Option<Catalogue>,
    client: Option<Box<dyn Transport>>,
    egress: Egress,
    schemes: SigningSchemes,
    schedule: Schedule,
    responses: Box<dyn Classify>,
    auto_disable: AutoDisable,
    breaker: Breaker,
    limits: Limits,
    retention: Retention,
    clock: Arc<dyn Clock>,
    timeout: Duration,
    lease: Duration,
    max_payload_bytes: usize,
}

/// How many events of [`Emit::lossy`](super::Emit::lossy) may wait for the store.
const UNAWAITED: usize = 10_000;
/// How many lifecycle events a slow listener may fall behind.
const BEHIND: usize = 1024;
/// What a lease is longer than an attempt, at least: the time to write down how it ended.
const MARGIN: Duration = Duration::from_secs(5);

impl<S: OutboundStore> SenderBuilder<S> {
    pub(super) fn new(store: S, key: SealingKey) -> Self {
        Self {
            store,
            key,
            catalogue: None,
            client: None,
            egress: Egress::public(),
            schemes: SigningScheme::standard_webhooks().into(),
            schedule: Schedule::default(),
            responses: Box::new(Responses::default()),
            auto_disable: AutoDisable::default(),
            breaker: Breaker::default(),
            limits: Limits::default(),
            retention: Retention::default(),
            clock: Arc::new(SystemClock),
            timeout: Duration::from_secs(15),
            lease: Duration::from_secs(30),
            max_payload_bytes: 1 << 20,
        }
    }

    /// Sends the events of this catalogue, and refuses others; [`TEST_EVENT`](crate::outbound::event::TEST_EVENT) is
    /// always one of them. Endpoints can ask for patterns that mean one of them at least. Endpoints that are there
    /// already keep what they asked for.
    pub fn catalogue(mut self, catalogue: Catalogue) -> Self {
        self.catalogue = Some(catalogue);
        self
    }

    /// How deliveries are signed: by Standard Webhooks unless said otherwise.
    pub fn signing(mut self, schemes: impl Into<SigningSchemes>) -> Self {
        self.schemes = schemes.into();
        self
    }

    /// When deliveries are tried again: [`Schedule::standard`] unless said otherwise.
    pub fn schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = schedule;
        self
    }

    /// What answers mean: [`Responses::standard`] unless said otherwise. A closure will do.
    pub fn responses(mut self, responses: impl Classify) -> Self {
        self.responses = Box::new(responses);
        self
    }

    /// When an endpoint is disabled: after ten failures over an hour unless said otherwise.
    pub fn auto_disable(mut self, policy: AutoDisable) -> Self {
        self.auto_disable = policy;
        self
    }

    /// When an endpoint is left alone for a while: after five failures unless said otherwise.
    pub fn breaker(mut self, breaker: Breaker) -> Self {
        self.breaker = breaker;
        self
    }

    /// How much is sent to one endpoint: eight deliveries at once unless said otherwise.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How long what is over is remembered.
    pub fn retention(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }

    /// Where deliveries may be sent to: [`Egress::public`] unless said otherwise.
    pub fn egress(mut self, egress: Egress) -> Self {
        self.egress = egress;
        self
    }

    /// Sends by this client instead of [`HttpClient`].
    ///
    /// # Deployment caveat
    ///
    /// Its URLs are checked all the same, but which address a name leads to is known to the client only: build it on
    /// [`EgressConnector`](crate::outbound::egress::EgressConnector), let it follow no redirect and use no proxy of the
    /// environment.
    pub fn client<C, B>(mut self, client: C) -> Self
    where
        C: Service<Request<DeliveryBody>, Response = Response<B>> + Clone + Send + Sync + 'static,
        C::Error: Into<BoxError>,
        C::Future: Send,
        B: Body + Send + 'static,
        B::Data: Buf + Send,
        B::Error: Into<BoxError>,
    {
        self.client = Some(Box::new(client));
        self
    }

    /// How long an attempt may take in all: 15 s unless said otherwise.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// For how long a delivery is held by the process that sends it, unless it says that it lives: 30 s unless said
    /// otherwise. After a crash its deliveries are sent again when the lease has ended.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// Longest payload, in bytes: 1 MiB unless said otherwise, which is what receivers of this crate take. Standard
    /// Webhooks advises to stay under 20 kB.
    pub fn max_payload_bytes(mut self, bytes: usize) -> Self {
        self.max_payload_bytes = bytes;
        self
    }

    /// Reads the time from `clock`.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Checks the settings and makes the sender. It sends nothing until its
    /// [`dispatcher`](Sender::dispatcher) runs.
    ///
    /// # Errors
    ///
    /// Returns an error that names the setting when a schedule, a breaker or a limit lets nothing through, when a lease
    /// is shorter than an attempt and five seconds, when an event of the catalogue is wrong, and when the machine has no root certificates.
    pub fn build(self) -> Result<Sender<S>, ConfigError> {
        self.schedule.check()?;
        self.breaker.check()?;
        self.auto_disable.check()?;
        self.limits.check()?;
        if let Some(catalogue) = &self.catalogue {
            catalogue.check()?;
        }
        if self.timeout.is_zero() {
            return Err(ConfigError::new("timeout", "must let an attempt end"));
        }
        if self.lease < self.timeout.saturating_add(MARGIN) {
            let reason = "must be 5 seconds longer than the time-out of an attempt";
            return Err(ConfigError::new("lease", reason));
        }
        let client = match self.client {
            Some(client) => client,
            None => Box::new(HttpClient::new(self.egress.clone())?),
        };
        Ok(Sender(Arc::new(Inner {
            store: self.store,
            key: self.key,
            catalogue: self.catalogue,
            client,
            egress: self.egress,
            schemes: self.schemes,
            schedule: self.schedule,
            responses: self.responses,
            auto_disable: self.auto_disable,
            breaker: self.breaker,
            limits: self.limits,
            retention: self.retention,
            clock: self.clock,
            timeout: self.timeout,
            lease: self.lease,
            max_payload_bytes: self.max_payload_bytes,
            lifecycle: broadcast::Sender::new(BEHIND),
            wake: Notify::new(),
            unawaited: Arc::new(Semaphore::new(UNAWAITED)),
        })))
    }
}

impl<S> fmt::Debug for SenderBuilder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SenderBuilder").finish_non_exhaustive()
    }
}
