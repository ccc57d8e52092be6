use std::fmt;
use std::sync::Arc;

use ::http::HeaderName;
use ::http::request::Parts;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use sha2::{Digest as _, Sha256};

use super::compare::equal;
use super::head::one;
use super::keys::{Algorithm, find};
use super::{AuthError, AuthErrorKind, Claims, KeySource, Pass, Profile, Scheme, Shape};
use crate::delivery::{Delivery, DeliveryId};
use crate::time::{Clock, SystemClock};

const TOKEN: HeaderName = HeaderName::from_static("plaid-verification");

/// Longest token, in bytes; Plaid's have about 350.
const MAX_TOKEN: usize = 4096;

/// [Plaid](https://plaid.com/docs/api/webhooks/webhook-verification/): a JSON Web Token, signed
/// with ES256 and nothing else, carries the time and the SHA-256 of the body.
///
/// The key is asked for by the token's `kid`; one whose `expired_at` has passed is unknown. The
/// event type is `webhook_type` and `webhook_code`, joined by a dot.
///
/// # Example
///
/// ```
/// use tower_webhook::scheme::{PinnedKeys, PlaidScheme};
///
/// // As `/webhook_verification_key/get` gave it.
/// let key = r#"{"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "expired_at": null,
///     "kid": "227e5c89-fc30-4578-bf58-8b67425ac48b",
///     "x": "bQweNtQPFg4kxS5IyAsx_PXNxB7LoR3m9Zb4C08rB44",
///     "y": "LWAQtP_vE-SFS25lG9sYr47yBWzn3XqDpkH-HOZLN60"}"#;
/// let scheme = PlaidScheme::new(PinnedKeys::new().with_jwk(key)?);
/// # Ok::<(), tower_webhook::config::ConfigError>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct PlaidScheme {
    keys: Arc<dyn KeySource>,
    profile: Arc<Profile>,
    clock: Arc<dyn Clock>,
}

impl PlaidScheme {
    /// Verifies tokens under the keys of `keys`.
    pub fn new(keys: impl KeySource) -> Self {
        Self {
            keys: Arc::new(keys),
            profile: Arc::new(Profile::new(Shape::Object).with_signed_time()),
            clock: Arc::new(SystemClock),
        }
    }

    /// Sets the clock that judges when keys end.
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }
}

/// The protected header (RFC 7515, section 4). What it does not name changes nothing, but `crit`
/// would say that we must know more.
#[derive(Deserialize)]
struct Header {
    alg: Box<str>,
    kid: Box<str>,
    typ: Option<Box<str>>,
    crit: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Payload {
    iat: i64,
    request_body_sha256: Box<str>,
}

#[derive(Deserialize)]
struct Event {
    webhook_type: Box<str>,
    webhook_code: Box<str>,
}

impl Scheme for PlaidScheme {
    type Pass = PlaidPass;

    fn begin(&self, head: &Parts) -> Result<PlaidPass, AuthError> {
        let malformed = AuthErrorKind::MalformedHeader;
        let token = one(&head.headers, &TOKEN)?;
        if token.len() > MAX_TOKEN {
            return Err(malformed.into());
        }
        let (content, signature) = token.rsplit_once('.').ok_or(malformed)?;
        let (header, claims) = content.split_once('.').ok_or(malformed)?;
        let header: Header = part(header)?;
        // The algorithm first: `none` and `HS256` must not reach a key.
        let other_type = header
            .typ
            .is_some_and(|typ| !typ.eq_ignore_ascii_case("JWT"));
        if *header.alg != *"ES256" || other_type || header.crit.is_some() {
            return Err(AuthErrorKind::UnsupportedVersion.into());
        }
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| malformed)?;
        let key = find(&*self.keys, &*self.clock, &header.kid)?;
        key.verify(Algorithm::P256Sha256, content.as_bytes(), &signature)?;

        let claims: Payload = part(claims)?;
        // As for other schemes: ten digits, 2001 to 2286.
        if !(1_000_000_000..=9_999_999_999).contains(&claims.iat) {
            return Err(AuthErrorKind::MalformedTimestamp.into());
        }
        let mut digest = [0; 32];
        let signed = claims.request_body_sha256.as_bytes();
        let decoded = signed.len() == 64 && const_hex::decode_to_slice(signed, &mut digest).is_ok();
        if !decoded {
            return Err(malformed.into());
        }
        let mut delivery = Delivery::new(DeliveryId::Digest, 0);
        delivery.timestamp = Some(claims.iat);
        Ok(PlaidPass {
            digest,
            body: Sha256::new(),
            delivery,
        })
    }

    fn profile(&self) -> Arc<Profile> {
        Arc::clone(&self.profile)
    }
}

/// A JSON object in base64 (RFC 7515, section 2: no padding).
fn part<T: DeserializeOwned>(text: &str) -> Result<T, AuthError> {
    let json = URL_SAFE_NO_PAD.decode(text).ok();
    json.filter(|json| json.starts_with(b"{"))
        .and_then(|json| serde_json::from_slice(&json).ok())
        .ok_or_else(|| AuthErrorKind::MalformedHeader.into())
}

impl fmt::Debug for PlaidScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlaidScheme").finish_non_exhaustive()
    }
}

/// One verification by a [`PlaidScheme`]. The token has been verified, the body not yet.
pub struct PlaidPass {
    digest: [u8; 32],
    body: Sha256,
    delivery: Delivery,
}

impl Pass for PlaidPass {
    fn update(&mut self, chunk: &[u8]) {
        self.body.update(chunk);
    }

    fn finish(mut self, body: &[u8]) -> Result<Claims, AuthError> {
        if !bool::from(equal(&self.body.finalize(), &self.digest)) {
            return Err(AuthErrorKind::BodyDigest.into());
        }
        // Whether the payload has the shape it should have is for the envelope to say.
        if let Ok(event) = serde_json::from_slice::<Event>(body) {
            let name = format!("{}.{}", event.webhook_type, event.webhook_code);
            self.delivery.event_type = Some(name.into());
            self.delivery.event_type_signed = true;
        }
        Ok(Claims::Delivery(self.delivery))
    }
}

impl fmt::Debug for PlaidPass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlaidPass").finish_non_exhaustive()
    }
}
