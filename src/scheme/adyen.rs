use std::borrow::Cow;
use std::sync::Arc;

use ::http::request::Parts;
use serde::Deserialize;

use super::hmac::Keyed;
use super::payload::{BodyKeys, BodyPass, matches};
use super::profile::Facts;
use super::recipe::Algorithm;
use super::signature::{Encoding, decode};
use super::{AuthError, AuthErrorKind, Claims, Profile, Scheme, Shape};
use crate::delivery::{Delivery, DeliveryId};
use crate::secret::Secret;

/// [Adyen](https://docs.adyen.com/development-resources/webhooks/verify-hmac-signatures) payment
/// webhooks: some fields of the payload are signed, and the signature stands beside them.
///
/// All other fields can be changed by whoever sees a delivery: act on the signed ones (references,
/// merchant, amount, event code, success), and ask Adyen for the rest. A success is answered with
/// `[accepted]`.
#[derive(Clone, Debug)]
#[must_use]
pub struct AdyenScheme {
    keys: BodyKeys,
    profile: Arc<Profile>,
}

impl AdyenScheme {
    /// Signed with the HMAC key, which Adyen gives as hex digits: see [`Secret::hex`].
    pub fn payments(key: Secret) -> Self {
        let mut facts = Facts::new(Shape::Object);
        facts.signs_body = false;
        facts.thanks = Some("[accepted]");
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

impl Scheme for AdyenScheme {
    type Pass = BodyPass;

    fn begin(&self, _: &Parts) -> Result<BodyPass, AuthError> {
        Ok(self.keys.begin(read))
    }

    fn profile(&self) -> Arc<Profile> {
        Arc::clone(&self.profile)
    }
}

#[derive(Deserialize)]
struct Payload<'a> {
    // Exactly one: Adyen sends no more over HTTP, and each would have a signature of its own.
    #[serde(borrow, rename = "notificationItems")]
    items: [Wrapper<'a>; 1],
}

#[derive(Deserialize)]
struct Wrapper<'a> {
    #[serde(borrow, rename = "NotificationRequestItem")]
    item: Item<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item<'a> {
    #[serde(borrow)]
    psp_reference: Cow<'a, str>,
    #[serde(borrow, default)]
    original_reference: Option<Cow<'a, str>>,
    #[serde(borrow)]
    merchant_account_code: Cow<'a, str>,
    #[serde(borrow)]
    merchant_reference: Cow<'a, str>,
    #[serde(borrow)]
    amount: Amount<'a>,
    #[serde(borrow)]
    event_code: Cow<'a, str>,
    #[serde(borrow)]
    success: Cow<'a, str>,
    #[serde(borrow)]
    additional_data: Additional<'a>,
}

#[derive(Deserialize)]
struct Amount<'a> {
    value: i64,
    #[serde(borrow)]
    currency: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Additional<'a> {
    #[serde(borrow, rename = "hmacSignature")]
    signature: Cow<'a, str>,
}

impl Item<'_> {
    /// What is signed.
    fn content(&self) -> String {
        format!(
            "{}:{}:{}:{}:{}:{}:{}:{}",
            self.psp_reference,
            self.original_reference.as_deref().unwrap_or_default(),
            self.merchant_account_code,
            self.merchant_reference,
            self.amount.value,
            self.amount.currency,
            self.event_code,
            self.success,
        )
    }
}

/// What is signed of a payload's item, whatever its signature.
#[cfg(feature = "test-util")]
pub(super) fn content(item: &serde_json::Value) -> Option<String> {
    let mut item = item.clone();
    let beside = item.get_mut("additionalData")?.as_object_mut()?;
    beside.insert("hmacSignature".into(), "".into());
    let text = item.to_string();
    let item: Item<'_> = serde_json::from_str(&text).ok()?;
    Some(item.content())
}

fn read(keys: &[Keyed], body: &[u8]) -> Result<(Claims, usize), AuthError> {
    let malformed = AuthErrorKind::MalformedBody;
    let payload: Payload<'_> = serde_json::from_slice(body).map_err(|_| malformed)?;
    let [Wrapper { item }] = payload.items;
    let signature = &item.additional_data.signature;
    let candidate = decode(signature, Encoding::Base64, Some(32))?;
    let content = item.content();
    let slot = matches(keys, content.as_bytes(), candidate.as_bytes())?;
    // The fields are joined by a sign that they may hold themselves: what was signed is the id.
    let mut delivery = Delivery::new(DeliveryId::Signed(content.into()), slot);
    delivery.event_type = Some(item.event_code.into());
    delivery.event_type_signed = true;
    Ok((delivery.into(), slot))
}
