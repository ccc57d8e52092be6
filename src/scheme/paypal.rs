use std::fmt;
use std::sync::Arc;

use ::http::HeaderName;
use ::http::request::Parts;

use super::head::{maybe, one, seconds};
use super::keys::{Algorithm, find};
use super::profile::{Facts, Field};
use super::recipe::Unit;
use super::x509::{signature, split_url};
use super::{
    AuthError, AuthErrorKind, Claims, KeySource, Pass, Profile, Scheme, Shape, VerifyingKey,
};
use crate::config::ConfigError;
use crate::delivery::{Delivery, DeliveryId};
use crate::time::{Clock, SystemClock};

const ID: HeaderName = HeaderName::from_static("paypal-transmission-id");
const TIME: HeaderName = HeaderName::from_static("paypal-transmission-time");
const SIGNATURE: HeaderName = HeaderName::from_static("paypal-transmission-sig");
const CERT_URL: HeaderName = HeaderName::from_static("paypal-cert-url");
const ALGORITHM: HeaderName = HeaderName::from_static("paypal-auth-algo");

/// Longest transmission id, in bytes; PayPal sends 36.
const MAX_ID: usize = 128;

/// [PayPal](https://developer.paypal.com/api/rest/webhooks/rest/): RSA with SHA-256 over the
/// transmission's id and time, the id of the webhook and the CRC-32 of the body.
///
/// The certificate must lie at `/v1/notifications/certs/` of PayPal's live or sandbox API, and is
/// asked for by its URL.
///
/// # Deployment caveat
///
/// A CRC is no digest: who has seen one delivery can write another body with the same CRC and use
/// its signature again. The signed id and time limit what that is worth, so keep the replay window
/// and idempotency; ask PayPal's API before you act on an amount.
///
/// The delivery id is that of the HTTP transmission, so an event that PayPal sends anew may come
/// with another: the `id` in the body is the event's, and only the checksum covers it.
///
/// # Example
///
/// ```
/// use tower_webhook::scheme::{PayPalScheme, PinnedKeys, VerifyingKey};
///
/// # fn example(pem: &str) -> Result<(), tower_webhook::config::ConfigError> {
/// let url = "https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-1d93a270";
/// let keys = PinnedKeys::new().with(url, VerifyingKey::certificate_pem(pem)?);
/// let scheme = PayPalScheme::new(keys, "8PT597110X687430LKGECATA")?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct PayPalScheme {
    keys: Arc<dyn KeySource>,
    webhook_id: Box<str>,
    profile: Arc<Profile>,
    clock: Arc<dyn Clock>,
}

impl PayPalScheme {
    /// Verifies for the webhook that PayPal knows as `webhook_id`.
    ///
    /// # Errors
    ///
    /// Returns an error when `webhook_id` is empty or contains more than letters, digits and `-`.
    pub fn new(keys: impl KeySource, webhook_id: &str) -> Result<Self, ConfigError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if webhook_id.is_empty() || !webhook_id.bytes().all(plain) {
            return Err(ConfigError::new("webhook_id", "is not one of PayPal's"));
        }
        let mut facts = Facts::new(Shape::Object);
        facts.event_type = Some(Field::optional(&["event_type"]));
        facts.signs_time = true;
        facts.signs_body = false; // but for a checksum
        Ok(Self {
            keys: Arc::new(keys),
            webhook_id: webhook_id.into(),
            profile: Arc::new(Profile::of(facts)),
            clock: Arc::new(SystemClock),
        })
    }

    /// Sets the clock that judges when certificates end.
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }
}

impl Scheme for PayPalScheme {
    type Pass = PayPalPass;

    fn begin(&self, head: &Parts) -> Result<PayPalPass, AuthError> {
        let headers = &head.headers;
        let id = one(headers, &ID)?;
        // A separator inside the id would let two contents share one signature.
        let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'|';
        if id.is_empty() || id.len() > MAX_ID || !id.bytes().all(plain) {
            return Err(AuthErrorKind::MalformedHeader.into());
        }
        let time = one(headers, &TIME)?;
        let timestamp = seconds(time, Unit::Rfc3339)?;
        let signature = signature(one(headers, &SIGNATURE)?, AuthErrorKind::MalformedHeader)?;
        if maybe(headers, &[ALGORITHM])?.is_some_and(|algorithm| *algorithm != *"SHA256withRSA") {
            return Err(AuthErrorKind::UnsupportedVersion.into());
        }
        let url = one(headers, &CERT_URL)?;
        trust(url)?;
        let mut delivery = Delivery::new(DeliveryId::Signed(id.into()), 0);
        delivery.timestamp = Some(timestamp);
        Ok(PayPalPass {
            key: find(&*self.keys, &*self.clock, url)?,
            before_crc: format!("{id}|{time}|{}|", self.webhook_id),
            crc: crc32fast::Hasher::new(),
            signature,
            delivery,
        })
    }

    fn profile(&self) -> Arc<Profile> {
        Arc::clone(&self.profile)
    }
}

fn trust(url: &str) -> Result<(), AuthError> {
    let (host, path) = split_url(url)?;
    let hosts = [
        "api.paypal.com",
        "api-m.paypal.com",
        "api.sandbox.paypal.com",
        "api-m.sandbox.paypal.com",
    ];
    if hosts.contains(&host) && path.starts_with("/v1/notifications/certs/") {
        Ok(())
    } else {
        Err(AuthErrorKind::UntrustedKeyUrl.into())
    }
}

impl fmt::Debug for PayPalScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PayPalScheme").finish_non_exhaustive()
    }
}

/// One verification by a [`PayPalScheme`].
pub struct PayPalPass {
    key: Arc<VerifyingKey>,
    before_crc: String,
    crc: crc32fast::Hasher,
    signature: Vec<u8>,
    delivery: Delivery,
}

impl Pass for PayPalPass {
    fn update(&mut self, chunk: &[u8]) {
        self.crc.update(chunk);
    }

    fn finish(mut self, _body: &[u8]) -> Result<Claims, AuthError> {
        self.before_crc.push_str(&self.crc.finalize().to_string());
        self.key.verify(
            Algorithm::RsaSha256,
            self.before_crc.as_bytes(),
            &self.signature,
        )?;
        Ok(Claims::Delivery(self.delivery))
    }
}

impl fmt::Debug for PayPalPass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PayPalPass").finish_non_exhaustive()
    }
}
