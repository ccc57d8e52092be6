use std::sync::Arc;

use http::HeaderName;

use super::entry::{Entry, Kind, SecretFormat};
use super::secret_text::SecretText;
use crate::config::ConfigError;
use crate::danger::Dangerous;
use crate::scheme::{AnyScheme, HmacScheme, PublicUrl};
use crate::secret::Secret;

/// What an [`Entry`] is made into a scheme with.
#[derive(Clone, Default)]
#[must_use]
pub struct Options {
    secrets: Vec<SecretText>,
    public_url: Option<String>,
    pub(super) signature_header: Option<HeaderName>,
    pub(super) nonce_header: Option<HeaderName>,
    pub(super) origins: Vec<String>,
    pub(super) rate: Option<String>,
    verify_token: Option<SecretText>,
    allows_short: bool,
    told: Option<Arc<dyn Fn(Secret) + Send + Sync>>,
}

impl Options {
    /// Nothing is set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a secret; any of them may match.
    pub fn secret(mut self, secret: impl Into<SecretText>) -> Self {
        self.secrets.push(secret.into());
        self
    }

    /// Sets the URL that the provider was given, for schemes that sign it.
    pub fn public_url(mut self, url: impl Into<String>) -> Self {
        self.public_url = Some(url.into());
        self
    }

    /// Reads the signature from another header.
    pub fn signature_header(mut self, header: HeaderName) -> Self {
        self.signature_header = Some(header);
        self
    }

    /// Reads the delivery id from another header.
    pub fn nonce_header(mut self, header: HeaderName) -> Self {
        self.nonce_header = Some(header);
        self
    }

    /// Consents to deliveries from this origin, for `CloudEvents`.
    pub fn origin(mut self, origin: impl Into<String>) -> Self {
        self.origins.push(origin.into());
        self
    }

    /// Sets the deliveries a minute that are granted, for `CloudEvents`.
    pub fn rate(mut self, rate: impl Into<String>) -> Self {
        self.rate = Some(rate.into());
        self
    }

    /// Sets the token that Meta asks with before it delivers.
    pub fn verify_token(mut self, token: impl Into<SecretText>) -> Self {
        self.verify_token = Some(token.into());
        self
    }

    /// Hears the secret that a provider hands over, for `asana.handshake` and `notion.handshake`.
    pub fn on_secret(mut self, told: impl Fn(Secret) + Send + Sync + 'static) -> Self {
        self.told = Some(Arc::new(told));
        self
    }

    /// What may be weakened.
    pub fn dangerous(self) -> Dangerous<Self> {
        Dangerous(self)
    }

    /// The secrets, decoded. At least one.
    pub(super) fn read_secrets(&self, format: SecretFormat) -> Result<Vec<Secret>, ConfigError> {
        if self.secrets.is_empty() {
            return Err(ConfigError::new("signing_secrets", "must hold a secret"));
        }
        let read = |secret: &SecretText| secret.read(format, self.allows_short);
        self.secrets.iter().map(read).collect()
    }

    pub(super) fn has_secrets(&self) -> bool {
        !self.secrets.is_empty()
    }

    #[cfg(any(feature = "ed25519", feature = "ecdsa"))]
    fn keys<K>(
        &self,
        read: impl Fn(&str) -> Result<K, crate::scheme::PublicKeyError>,
    ) -> Result<(K, Vec<K>), ConfigError> {
        let keys = self.secrets.iter().map(|key| read(key.as_str()));
        let keys: Result<Vec<_>, _> = keys.collect();
        let keys = keys.map_err(|err| ConfigError::new("signing_secrets", err.reason()))?;
        let mut keys = keys.into_iter();
        let first = keys.next();
        let first = first.ok_or(ConfigError::new("signing_secrets", "must hold a key"))?;
        Ok((first, keys.collect()))
    }

    pub(super) fn read_url(&self) -> Result<PublicUrl, ConfigError> {
        let missing = ConfigError::new("public_url", "must be set: this scheme signs the URL");
        PublicUrl::new(self.public_url.as_deref().ok_or(missing)?)
    }

    pub(super) fn read_verify_token(&self) -> Result<Option<Secret>, ConfigError> {
        let read = |token: &SecretText| token.read(SecretFormat::Text, self.allows_short);
        self.verify_token.as_ref().map(read).transpose()
    }

    pub(super) fn told(&self) -> Arc<dyn Fn(Secret) + Send + Sync> {
        self.told.clone().unwrap_or_else(|| Arc::new(|_| {}))
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("secrets", &self.secrets)
            .field("public_url", &self.public_url)
            .finish_non_exhaustive()
    }
}

impl Dangerous<Options> {
    /// Takes secrets of less than 16 bytes, which can be guessed.
    pub fn allow_short_secrets(mut self) -> Options {
        self.0.allows_short = true;
        self.0
    }
}

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
                let mut scheme = secrets.fold(scheme, HmacScheme::or_secret);
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
