use std::sync::Arc;

use super::DeliveryId;
use crate::outbound::endpoint::{Endpoint, EndpointId, EndpointRecord};
use crate::outbound::event::Event;

/// Which deliveries are to be taken.
///
/// Endpoints are visited in the order of their ids, beginning behind `after`, a bounded number of those that have
/// pending deliveries. Of each that is active and not paused the deliveries that are due are taken, those due first
/// first, as many as it is allowed; so a backlog of one endpoint costs the others nothing.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClaimRequest {
    /// The time now.
    pub now: i64,
    /// When the leases end.
    pub lease_until: i64,
    /// Most deliveries in all.
    pub limit: u32,
    /// Most deliveries of an endpoint that is not among the allowances, and has no limit of its own.
    pub concurrent: u32,
    /// From so many failures on an endpoint gets one delivery at a time.
    pub half_open: u32,
    /// What this sender already has under way, and how much more it may take.
    pub allowances: Vec<Allowance>,
    /// The endpoint after which to begin.
    pub after: Option<EndpointId>,
}

/// Most endpoints that a claim visits.
pub const MAX_VISITS: usize = 256;

impl ClaimRequest {
    /// A request for at most `limit` deliveries, of endpoints from the first on, without any under way.
    #[must_use]
    pub fn new(now: i64, lease_until: i64, limit: u32) -> Self {
        Self {
            now,
            lease_until,
            limit,
            concurrent: 8,
            half_open: u32::MAX,
            allowances: Vec::new(),
            after: None,
        }
    }

    /// How many deliveries may be taken of an endpoint now.
    #[must_use]
    pub fn allowed(&self, endpoint: &Endpoint) -> u32 {
        if !endpoint.state.is_active()
            || endpoint
                .health
                .paused_until
                .is_some_and(|end| end > self.now)
        {
            return 0;
        }
        let known = self.allowances.iter();
        let known = known.rev().find(|known| known.endpoint == endpoint.id);
        let limit = |own: Option<u32>, usual| own.unwrap_or(usual);
        let unknown = || {
            limit(endpoint.max_concurrent, self.concurrent)
                .min(limit(endpoint.max_per_second, u32::MAX))
        };
        let (most, in_flight) =
            known.map_or_else(|| (unknown(), 0), |known| (known.most, known.in_flight));
        if endpoint.health.failures < self.half_open {
            return most;
        }
        most.min(u32::from(in_flight == 0))
    }
}

/// How much may be taken of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Allowance {
    /// The endpoint.
    pub endpoint: EndpointId,
    /// Most deliveries that may be taken now.
    pub most: u32,
    /// Deliveries that are under way.
    pub in_flight: u32,
}

impl Allowance {
    /// At most `most` deliveries, while `in_flight` are under way.
    #[must_use]
    pub fn new(endpoint: EndpointId, most: u32, in_flight: u32) -> Self {
        Self {
            endpoint,
            most,
            in_flight,
        }
    }
}

/// What was taken.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Claimed {
    /// The deliveries.
    pub deliveries: Vec<ClaimedDelivery>,
    /// Where to go on; `None` when the last endpoint was visited.
    pub after: Option<EndpointId>,
    /// When the next delivery is due of the endpoints that were visited and have none due, whatever they are allowed:
    /// the end of a pause counts too.
    pub next_due: Option<i64>,
}

impl Claimed {
    /// What a store took.
    #[must_use]
    pub fn new(
        deliveries: Vec<ClaimedDelivery>,
        after: Option<EndpointId>,
        next_due: Option<i64>,
    ) -> Self {
        Self {
            deliveries,
            after,
            next_due,
        }
    }
}

/// A delivery that was taken for an attempt.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClaimedDelivery {
    /// Which one, and for which attempt.
    pub held: Held,
    /// How many attempts failed since it was emitted or revived.
    pub failed: u32,
    /// Whether it was asked for by hand: it says nothing of the endpoint's health.
    pub manual: bool,
    /// When it was due.
    pub due_at: i64,
    /// The event.
    pub event: Arc<Event>,
    /// The endpoint.
    pub endpoint: Arc<EndpointRecord>,
}

impl ClaimedDelivery {
    /// A delivery that was not asked for by hand, and has not failed.
    #[must_use]
    pub fn new(held: Held, due_at: i64, event: Arc<Event>, endpoint: Arc<EndpointRecord>) -> Self {
        Self {
            held,
            failed: 0,
            manual: false,
            due_at,
            event,
            endpoint,
        }
    }
}

/// A delivery, and the attempt that holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Held {
    /// The delivery.
    pub delivery: DeliveryId,
    /// The number of the attempt, from 1 on: the fencing token.
    pub attempt: u32,
}

impl Held {
    /// A delivery, and the attempt that holds it.
    #[must_use]
    pub const fn new(delivery: DeliveryId, attempt: u32) -> Self {
        Self { delivery, attempt }
    }
}
