use std::fmt;
use std::sync::Arc;

use ::http::HeaderName;
use ::http::request::Parts;
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConditionallySelectable as _};

use super::compare::equal;
use super::greeting::query;
use super::head::{maybe, one};
use super::hmac::Keyed;
use super::profile::Facts;
use super::recipe::{Algorithm, UrlForm};
use super::signature::{Encoding, Tag, decode};
use super::{AuthError, AuthErrorKind, Claims, Pass, Profile, PublicUrl, Scheme, Shape};
use crate::delivery::{Delivery, DeliveryId};
use crate::secret::Secret;

/// [Twilio](https://www.twilio.com/docs/usage/webhooks/webhooks-security): a MAC over the URL and the
/// sorted fields of the form, or over a URL that holds the hash of the body.
///
/// The fields are signed as they are decoded, so two bodies that decode alike share a signature, and
/// key and value are joined without a separator, so some that do not do too. The digest in the
/// key of a delivery is therefore that of what was signed, not of the body.
#[derive(Clone, Debug)]
#[must_use]
pub struct TwilioScheme {
    url: PublicUrl,
    secrets: Vec<Secret>,
    is_shared: bool,
    profile: Arc<Profile>,
}

impl TwilioScheme {
    /// Signed with the auth token, HMAC-SHA1. `url` is what Twilio was given.
    pub fn new(url: PublicUrl, auth_token: Secret) -> Self {
        let mut facts = Facts::new(Shape::ObjectOrForm);
        facts.allows_get = true;
        Self {
            url,
            secrets: vec![auth_token],
            is_shared: false,
            profile: Arc::new(Profile::of(facts)),
        }
    }

    /// Signed with a [shared key](https://www.twilio.com/docs/usage/webhooks/webhook-shared-keys),
    /// HMAC-SHA256; what SHA-1 signed is refused.
    pub fn shared_key(url: PublicUrl, key: Secret) -> Self {
        let mut scheme = Self::new(url, key);
        scheme.is_shared = true;
        scheme
    }

    /// Accepts signatures by `secret` too.
    pub fn or_secret(mut self, secret: Secret) -> Self {
        self.secrets.push(secret);
        self
    }
}

impl Scheme for TwilioScheme {
    type Pass = TwilioPass;

    fn begin(&self, head: &Parts) -> Result<TwilioPass, AuthError> {
        let header = |name| HeaderName::from_static(name);
        let algorithm = if self.is_shared {
            let settings = header("x-twilio-webhooks-signature-settings");
            let settings = one(&head.headers, &settings)?;
            let mut parts = settings.split(',').map(str::trim);
            if !parts.any(|part| part == "algorithm=HMAC_SHA256") {
                return Err(AuthErrorKind::UnsupportedVersion.into());
            }
            Algorithm::HmacSha256
        } else {
            Algorithm::HmacSha1
        };
        let text = one(&head.headers, &header("x-twilio-signature"))?;
        let candidate = decode(text, Encoding::Base64, None)?;
        let content = match query(head, "bodySHA256") {
            Some(hash) => Content::Hashed(hash.as_bytes().into(), Sha256::new()),
            None => Content::Form,
        };
        let token = maybe(&head.headers, &[header("i-twilio-idempotency-token")])?;
        let macs = self.secrets.iter();
        Ok(TwilioPass {
            macs: macs
                .map(|key| Keyed::new(algorithm, key.expose()))
                .collect(),
            ids: self.secrets.iter().map(|key| key.id().cloned()).collect(),
            urls: self.url.forms(head, UrlForm::Ports),
            content,
            candidate,
            token,
        })
    }

    fn profile(&self) -> Arc<Profile> {
        Arc::clone(&self.profile)
    }
}

/// What is signed beside the URL.
enum Content {
    /// The fields of the form.
    Form,
    /// Nothing; but the URL holds the hash of the body.
    Hashed(Box<[u8]>, Sha256),
}

/// One verification by a [`TwilioScheme`].
pub struct TwilioPass {
    macs: Vec<Keyed>,
    ids: Vec<Option<Arc<str>>>,
    urls: Vec<String>,
    content: Content,
    candidate: Tag,
    token: Option<Box<str>>,
}

impl Pass for TwilioPass {
    fn update(&mut self, chunk: &[u8]) {
        if let Content::Hashed(_, hash) = &mut self.content {
            hash.update(chunk);
        }
    }

    fn finish(self, body: &[u8]) -> Result<Claims, AuthError> {
        let (fields, honest) = match self.content {
            Content::Form => (sorted(body)?, Choice::from(1)),
            Content::Hashed(told, hash) => {
                let hash = const_hex::encode(hash.finalize());
                (String::new(), equal(hash.as_bytes(), &told))
            }
        };
        let mut matched = Choice::from(0);
        let mut slot = 0_u32;
        for (index, mac) in (0..).zip(&self.macs) {
            for url in &self.urls {
                let mut mac = mac.clone();
                mac.update(url.as_bytes());
                mac.update(fields.as_bytes());
                let same = equal(mac.finalize().as_bytes(), self.candidate.as_bytes()) & honest;
                slot.conditional_assign(&index, same);
                matched |= same;
            }
        }
        if !bool::from(matched) {
            return Err(AuthErrorKind::Mismatch.into());
        }
        let id = self.token.map_or(DeliveryId::Digest, DeliveryId::Unsigned);
        let mut delivery = Delivery::new(id, slot as usize);
        if !fields.is_empty() {
            let digest = const_hex::encode(Sha256::digest(fields));
            delivery.content_digest = Some(digest.into());
        }
        delivery.key_id.clone_from(&self.ids[slot as usize]);
        Ok(delivery.into())
    }
}

/// Each key and value, sorted, what comes twice once.
pub(super) fn sorted(body: &[u8]) -> Result<String, AuthError> {
    // What is no text decodes to the same as other bytes do, so the signature would not bind it.
    let text = std::str::from_utf8(body).map_err(|_| AuthErrorKind::MalformedBody)?;
    let mut pairs: Vec<_> = form_urlencoded::parse(text.as_bytes()).collect();
    if pairs
        .iter()
        .any(|(key, value)| key.contains('\u{fffd}') || value.contains('\u{fffd}'))
    {
        return Err(AuthErrorKind::MalformedBody.into());
    }
    pairs.sort_unstable();
    pairs.dedup();
    Ok(pairs
        .iter()
        .flat_map(|(key, value)| [&**key, &**value])
        .collect())
}

impl fmt::Debug for TwilioPass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TwilioPass").finish_non_exhaustive()
    }
}
