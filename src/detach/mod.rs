//! Runs everything below to its end: a sender that hangs up stops nothing.
//!
//! Servers drop the future of a request when its connection ends, and a handler slower than the
//! time-out of its sender (Slack 3 s, Shopify 5 s, GitHub 10 s) would never finish. So what waits goes
//! on in a task of its own; what does not wait is done before the call returns. What runs is bounded:
//! without a permit the answer is 503. A panic below is 500.
//!
//! # Example
//!
//! ```
//! use std::time::Duration;
//! use tower_webhook::detach::DetachLayer;
//!
//! # async fn shut_down() {
//! let detach = DetachLayer::new(256);
//! // … at shutdown, what is new is refused, and what runs has 25 s:
//! let in_time = tokio::time::timeout(Duration::from_secs(25), detach.drain()).await.is_ok();
//! # }
//! ```
//!
//! # Deployment caveat
//!
//! From where it first waits, a handler has no task-locals of the connection. With the feature `tracing` it
//! keeps the span. What it computes before that holds up the other requests of an HTTP/2
//! connection; computing that takes long belongs in `spawn_blocking`, here as everywhere.

mod layer;
mod service;

pub use self::layer::DetachLayer;
pub use self::service::{Detach, ResponseFuture};
