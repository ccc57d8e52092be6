use super::endpoint::EndpointId;
use super::event::EventId;

/// What whoever operates the sender may want to know at once.
///
/// See [`Sender::lifecycle`](super::Sender::lifecycle).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lifecycle {
    /// A delivery became a dead letter.
    DeadLetter {
        /// The endpoint.
        endpoint: EndpointId,
        /// The event.
        event: EventId,
        /// Why: `exhausted`, `refused`.
        reason: &'static str,
    },
    /// An endpoint that was left alone for its failures takes deliveries again.
    Recovered {
        /// The endpoint.
        endpoint: EndpointId,
        /// How many attempts in a row had failed.
        failures: u32,
    },
    /// An endpoint is on its way to being disabled.
    Failing {
        /// The endpoint.
        endpoint: EndpointId,
        /// How far: 50, 70 or 90 per cent of the failures it takes.
        percent: u8,
        /// How many attempts in a row have failed.
        failures: u32,
    },
    /// An endpoint was disabled.
    Disabled {
        /// The endpoint.
        endpoint: EndpointId,
        /// Why: `gone`, `failing`.
        reason: &'static str,
    },
    /// The secrets of an endpoint cannot be opened: its deliveries wait.
    Unreadable {
        /// The endpoint.
        endpoint: EndpointId,
    },
}
