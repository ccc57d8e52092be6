//! Routes deliveries by event type to handlers with a payload of their own.
//!
//! A route is an event type (`push`), all below one (`invoice.*`), or a type and the `action` that some
//! providers keep in the payload (`pull_request.opened`). The most exact route counts; what no route
//! has goes to the fallback, and without one it is answered and forgotten.
//!
//! A handler is an async function over an [`Envelope<T>`](crate::envelope::Envelope), or any Tower
//! service. A payload that is not a `T` is the receiver's fault: 500, and the sender tries again.
//!
//! # Example
//!
//! ```
//! use tower_webhook::dispatch::{Dispatch, Failure};
//! use tower_webhook::envelope::Envelope;
//!
//! #[derive(serde::Deserialize)]
//! struct Push {
//!     after: String,
//! }
//!
//! async fn on_push(event: Envelope<Push>) -> Result<(), Failure> {
//!     if event.payload.after.is_empty() {
//!         return Err(Failure::reject("a push to nowhere")); // for good: retries get the same answer
//!     }
//!     std::fs::metadata("/")?; // any other error is a 500, and the sender tries again
//!     Ok(())
//! }
//!
//! let dispatch = Dispatch::new().on("push", on_push)?;
//! // axum: `Router::new().route_service("/webhooks/github", dispatch).layer(inbound)`
//! // hyper, tonic: `inbound.layer(dispatch)`
//! # Ok::<(), tower_webhook::config::ConfigError>(())
//! ```

mod answer;
mod body;
mod handler;
mod routes;
mod service;

pub use self::answer::{Failure, IntoAnswer};
pub use self::body::DispatchBody;
pub use self::handler::Handler;
pub use self::service::{Dispatch, ResponseFuture};
