//! Every provider, as one table.
//!
//! # Adding a provider
//!
//! One that signs by a MAC or a signature over parts of the request is a recipe, a dozen lines:
//!
//! 1. Write its `Recipe` in the file of its kind (`code.rs`, `commerce.rs`, `mail.rs`, `messaging.rs`,
//!    `other.rs`): only what differs from an HMAC-SHA256 over the body in hex digits, such as
//!    `Recipe { signature: &["acme-signature"], id: &["acme-id"], ..Recipe::HMAC }`.
//! 2. Add its [`Entry`] below, with its id, its documentation and what bites.
//! 3. Add a constructor in `scheme/providers.rs`.
//! 4. Put its vectors into `tests/vectors/providers.json`: `cargo test --all-features vectors` runs them
//!    through the scheme and the layers.
//! 5. `BLESS=1 cargo test --all-features the_table` writes the table below again.
//!
//! One that does not is a type that implements [`Scheme`](super::Scheme), with an entry of its own.
//!
//! # Example
//!
//! ```
//! use tower_webhook::scheme::catalog::{self, Options};
//!
//! let entry = catalog::find("stripe").expect("there is one");
//! let scheme = entry.build(&Options::new().secret("whsec_an example secret"))?;
//! assert_eq!((entry.id, entry.tolerance), ("stripe.v1", Some(300)));
//! # Ok::<(), tower_webhook::config::ConfigError>(())
//! ```
//!
//! # Every provider
//!
#![doc = include_str!("../../docs/providers.md")]

mod build;
mod code;
mod commerce;
mod entry;
mod keyed;
mod mail;
mod messaging;
mod options;
mod other;
mod secret_text;
mod standard;
mod table;

pub(super) use self::code::*;
pub(super) use self::commerce::*;
#[cfg(feature = "test-util")]
pub(super) use self::entry::Kind;
pub use self::entry::{Entry, SecretFormat};
pub(super) use self::mail::*;
pub(super) use self::messaging::*;
pub use self::options::Options;
pub(super) use self::other::*;
pub use self::secret_text::SecretText;
pub(super) use self::standard::*;
pub use self::table::table;

use super::{AnyScheme, SetupScheme, TokenScheme};
use crate::config::ConfigError;
use crate::secret::Secret;

/// A scheme of tokens.
fn token(options: &Options, new: fn(Secret) -> TokenScheme) -> Result<AnyScheme, ConfigError> {
    let mut tokens = options.read_secrets(SecretFormat::Text)?.into_iter();
    let first = tokens.next().expect("there is at least one");
    let mut scheme = tokens.fold(new(first), TokenScheme::or_token);
    if let Some(header) = &options.signature_header {
        scheme = scheme.token_header(header.clone());
    }
    if let Some(header) = &options.nonce_header {
        scheme = scheme.delivery_id_header(header.clone());
    }
    Ok(AnyScheme::new(scheme))
}

/// A scheme that waits for a secret.
fn setup(options: &Options, scheme: SetupScheme) -> Result<AnyScheme, ConfigError> {
    if options.has_secrets() {
        let reason = "must be empty: this scheme waits for a secret";
        return Err(ConfigError::new("signing_secrets", reason));
    }
    Ok(AnyScheme::new(scheme))
}

/// All entries; of one provider's the usual one first.
pub fn all() -> impl Iterator<Item = &'static Entry> {
    let files = [
        code::ENTRIES,
        commerce::ENTRIES,
        keyed::ENTRIES,
        mail::ENTRIES,
        messaging::ENTRIES,
        other::ENTRIES,
        standard::ENTRIES,
    ];
    files.into_iter().flatten()
}

/// The entry of a scheme by its id, such as `github.sha256`, or by the name of a provider, such as
/// `github`, whose first scheme it then is.
#[must_use]
pub fn find(id: &str) -> Option<&'static Entry> {
    all().find(|entry| entry.id == id || entry.provider == id)
}
