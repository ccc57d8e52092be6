use super::{Attempt, Held};
use crate::outbound::endpoint::{EndpointId, Health};

/// How an attempt ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settlement {
    /// The attempt, as it is written down. Its `late` is the store's to say.
    pub attempt: Attempt,
    /// The endpoint.
    pub endpoint: EndpointId,
    /// What becomes of the delivery.
    pub next: Next,
    /// What it says of the endpoint.
    pub health: HealthEffect,
    /// When it ended, in Unix milliseconds.
    pub at: i64,
}

impl Settlement {
    /// An attempt that ended at `at`.
    #[must_use]
    pub fn new(
        attempt: Attempt,
        endpoint: EndpointId,
        next: Next,
        health: HealthEffect,
        at: i64,
    ) -> Self {
        Self {
            attempt,
            endpoint,
            next,
            health,
            at,
        }
    }

    /// The delivery, and the attempt that says it holds it.
    #[must_use]
    pub fn held(&self) -> Held {
        Held::new(self.attempt.delivery, self.attempt.number)
    }
}

/// What becomes of a delivery after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Next {
    /// It arrived.
    Delivered,
    /// The attempt failed, and the delivery is due again then, in Unix milliseconds.
    Retry {
        /// When.
        due_at: i64,
    },
    /// The attempt failed, and the delivery is a dead letter.
    Dead {
        /// Why: a word of a closed set.
        reason: &'static str,
    },
    /// There was no attempt after all: it is due again then, in Unix milliseconds, and nothing is written down.
    Released {
        /// When.
        due_at: i64,
    },
}

/// What an attempt says of the endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HealthEffect {
    /// Nothing.
    None,
    /// It is well: its failures are forgotten. A pause ends by itself.
    Success,
    /// It failed once more.
    Failure,
}

/// What was written down.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Settled {
    /// Of each settlement, in their order, whether its attempt still held its delivery.
    pub held: Vec<bool>,
    /// The endpoints whose failures changed.
    pub endpoints: Vec<HealthNow>,
}

impl Settled {
    /// What a store wrote down.
    #[must_use]
    pub fn new(held: Vec<bool>, endpoints: Vec<HealthNow>) -> Self {
        Self { held, endpoints }
    }
}

/// The health of an endpoint after attempts were settled.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HealthNow {
    /// The endpoint.
    pub endpoint: EndpointId,
    /// Its failures in a row before.
    pub failures_before: u32,
    /// Its health now.
    pub health: Health,
}

impl HealthNow {
    /// The health of an endpoint that had so many failures before.
    #[must_use]
    pub fn new(endpoint: EndpointId, failures_before: u32, health: Health) -> Self {
        Self {
            endpoint,
            failures_before,
            health,
        }
    }
}

/// A change of an endpoint that its owner did not ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndpointChange {
    /// Nothing is sent to it until then, in Unix milliseconds; an end that is later stays.
    Pause {
        /// When it ends.
        until: i64,
    },
    /// It is disabled, where it is active and has failed at least so often in a row.
    Disable {
        /// Why: `gone` or `failing`.
        reason: &'static str,
        /// How many failures it takes.
        failures: u32,
    },
}
