//! Signing: the other side of verification, from the same data.
//!
//! [`Form`] signs what is sent to others. The rest signs as each provider does, for the tests of its
//! receivers, and panics where a test is written wrongly.

#[cfg(feature = "outbound")]
mod form;
#[cfg(feature = "outbound")]
mod form_key;
#[cfg(feature = "test-util")]
mod key;
#[cfg(feature = "test-util")]
mod own;
#[cfg(feature = "test-util")]
mod payload;
#[cfg(any(feature = "ed25519", all(feature = "ecdsa", feature = "test-util")))]
mod private;
#[cfg(feature = "test-util")]
mod provider;
#[cfg(feature = "test-util")]
mod recipe;
mod text;

#[cfg(feature = "outbound")]
pub use self::form::Message;
#[cfg(feature = "outbound")]
pub(crate) use self::form::{Fault, Form, is_token};
#[cfg(feature = "outbound")]
pub(crate) use self::form_key::FormKey;
#[cfg(feature = "test-util")]
pub(crate) use self::key::SigningKey;
#[cfg(all(feature = "outbound", feature = "ed25519"))]
pub(crate) use self::private::private;
#[cfg(feature = "test-util")]
pub(crate) use self::provider::{Draft, Signed, sign, smallest};
#[cfg(feature = "test-util")]
use self::provider::{FORM, JSON};
