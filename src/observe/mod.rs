//! Outermost: counts every outcome, opens the span, and decides how an answer looks.
//!
//! Each request ends in one [`Outcome`](crate::outcome::Outcome) of a closed set, told to the
//! [`Observer`]; a sender that hangs up while its detached handler runs on is an
//! [`Incident`](crate::outcome::Incident) first, and the outcome follows.
//!
//! # Spans
//!
//! With the feature `tracing` there is a span `webhook` and one event an outcome, `webhook answered`, inside it. The
//! fields are those of OpenTelemetry's conventions for
//! [HTTP servers](https://opentelemetry.io/docs/specs/semconv/http/http-spans/), and four of ours:
//!
//! | field | value |
//! |---|---|
//! | `otel.name`, `otel.kind` | the method (`HTTP` for an unknown one), `server` |
//! | `http.request.method` | one of the methods that the convention knows, or `_OTHER` |
//! | `url.path`, `url.scheme` | the path; the scheme where the URI has one |
//! | `network.protocol.version` | `1.1`, `2`, … |
//! | `http.request.body.size` | bytes of an authentic body |
//! | `http.response.status_code` | the status that went out; none to who had hung up |
//! | `error.type`, `otel.status_code` | of 5xx, and where there was no answer: the label of the outcome, `ERROR` |
//! | `webhook.outcome` | the label of the outcome |
//! | `webhook.event_type`, `webhook.delivery_id` | once the delivery is authentic, where its head has them |
//! | `webhook.connection` | the same, where the connection is found out by request |
//! | `http.route` | empty: a layer does not know it. `Span::current().record("http.route", …)` in the handler sets it, and `otel.name` too |
//!
//! No body, no header but the event type and the delivery id, no signature, no secret, no key of a claim and no query
//! string is in either. A refusal that blames the sender (4xx) is no error, as the convention has it.
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
//!
//! # Deployment caveat
//!
//! A path is written down as it came: a receiver whose URL holds a secret filters `url.path`.

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
