//! When a delivery is tried again, what an answer means, and when an endpoint is left alone.

mod breaker;
mod disable;
mod limits;
mod responses;
mod retention;
mod schedule;

use std::time::Duration;

use http::StatusCode;

pub use self::breaker::Breaker;
pub use self::disable::AutoDisable;
pub use self::limits::Limits;
pub use self::responses::{Classify, Responses, Verdict};
pub use self::retention::Retention;
pub use self::schedule::Schedule;
use super::failure::Failure;

/// How an attempt ended.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Ended<'a> {
    /// The status, where there was an answer.
    pub status: Option<StatusCode>,
    /// Why there was none.
    pub failure: Option<Failure>,
    /// What the answer said of waiting.
    pub retry_after: Option<Duration>,
    /// The type of the event.
    pub event_type: &'a str,
    /// How many attempts of this delivery failed before it.
    pub failed: u32,
}
