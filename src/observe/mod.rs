//! Outermost: counts every outcome, opens the span, and decides how an answer looks.
//!
//! Each request ends in one [`Outcome`](crate::outcome::Outcome) of a closed set, told to the
//! [`Observer`]; a sender that hangs up while its detached handler runs on is an
//! [`Incident`](crate::outcome::Incident) first, and the outcome follows. With the feature `tracing`
//! there is a span `webhook` and one event an outcome. No body, signature or key is in either.
//!
//! With the feature `metrics`, [`MetricsObserver`] counts all that for the `metrics` facade.
//!
//! Refusals are RFC 9457 problem documents; a caller that speaks gRPC gets the matching `grpc-status`
//! instead. A layer that is not enabled answers 404 and calls nothing.
//!
//! # Example
//!
//! ```
//! use tower_webhook::observe::ObserveLayer;
//! use tower_webhook::outcome::Outcome;
//!
//! let observe = ObserveLayer::new(|outcome: Outcome| {
//!     // webhook_requests_total{outcome}
//!     println!("{}", outcome.label());
//! });
//! ```

mod answer;
mod layer;
#[cfg(feature = "metrics")]
mod metrics;
mod service;

pub use self::layer::ObserveLayer;
#[cfg(feature = "metrics")]
pub use self::metrics::MetricsObserver;
pub use self::service::{Observe, ResponseFuture};
pub use crate::report::{Ended, Observer};
