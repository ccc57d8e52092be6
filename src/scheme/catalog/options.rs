use std::sync::Arc;

use http::HeaderName;

use super::entry::SecretFormat;
use super::secret_text::SecretText;
use crate::config::ConfigError;
use crate::danger::Dangerous;
use crate::scheme::PublicUrl;
use crate::secret::Secret;
use crate::time::{Clock, SystemClock};

/// What an [`Entry`](super::Entry) is made into a scheme with.
#[derive(Clone, Default)]
#[must_use]
pub struct Options {
    secrets: Vec<SecretText>,
    pub(super) public_url: Option<String>,
    pub(super) webhook_id: Option<String>,
    pub(super) topics: Vec<String>,
    pub(super) key_id: Option<String>,
    pub(super) components: Vec<String>,
    pub(super) allows_any_topic: bool,
    pub(super) allows_unsigned_body: bool,
    clock: Option<Arc<dyn Clock>>,
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

    /// Sets the id of the webhook, which `PayPal` signs.
    pub fn webhook_id(mut self, id: impl Into<String>) -> Self {
        self.webhook_id = Some(id.into());
        self
    }

    /// Takes deliveries of this topic (its ARN), for Amazon SNS.
    pub fn topic(mut self, arn: impl Into<String>) -> Self {
        self.topics.push(arn.into());
        self
    }

    /// Sets the id of the key, for RFC 9421. Without it the key is taken whatever id the sender names.
    pub fn key_id(mut self, id: impl Into<String>) -> Self {
        self.key_id = Some(id.into());
        self
    }

    /// Asks that this component is signed, for RFC 9421, in place of the usual ones.
    pub fn component(mut self, name: impl Into<String>) -> Self {
        self.components.push(name.into());
        self
    }

    /// Sets the clock that judges dated keys.
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Some(Arc::new(clock));
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

    /// The secrets as they stand there. At least one.
    #[cfg(any(feature = "x509", feature = "jwt", feature = "rfc9421"))]
    pub(super) fn raw_secrets(&self) -> Result<impl Iterator<Item = &str>, ConfigError> {
        if self.secrets.is_empty() {
            return Err(ConfigError::new("signing_secrets", "must hold a key"));
        }
        Ok(self.secrets.iter().map(SecretText::as_str))
    }

    #[cfg(any(feature = "x509", feature = "rfc9421"))]
    pub(super) fn only_secret(&self) -> Result<&str, ConfigError> {
        let mut secrets = self.raw_secrets()?;
        match (secrets.next(), secrets.next()) {
            (Some(secret), None) => Ok(secret),
            _ => Err(ConfigError::new("signing_secrets", "must hold one key")),
        }
    }

    pub(super) fn clock(&self) -> Arc<dyn Clock> {
        self.clock.clone().unwrap_or_else(|| Arc::new(SystemClock))
    }

    pub(super) fn has_secrets(&self) -> bool {
        !self.secrets.is_empty()
    }

    #[cfg(any(feature = "ed25519", feature = "ecdsa"))]
    pub(super) fn keys<K>(
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

    /// Who hears the secret. Without a listener it would be answered for and lost.
    pub(super) fn told(&self) -> Result<Arc<dyn Fn(Secret) + Send + Sync>, ConfigError> {
        let reason = "must be set: a secret is handed over, and nobody would hear it";
        self.told
            .clone()
            .ok_or(ConfigError::new("on_secret", reason))
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

    /// Takes deliveries of any topic, for Amazon SNS: anybody's own included.
    pub fn allow_any_topic(mut self) -> Options {
        self.0.allows_any_topic = true;
        self.0
    }

    /// Takes signatures that do not cover the body, for RFC 9421.
    pub fn allow_unsigned_body(mut self) -> Options {
        self.0.allows_unsigned_body = true;
        self.0
    }
}
