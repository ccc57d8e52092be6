//! Checks that the payload has the shape its scheme promises, and finds id and event type where the
//! provider keeps them in the payload.
//!
//! A payload of another shape is 400 with the position of the fault, never its text. The body is
//! scanned once and no tree is built: 1 MiB of `[{"a":0},…]` would be 83 MiB as a
//! `serde_json::Value`. Keys that the scheme does not ask for are passed over, and the bytes go on as
//! they came. [`Envelope`] is the payload as a type of yours, at the end of the stack.
//!
//! # Example
//!
//! ```
//! use http::{Request, Response, StatusCode};
//! use tower_webhook::envelope::Envelope;
//! use tower_webhook::replay::FreshBody;
//!
//! #[derive(serde::Deserialize)]
//! struct Push {
//!     number: u64,
//! }
//!
//! async fn handle(req: Request<FreshBody>) -> Response<()> {
//!     let mut response = Response::new(());
//!     match Envelope::<Push>::open(req.body()) {
//!         Ok(Envelope { payload, delivery, .. }) => { /* … */ }
//!         // Authentic and well-formed, but not what this code expects: the sender tries again.
//!         Err(_) => *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR,
//!     }
//!     response
//! }
//! ```

#[cfg(feature = "axum")]
mod axum;
mod layer;
mod payload;
mod service;

#[cfg(feature = "axum")]
pub use self::axum::{RawWebhook, Webhook, WebhookRejection};
pub use self::layer::OpenEnvelopeLayer;
pub use self::payload::{Envelope, EnvelopeError};
pub use self::service::OpenEnvelope;
