use super::DeliveryId;
use crate::outbound::endpoint::EndpointId;
use crate::outbound::event::EventId;
use crate::outbound::tenant::Tenant;

/// Which endpoints are asked for.
#[derive(Clone, Debug)]
#[must_use]
pub struct EndpointQuery {
    /// Of this tenant.
    pub tenant: Option<Tenant>,
    /// Made after this one, in the order of their making.
    pub after: Option<EndpointId>,
    /// At most so many, 1,000 at most.
    pub limit: u32,
}

impl Default for EndpointQuery {
    fn default() -> Self {
        Self {
            tenant: None,
            after: None,
            limit: 50,
        }
    }
}

/// Which deliveries are asked for.
#[derive(Clone, Debug)]
#[must_use]
pub struct DeliveryQuery {
    /// To this endpoint.
    pub endpoint: EndpointId,
    /// Of this event.
    pub event: Option<EventId>,
    /// In a state of this name: `pending`, `delivered`, `dead`.
    pub state: Option<String>,
    /// Older than this one.
    pub before: Option<DeliveryId>,
    /// At most so many, 1,000 at most.
    pub limit: u32,
}

impl DeliveryQuery {
    /// The last 50 deliveries to an endpoint.
    pub fn new(endpoint: EndpointId) -> Self {
        Self {
            endpoint,
            event: None,
            state: None,
            before: None,
            limit: 50,
        }
    }
}

/// Which deliveries that are over are sent again.
#[derive(Clone, Debug)]
#[must_use]
pub struct Revive {
    /// To this endpoint.
    pub endpoint: EndpointId,
    /// Which of them.
    pub which: Revival,
}

/// Which deliveries of an endpoint.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Revival {
    /// That of this event.
    Event(EventId),
    /// Those emitted at or after a time, in Unix milliseconds: dead letters, and with `delivered` those that arrived.
    Since {
        /// The time.
        time: i64,
        /// Also those that arrived.
        delivered: bool,
    },
}

/// What is forgotten.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Purge {
    /// Deliveries that arrived before this time, in Unix milliseconds.
    pub delivered_before: i64,
    /// Dead letters since before this time, in Unix milliseconds.
    pub dead_before: i64,
}
