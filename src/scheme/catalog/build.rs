use super::Options;
#[cfg(feature = "ed25519")]
use super::entry::SecretFormat;
use super::entry::{Entry, Kind};
use crate::config::ConfigError;
use crate::scheme::{AnyScheme, HmacScheme};

impl Entry {
    /// Makes the scheme.
    ///
    /// # Errors
    ///
    /// Returns an error that names the option: `signing_secrets` that are missing, empty, short or
    /// not in the provider's encoding; a missing `public_url` where the URL is signed; a feature of
    /// this crate that is off.
    pub fn build(&self, options: &Options) -> Result<AnyScheme, ConfigError> {
        match self.kind {
            Kind::Hmac(recipe) => {
                let mut secrets = options.read_secrets(self.secret)?.into_iter();
                let first = secrets.next().expect("there is at least one");
                let scheme = HmacScheme::of(recipe, first);
                let scheme = secrets.fold(scheme, HmacScheme::or_secret);
                let mut scheme = scheme.with_clock(options.clock());
                if self.needs_public_url() {
                    scheme = scheme.public_url(options.read_url()?);
                }
                if let Some(header) = &options.signature_header {
                    scheme = scheme.signature_header(header.clone());
                }
                if let Some(header) = &options.nonce_header {
                    scheme = scheme.delivery_id_header(header.clone());
                }
                scheme = match (self.provider, options.read_verify_token()?) {
                    ("meta", Some(token)) => scheme.verify_token(token),
                    ("dropbox", _) => scheme.answers_dropbox(),
                    ("intercom", _) => scheme.answers_intercom(),
                    _ => scheme,
                };
                Ok(AnyScheme::new(scheme))
            }
            #[cfg(feature = "ed25519")]
            Kind::Ed25519(recipe) => {
                use crate::scheme::{Ed25519Key, PublicKeyScheme};
                let read = match self.secret {
                    SecretFormat::Ed25519Hex => Ed25519Key::hex,
                    _ => Ed25519Key::base64,
                };
                let (first, rest) = options.keys(read)?;
                let scheme = PublicKeyScheme::of(recipe, first);
                Ok(AnyScheme::new(
                    rest.into_iter().fold(scheme, PublicKeyScheme::or_key),
                ))
            }
            #[cfg(feature = "ecdsa")]
            Kind::Ecdsa(recipe) => {
                use crate::scheme::{P256Key, PublicKeyScheme};
                let (first, rest) = options.keys(P256Key::spki)?;
                let scheme = PublicKeyScheme::of(recipe, first);
                Ok(AnyScheme::new(
                    rest.into_iter().fold(scheme, PublicKeyScheme::or_key),
                ))
            }
            #[cfg(not(feature = "ed25519"))]
            Kind::Ed25519(_) => Err(ConfigError::new("type", "needs the feature `ed25519`")),
            #[cfg(not(feature = "ecdsa"))]
            Kind::Ecdsa(_) => Err(ConfigError::new("type", "needs the feature `ecdsa`")),
            Kind::Own(own) => (own.build)(options),
        }
    }
}
