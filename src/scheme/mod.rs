//! How each provider signs. Mostly data: a provider is one value of [`HmacScheme`].
//!
//! Verification has two phases, so that the body is hashed while it arrives:
//! [`begin`](Scheme::begin) looks at the head only and refuses what it already condemns,
//! [`update`](Pass::update) takes the body as it comes, [`finish`](Pass::finish) gives the verdict.
//!
//! # Example
//!
//! A custom HMAC scheme in five lines:
//!
//! ```
//! use tower_webhook::scheme::{HmacScheme, Part};
//! use tower_webhook::secret::Secret;
//!
//! let scheme = HmacScheme::sha256(Secret::new("an example secret")?)
//!     .signature_hex("x-acme-signature", "sha256=")
//!     .signed_content([Part::Timestamp, Part::Literal("."), Part::Body])
//!     .timestamp("x-acme-timestamp")
//!     .event_type("x-acme-event");
//! # Ok::<(), tower_webhook::secret::SecretError>(())
//! ```

mod error;
mod head;
mod hmac;
mod pass;
mod providers;
mod signature;

use ::http::request::Parts;

pub use self::error::{AuthError, AuthErrorKind};
pub use self::hmac::{HmacScheme, Part};
pub use self::pass::HmacPass;
use crate::delivery::Delivery;

/// Something that can decide whether a delivery is authentic.
pub trait Scheme: Send + Sync + 'static {
    /// The state of one verification.
    type Pass: Pass;

    /// Checks the head, before any byte of the body is read.
    ///
    /// # Errors
    ///
    /// Returns an error when a header the scheme needs is missing, doubled or garbled.
    fn begin(&self, head: &Parts) -> Result<Self::Pass, AuthError>;
}

/// One verification under way.
pub trait Pass: Send + 'static {
    /// Takes the next bytes of the body.
    fn update(&mut self, chunk: &[u8]);

    /// Gives the verdict over the whole body.
    ///
    /// # Errors
    ///
    /// Returns an error when no signature matches under any secret.
    fn finish(self, body: &[u8]) -> Result<Delivery, AuthError>;
}
