use super::Sender;
use crate::outbound::OutboundError;
use crate::outbound::endpoint::EndpointId;
use crate::outbound::event::{Event, EventId, TEST_EVENT};
use crate::outbound::sender::inner::millis;
use crate::outbound::store::{
    Attempt, Delivery, DeliveryQuery, OutboundStore, Purge, Revival, Revive,
};

/// A delivery with its attempts.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Audited {
    /// The delivery.
    pub delivery: Delivery,
    /// Its attempts, the first one first; at most the last 50.
    pub attempts: Vec<Attempt>,
}

impl<S: OutboundStore> Sender<S> {
    /// Sends an event of the type [`TEST_EVENT`] to an endpoint, whatever events it wants, once; says its id, by which
    /// [`deliveries`](Self::deliveries) finds how it went. It says nothing of the endpoint's health.
    ///
    /// # Errors
    ///
    /// Returns an error when there is no such endpoint, and when it is disabled.
    pub async fn test(&self, endpoint: &EndpointId) -> Result<EventId, OutboundError> {
        let tenant = self.enabled(endpoint).await?.tenant;
        let data = serde_json::json!({ "endpoint": endpoint.as_str() });
        let event = Event::standard(TEST_EVENT, &data)?.tenant(tenant);
        if !self.0.store.emit_to(&event, endpoint, self.0.now()).await? {
            return Err(OutboundError::NOT_FOUND);
        }
        self.wake();
        Ok(event.id)
    }

    /// The deliveries that are asked for, the newest first, with their attempts.
    ///
    /// # Errors
    ///
    /// Returns an error when the store cannot be asked.
    pub async fn deliveries(&self, query: &DeliveryQuery) -> Result<Vec<Audited>, OutboundError> {
        let deliveries = self.0.store.deliveries(query).await?;
        let ids: Vec<_> = deliveries.iter().map(|delivery| delivery.id).collect();
        let attempts = self.0.store.attempts(&ids).await?;
        let of = |delivery: Delivery| Audited {
            attempts: attempts
                .iter()
                .filter(|attempt| attempt.delivery == delivery.id)
                .cloned()
                .collect(),
            delivery,
        };
        Ok(deliveries.into_iter().map(of).collect())
    }

    /// Sends one delivery that is over again, with the whole schedule before it.
    ///
    /// # Errors
    ///
    /// Returns an error when there is no such endpoint, when it is disabled, when it never had the event, and when the
    /// delivery is still pending.
    pub async fn retry(&self, endpoint: &EndpointId, event: &EventId) -> Result<(), OutboundError> {
        let which = Revival::Event(event.clone());
        match self.revive(endpoint, which).await? {
            0 => Err(OutboundError::NOT_FOUND),
            _ => Ok(()),
        }
    }

    /// Sends dead letters of an endpoint again, those emitted at or after `since`, in Unix milliseconds; says how many.
    /// Each has the whole schedule before it, and says nothing of the endpoint's health.
    ///
    /// # Errors
    ///
    /// Returns an error when there is no such endpoint, and when it is disabled.
    pub async fn replay(
        &self,
        endpoint: &EndpointId,
        replay: Replay,
    ) -> Result<u64, OutboundError> {
        let which = Revival::Since {
            time: replay.since,
            delivered: replay.delivered,
        };
        self.revive(endpoint, which).await
    }

    async fn revive(&self, endpoint: &EndpointId, which: Revival) -> Result<u64, OutboundError> {
        self.enabled(endpoint).await?;
        let endpoint = endpoint.clone();
        let revive = Revive { endpoint, which };
        let revived = self.0.store.revive(&revive, self.0.now()).await?;
        self.wake();
        Ok(revived)
    }

    async fn enabled(
        &self,
        id: &EndpointId,
    ) -> Result<crate::outbound::endpoint::Endpoint, OutboundError> {
        let endpoint = self.endpoints().get(id).await?;
        if !endpoint.state.is_active() {
            return Err(OutboundError::invalid("endpoint", "is disabled"));
        }
        Ok(endpoint)
    }

    /// Forgets what is older than [`Retention`](crate::outbound::policy::Retention) says; says how many deliveries. A
    /// running dispatcher does so every hour.
    ///
    /// # Errors
    ///
    /// Returns an error when the store cannot be asked.
    pub async fn purge(&self) -> Result<u64, OutboundError> {
        let now = self.0.now();
        let purge = Purge {
            delivered_before: now.saturating_sub(millis(self.0.retention.delivered)),
            dead_before: now.saturating_sub(millis(self.0.retention.dead)),
        };
        Ok(self.0.store.purge(&purge).await?)
    }
}

/// Which deliveries of an endpoint are sent again.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Replay {
    since: i64,
    delivered: bool,
}

impl Replay {
    /// Dead letters emitted at or after a time, in Unix milliseconds.
    pub fn since(unix_millis: i64) -> Self {
        Self {
            since: unix_millis,
            delivered: false,
        }
    }

    /// And deliveries that arrived: for a receiver that lost what it had.
    pub fn and_delivered(mut self) -> Self {
        self.delivered = true;
        self
    }
}
