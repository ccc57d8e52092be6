//! Verifies signatures over the raw body, and is the only place that can make a [`VerifiedBody`].
//!
//! Method, encoding, media type and the headers of the signature are checked before the body is
//! polled; the body is hashed while it arrives; every failure is the same 401, with the cause, an
//! [`AuthErrorKind`](crate::scheme::AuthErrorKind), only in the extensions of the response. The inner service is asked for
//! readiness only after the proof, so a forger holds none of its permits.
//!
//! # Example
//!
//! ```
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use tower::{Service, ServiceBuilder, service_fn};
//! use tower_webhook::limit::BodyLimitLayer;
//! use tower_webhook::scheme::HmacScheme;
//! use tower_webhook::secret::Secret;
//! use tower_webhook::verify::{VerifiedBody, VerifyLayer};
//!
//! let mut stack = ServiceBuilder::new()
//!     .layer(BodyLimitLayer::new(1 << 20))
//!     .layer(VerifyLayer::new(HmacScheme::github(Secret::new("an example secret")?)))
//!     .service(service_fn(|req: Request<VerifiedBody>| async {
//!         Ok::<_, std::convert::Infallible>(Response::new(req.into_body()))
//!     }));
//! let answer = stack.call(Request::new(Full::new(bytes::Bytes::new())));
//! # Ok::<(), tower_webhook::secret::SecretError>(())
//! ```
//!
//! Without the limit before it, the same stack does not compile:
//!
//! ```compile_fail,E0277
//! # use http::{Request, Response};
//! # use http_body_util::Full;
//! # use tower::{Service, ServiceBuilder, service_fn};
//! # use tower_webhook::scheme::HmacScheme;
//! # use tower_webhook::secret::Secret;
//! # use tower_webhook::verify::{VerifiedBody, VerifyLayer};
//! let mut stack = ServiceBuilder::new()
//!     .layer(VerifyLayer::new(HmacScheme::github(Secret::new("an example secret")?)))
//!     .service(service_fn(|req: Request<VerifiedBody>| async {
//!         Ok::<_, std::convert::Infallible>(Response::new(req.into_body()))
//!     }));
//! let answer = stack.call(Request::new(Full::new(bytes::Bytes::new())));
//! # Ok::<(), tower_webhook::secret::SecretError>(())
//! ```

mod body;
mod future;
mod layer;
mod service;

pub(crate) use self::body::sealed;
pub use self::body::{Unclaimed, Verified, VerifiedBody};
pub use self::future::ResponseFuture;
pub use self::layer::VerifyLayer;
pub use self::service::Verify;
