use bytes::Bytes;

use crate::outbound::endpoint::EndpointId;
use crate::outbound::event::EventId;

/// The number of a delivery in its store: that of one event to one endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeliveryId(pub i64);

/// One event on its way to one endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivery {
    /// Its number.
    pub id: DeliveryId,
    /// The event.
    pub event: EventId,
    /// The type of the event.
    pub event_type: String,
    /// The endpoint.
    pub endpoint: EndpointId,
    /// Where it is.
    pub state: DeliveryState,
    /// How many attempts were begun.
    pub attempts: u32,
    /// How many of them failed since it was emitted or revived.
    pub failed: u32,
    /// Whether it was asked for by hand.
    pub manual: bool,
    /// When it was emitted, in Unix milliseconds.
    pub created_at: i64,
    /// When it last changed, in Unix milliseconds.
    pub changed_at: i64,
}

/// Where a delivery is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeliveryState {
    /// It waits, or an attempt is under way.
    Pending {
        /// When it is due, or when the lease of its attempt ends, in Unix milliseconds.
        due_at: i64,
        /// Whether an attempt holds it.
        leased: bool,
    },
    /// It arrived.
    Delivered,
    /// It is a dead letter, and why: `exhausted`, `refused`, `endpoint_disabled`, `endpoint_unreadable`.
    Dead {
        /// A word of a closed set.
        reason: String,
    },
}

impl DeliveryState {
    /// Its name: `pending`, `delivered`, `dead`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Pending { .. } => "pending",
            Self::Delivered => "delivered",
            Self::Dead { .. } => "dead",
        }
    }
}

/// One attempt at a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// The delivery.
    pub delivery: DeliveryId,
    /// Its number, from 1 on.
    pub number: u32,
    /// When it began, in Unix milliseconds.
    pub at: i64,
    /// How long it took, in milliseconds.
    pub took: u32,
    /// The status of the answer.
    pub status: Option<u16>,
    /// Why there was none, or why it did not count.
    pub error: Option<AttemptError>,
    /// The beginning of the answer's body.
    pub response: Bytes,
    /// Whether it ended after it had lost its delivery to another attempt.
    pub late: bool,
}

impl Attempt {
    /// An attempt that had no answer yet.
    #[must_use]
    pub fn new(held: super::Held, at: i64) -> Self {
        Self {
            delivery: held.delivery,
            number: held.attempt,
            at,
            took: 0,
            status: None,
            error: None,
            response: Bytes::new(),
            late: false,
        }
    }
}

/// Why an attempt had no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AttemptError {
    /// A word of a closed set: that of a [`Failure`](crate::outbound::Failure), or `lease_expired` where the process
    /// that made it did not live to tell.
    pub code: String,
    /// What happened, in words; never a secret.
    pub message: String,
}

impl AttemptError {
    /// What a store writes for an attempt whose lease ended without a word.
    pub const LEASE_EXPIRED: &'static str = "lease_expired";

    /// An error.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
        }
    }
}
