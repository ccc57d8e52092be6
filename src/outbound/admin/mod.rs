//! Endpoints and their deliveries over HTTP: one tower service behind the host's own authentication.
//!
//! | | | |
//! |---|---|---|
//! | `POST` | `/` | makes an endpoint; its secret is in this answer and in no other |
//! | `GET` | `/` | the endpoints |
//! | `GET` | `/{id}` | an endpoint |
//! | `PATCH` | `/{id}` | changes what is named; with `If-Match` only what was seen |
//! | `DELETE` | `/{id}` | forgets it with its deliveries |
//! | `GET` | `/{id}/deliveries` | the last 50, with their attempts: statuses, errors, counts; `?state=`, `?limit=`, `?before=` |
//! | `GET` | `/{id}/dead-letters` | those that were given up |
//! | `POST` | `/{id}/deliveries/{event_id}/retry` | sends one that is over again |
//! | `POST` | `/{id}/replay` | sends dead letters since a time again |
//! | `POST` | `/{id}/rotate` | makes a new secret; the old one signs too for a day |
//! | `POST` | `/{id}/test` | sends a test event |
//! | `GET` | `/event-types` | the catalogue |
//! | `GET` | `/openapi.json` | this table as OpenAPI 3.1, from the types that answer, with the catalogue as its `webhooks` |
//!
//! What cannot be taken is answered with a problem document (RFC 9457) that names the `field`.
//!
//! # Whose endpoints
//!
//! The host authenticates, and inserts a [`Tenant`](super::Tenant) into the extensions of the request. Only endpoints
//! of this tenant are there; another's and none are the same answer, 404. A request without one is refused, 403,
//! unless [`single_tenant`](Admin::single_tenant) was said.
//!
//! # Example
//!
//! ```
//! use axum::Router;
//! use axum::extract::Request;
//! use axum::middleware::{Next, from_fn};
//! use tower_webhook::outbound::{MemoryOutbox, SealingKey, Sender, Tenant};
//!
//! # let key = SealingKey::generate();
//! let sender = Sender::builder(MemoryOutbox::new(), key).build()?;
//! let app: Router = Router::new()
//!     .nest_service("/webhooks", sender.admin())
//!     // Where the host authenticates.
//!     .layer(from_fn(async |mut request: Request, next: Next| {
//!         request.extensions_mut().insert(Tenant::from("shop-7"));
//!         next.run(request).await
//!     }));
//! # Ok::<(), tower_webhook::config::ConfigError>(())
//! ```
//!
//! # Deployment caveat
//!
//! The service bounds the length of a body, 64 KiB, and no time: the server must. It bounds neither how many endpoints a
//! tenant makes nor how often it asks. A `POST` without a body needs no media type, so a host that authenticates by
//! cookies has to refuse requests of other sites. There are no idempotency keys: a `POST /` that is sent again makes
//! another endpoint. The secrets that it makes are shared ones: a host whose sender signs with private keys only makes its
//! endpoints itself.
//!
//! What receivers answered is recorded and not shown here, for a receiver may echo the headers it was sent.

mod answer;
mod call;
mod deliveries;
mod document;
mod endpoints;
mod operation;
mod problem;
mod read;
mod request;
mod routes;
mod service;
mod view;

pub use self::answer::AdminBody;
pub use self::service::{Admin, ResponseFuture};
