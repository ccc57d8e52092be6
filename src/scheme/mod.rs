//! How each provider signs. Mostly data: most providers are one entry in a table.
//!
//! Verification has two phases, so that the body is hashed while it arrives:
//! [`begin`](Scheme::begin) looks at the head only and refuses what it already condemns,
//! [`update`](Pass::update) takes the body as it comes, [`finish`](Pass::finish) gives the verdict.
//!
//! Every provider, what it signs, where its delivery id stands and whether that is signed: see the
//! [`catalog`], which is also how a scheme is chosen at run time.
//!
//! Some providers ask whether the receiver is there before they deliver. [`Scheme::greet`] answers
//! questions without a body; those that are signed are answered by [`Pass::finish`], which then gives
//! [`Claims::Handshake`]. Neither reaches a handler.
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
//!
//! Two secrets during a rotation, the old one accepted for another day. Without a restart: [`Swap`].
//!
//! ```
//! use tower_webhook::scheme::HmacScheme;
//! use tower_webhook::secret::Secret;
//! # let now = 1_800_000_000;
//!
//! let scheme = HmacScheme::github(Secret::new("the new one, 16+ bytes")?.with_id("2026-11"))
//!     .or_secret(Secret::new("the old one, 16+ bytes")?.with_id("2025-11").retired_at(now));
//! # Ok::<(), tower_webhook::secret::SecretError>(())
//! ```

mod adyen;
mod any;
mod authenticator;
pub mod catalog;
mod challenge;
mod claims;
mod cloud_events;
mod compare;
mod error;
mod greeting;
mod head;
mod hmac;
#[cfg(any(feature = "x509", feature = "jwt", feature = "rfc9421"))]
mod keys;
mod mailgun;
mod payload;
#[cfg(feature = "x509")]
mod paypal;
#[cfg(feature = "jwt")]
mod plaid;
mod plan;
mod profile;
mod providers;
#[cfg(any(feature = "ed25519", feature = "ecdsa"))]
mod public_key;
mod recipe;
#[cfg(feature = "rfc9421")]
mod rfc9421;
mod setup;
#[cfg(any(feature = "outbound", feature = "test-util"))]
pub(crate) mod sign;
mod signature;
#[cfg(feature = "x509")]
mod sns;
mod swap;
mod token;
mod twilio;
mod url;
#[cfg(feature = "x509")]
mod x509;

use std::sync::{Arc, LazyLock};

use ::http::request::Parts;

pub use self::adyen::AdyenScheme;
pub use self::any::{AnyPass, AnyScheme};
pub use self::authenticator::{Authenticator, OpenError, Opened};
pub use self::claims::{Claims, Handshake};
pub use self::cloud_events::CloudEventsScheme;
pub use self::error::{AuthError, AuthErrorKind};
pub use self::greeting::GreetingScheme;
pub use self::hmac::{HmacPass, HmacScheme};
#[cfg(any(feature = "x509", feature = "jwt", feature = "rfc9421"))]
pub use self::keys::{KeyError, KeySource, PinnedKeys, VerifyingKey};
pub use self::mailgun::MailgunScheme;
pub use self::payload::BodyPass;
#[cfg(feature = "x509")]
pub use self::paypal::{PayPalPass, PayPalScheme};
#[cfg(feature = "jwt")]
pub use self::plaid::{PlaidPass, PlaidScheme};
pub(crate) use self::profile::Field;
pub use self::profile::{Profile, Shape};
#[cfg(feature = "ed25519")]
pub use self::public_key::Ed25519Key;
#[cfg(feature = "ecdsa")]
pub use self::public_key::P256Key;
#[cfg(any(feature = "ed25519", feature = "ecdsa"))]
pub use self::public_key::{PublicKey, PublicKeyError, PublicKeyPass, PublicKeyScheme};
pub use self::recipe::Part;
#[cfg(all(feature = "rfc9421", feature = "test-util"))]
pub use self::rfc9421::Rfc9421Signer;
#[cfg(feature = "rfc9421")]
pub use self::rfc9421::{Rfc9421Pass, Rfc9421Scheme};
pub use self::setup::{SetupPass, SetupScheme};
#[cfg(feature = "x509")]
pub use self::sns::{SnsPass, SnsScheme};
pub use self::swap::Swap;
pub use self::token::{TokenPass, TokenScheme};
pub use self::twilio::{TwilioPass, TwilioScheme};
pub use self::url::PublicUrl;

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

    /// What the deliveries look like: by default a JSON object, with no signed time.
    fn profile(&self) -> Arc<Profile> {
        static OBJECT: LazyLock<Arc<Profile>> =
            LazyLock::new(|| Arc::new(Profile::new(Shape::Object)));
        Arc::clone(&OBJECT)
    }

    /// Answers a provider that asks, in a request without a body, whether the receiver is there.
    /// `None` where `head` is no such question.
    ///
    /// # Errors
    ///
    /// The inner result is an error when the question is not the provider's.
    fn greet(&self, head: &Parts) -> Option<Result<Handshake, OpenError>> {
        let _ = head;
        None
    }
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
    fn finish(self, body: &[u8]) -> Result<Claims, AuthError>;
}
