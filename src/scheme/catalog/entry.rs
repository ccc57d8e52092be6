use crate::config::ConfigError;
use crate::scheme::AnyScheme;
use crate::scheme::recipe::Recipe;

use super::Options;

/// One way in which one provider signs.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Entry {
    /// The id of the scheme, such as `github.sha256`.
    pub id: &'static str,
    /// The id of the provider, such as `github`.
    pub provider: &'static str,
    /// The name of the provider.
    pub name: &'static str,
    /// Where the provider says how it signs.
    pub docs: &'static str,
    /// How its secrets are written.
    pub secret: SecretFormat,
    /// How old a delivery its own SDK or documentation allows, in seconds.
    pub tolerance: Option<u64>,
    /// What bites.
    pub note: &'static str,
    pub(in crate::scheme) kind: Kind,
}

/// How a provider writes its secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecretFormat {
    /// The text is the key.
    Text,
    /// The text is the key, and may have 15 characters.
    Text15,
    /// Base64, with or without `whsec_` before it.
    Whsec,
    /// Hex digits.
    Hex,
    /// An Ed25519 public key in hex digits.
    Ed25519Hex,
    /// An Ed25519 public key in base64, with or without `whpk_` before it.
    Ed25519Base64,
    /// A P-256 public key in DER, in base64.
    Spki,
    /// Base64 of the key.
    Base64,
    /// An X.509 certificate in PEM.
    Pem,
    /// A JSON Web Key.
    Jwk,
    /// None: the provider hands one over, or asks for none.
    None,
}

#[derive(Clone, Copy, Debug)]
pub(in crate::scheme) enum Kind {
    Hmac(&'static Recipe),
    Ed25519(&'static Recipe),
    Ecdsa(&'static Recipe),
    Own(Own),
}

/// A scheme that is no recipe, as the table of providers tells of it.
#[derive(Clone, Copy, Debug)]
pub(in crate::scheme) struct Own {
    pub(super) signature: &'static str,
    pub(super) signed: &'static str,
    pub(super) id: &'static str,
    pub(super) time: &'static str,
    pub(super) build: fn(&Options) -> Result<AnyScheme, ConfigError>,
}

impl Entry {
    /// Whether the URL that the provider was given must be known.
    #[must_use]
    pub fn needs_public_url(&self) -> bool {
        match self.kind {
            Kind::Hmac(recipe) | Kind::Ed25519(recipe) | Kind::Ecdsa(recipe) => {
                recipe.content.contains(&crate::scheme::Part::Url)
            }
            Kind::Own(own) => own.signed.contains("URL"),
        }
    }
}
