use std::borrow::Cow;
use std::sync::Arc;

use ::http::header::CONTENT_TYPE;
use ::http::request::Parts;
use serde::Deserialize;

use super::head::seconds;
use super::hmac::Keyed;
use super::payload::{BodyKeys, BodyPass};
use super::profile::{Facts, Field};
use super::recipe::{Algorithm, Unit};
use super::signature::{Encoding, decode};
use super::{AuthError, AuthErrorKind, Claims, Profile, Scheme, Shape};
use crate::delivery::{Delivery, DeliveryId};
use crate::secret::Secret;

/// [Mailgun](https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks):
/// time, token and signature stand in the payload.
///
/// Only time and token are signed. Who reads one delivery can send another payload with them once, for
/// the token is the id of the delivery; the replay window and the store end that.
#[derive(Clone, Debug)]
#[must_use]
pub struct MailgunScheme {
    keys: BodyKeys,
    profile: Arc<Profile>,
}

impl MailgunScheme {
    /// Signed with the webhook signing key. Payloads are JSON, or the forms of routes and of the
    /// legacy webhooks.
    pub fn new(key: Secret) -> Self {
        let mut facts = Facts::new(Shape::ObjectOrForm);
        facts.signs_body = false;
        facts.event_type = Some(Field::optional(&["event-data", "event"]));
        facts.signs_time = true;
        Self {
            keys: BodyKeys::new(Algorithm::HmacSha256, key),
            profile: Arc::new(Profile::of(facts)),
        }
    }

    /// Accepts signatures by `key` too.
    pub fn or_secret(mut self, key: Secret) -> Self {
        self.keys.add(key);
        self
    }
}

impl Scheme for MailgunScheme {
    type Pass = BodyPass;

    fn begin(&self, head: &Parts) -> Result<BodyPass, AuthError> {
        let shape = self.profile.accepts(head.headers.get(CONTENT_TYPE));
        let read = if shape == Some(Shape::Form) {
            form
        } else {
            json
        };
        Ok(self.keys.begin(read))
    }

    fn profile(&self) -> Arc<Profile> {
        Arc::clone(&self.profile)
    }
}

#[derive(Deserialize)]
struct Signed<'a> {
    #[serde(borrow)]
    timestamp: Cow<'a, str>,
    #[serde(borrow)]
    token: Cow<'a, str>,
    #[serde(borrow)]
    signature: Cow<'a, str>,
}

fn json(keys: &[Keyed], body: &[u8]) -> Result<(Claims, usize), AuthError> {
    #[derive(Deserialize)]
    struct Payload<'a> {
        #[serde(borrow)]
        signature: Signed<'a>,
    }
    let payload: Payload<'_> =
        serde_json::from_slice(body).map_err(|_| AuthErrorKind::MalformedBody)?;
    judge(keys, &payload.signature)
}

fn form(keys: &[Keyed], body: &[u8]) -> Result<(Claims, usize), AuthError> {
    let field = |name: &str| {
        let mut values = form_urlencoded::parse(body).filter(|(key, _)| key == name);
        let (_, value) = values.next()?;
        values.next().is_none().then_some(value)
    };
    let signed = (|| {
        Some(Signed {
            timestamp: field("timestamp")?,
            token: field("token")?,
            signature: field("signature")?,
        })
    })();
    judge(keys, &signed.ok_or(AuthErrorKind::MalformedBody)?)
}

fn judge(keys: &[Keyed], signed: &Signed<'_>) -> Result<(Claims, usize), AuthError> {
    let malformed = AuthErrorKind::MalformedBody;
    if signed.token.is_empty() || signed.signature.is_empty() {
        return Err(malformed.into());
    }
    let candidate = decode(&signed.signature, Encoding::Hex, None);
    let candidate = candidate.map_err(|_| AuthErrorKind::Mismatch)?;
    let timestamp = seconds(&signed.timestamp, Unit::Seconds)?;
    let content = [&*signed.timestamp, &*signed.token].concat();
    let slot = super::payload::matches(keys, content.as_bytes(), candidate.as_bytes())?;
    let mut delivery = Delivery::new(DeliveryId::Signed(signed.token.as_ref().into()), slot);
    delivery.timestamp = Some(timestamp);
    Ok((delivery.into(), slot))
}
