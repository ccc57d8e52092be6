//! HTTP Message Signatures (RFC 9421): a signature over parts of the head, and through a digest
//! over the body.

mod base;
mod digest;
mod input;
#[cfg(feature = "test-util")]
mod sign;
mod target;

use std::fmt;
use std::sync::Arc;

use ::http::HeaderName;
use ::http::request::Parts;

use self::base::{algorithm_name, base};
use self::digest::{CONTENT_DIGEST, ContentDigest};
use self::input::{Component, Input, parse};
#[cfg(feature = "test-util")]
pub use self::sign::Rfc9421Signer;
use self::target::{PublicUrl, Target};
use super::head::{maybe, one};
use super::keys::find;
use super::{AuthError, AuthErrorKind, Claims, KeySource, Pass, Profile, Scheme, Shape};
use crate::config::ConfigError;
use crate::danger::Dangerous;
use crate::delivery::{Delivery, DeliveryId};
use crate::time::{Clock, SystemClock};

const INPUT: HeaderName = HeaderName::from_static("signature-input");
const SIGNATURE: HeaderName = HeaderName::from_static("signature");

/// [RFC 9421](https://www.rfc-editor.org/rfc/rfc9421): HTTP Message Signatures with hmac-sha256,
/// ed25519, ecdsa-p256-sha256 and, with the feature `x509`, rsa-v1_5-sha256.
///
/// A signature must cover `@method`, `@target-uri` and `content-digest`, and say when it was
/// `created`; every SHA-2 digest in `Content-Digest` (RFC 9530) must be the body's. The key is
/// asked for by `keyid` and says which algorithm is meant: an `alg` can only agree. The signature
/// is verified before the body is read.
///
/// Components with the parameters `sf`, `key`, `bs`, `req` or `tr` are refused.
///
/// # Deployment caveat
///
/// Behind a proxy, or a router that takes a prefix off the path, `@target-uri` is not what the
/// request says: set [`with_public_url`](Self::with_public_url). Without it the host is the one
/// the request names, so a request to another receiver with the same key could be passed on to
/// this one.
///
/// # Example
///
/// ```
/// use tower_webhook::scheme::{PinnedKeys, Rfc9421Scheme, VerifyingKey};
/// use tower_webhook::secret::Secret;
///
/// let key = VerifyingKey::hmac_sha256(Secret::new("an example secret")?);
/// let scheme = Rfc9421Scheme::new(PinnedKeys::new().with("key-1", key))
///     .with_public_url("https://hooks.example.com")?
///     .with_delivery_id("webhook-id");
/// # Ok::<(), tower_webhook::BoxError>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct Rfc9421Scheme {
    keys: Arc<dyn KeySource>,
    required: Vec<Component>,
    requires_digest: bool,
    label: Option<Box<str>>,
    public_url: Option<PublicUrl>,
    id: Option<HeaderName>,
    event_type: Option<HeaderName>,
    profile: Arc<Profile>,
    clock: Arc<dyn Clock>,
}

impl Rfc9421Scheme {
    /// Verifies under the keys of `keys`.
    pub fn new(keys: impl KeySource) -> Self {
        Self {
            keys: Arc::new(keys),
            required: vec![Component::Method, Component::TargetUri],
            requires_digest: true,
            label: None,
            public_url: None,
            id: None,
            event_type: None,
            profile: Arc::new(Profile::new(Shape::Object).with_signed_time()),
            clock: Arc::new(SystemClock),
        }
    }

    /// Sets what a signature must cover, beside `content-digest`, which it always must: names of
    /// headers, or `@method`, `@target-uri`, `@authority`, `@scheme`, `@request-target`, `@path`,
    /// `@query`.
    ///
    /// # Errors
    ///
    /// Returns an error when a name is neither.
    pub fn with_required_components<'n>(
        mut self,
        names: impl IntoIterator<Item = &'n str>,
    ) -> Result<Self, ConfigError> {
        let names = names.into_iter().map(Component::from_name);
        self.required = names
            .collect::<Option<_>>()
            .ok_or_else(|| ConfigError::new("required_components", "has an unknown name"))?;
        Ok(self)
    }

    /// Believes the signature of this label. Without it there must be exactly one signature.
    pub fn with_label(mut self, label: &str) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Sets scheme and host under which senders know us, and what a proxy or a router takes off
    /// the beginning of the path.
    ///
    /// # Errors
    ///
    /// Returns an error when `url` has no scheme or host, or has a query.
    pub fn with_public_url(mut self, url: &str) -> Result<Self, ConfigError> {
        self.public_url = Some(PublicUrl::parse(url)?);
        Ok(self)
    }

    /// Reads the delivery id from `header`. It is signed when the signature covers the header.
    ///
    /// # Panics
    ///
    /// Panics when `header` is not a lower-case header name, as does
    /// [`with_event_type`](Self::with_event_type).
    pub fn with_delivery_id(mut self, header: &'static str) -> Self {
        self.id = Some(HeaderName::from_static(header));
        self
    }

    /// Reads the event type from `header`. It is signed when the signature covers the header.
    pub fn with_event_type(mut self, header: &'static str) -> Self {
        self.event_type = Some(HeaderName::from_static(header));
        self
    }

    /// Sets what the deliveries look like; by default a JSON object.
    pub fn with_profile(mut self, profile: Profile) -> Self {
        self.profile = Arc::new(profile.with_signed_time());
        self.settle()
    }

    /// Where the body may be unsigned, the profile says so, whichever of the two was set first.
    fn settle(mut self) -> Self {
        if !self.requires_digest {
            Arc::make_mut(&mut self.profile).set_signs_body(false);
        }
        self
    }

    /// Sets the clock that judges `expires` and dated keys.
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// What may be weakened.
    pub fn dangerous(self) -> Dangerous<Self> {
        Dangerous(self)
    }

    /// What every signature has to say of itself.
    fn check(&self, input: &Input) -> Result<(), AuthError> {
        let covers = |component: &Component| input.components.contains(component);
        let digest = !self.requires_digest || covers(&Component::Field(CONTENT_DIGEST));
        if !digest || !self.required.iter().all(covers) {
            return Err(AuthErrorKind::Uncovered.into());
        }
        Ok(())
    }
}

impl Dangerous<Rfc9421Scheme> {
    /// Accepts signatures that do not cover `content-digest`: anybody on the way can change the
    /// body. So nothing in it counts as signed, not even where a signature covers the digest.
    pub fn allow_unsigned_body(mut self) -> Rfc9421Scheme {
        self.0.requires_digest = false;
        self.0.settle()
    }
}

impl Scheme for Rfc9421Scheme {
    type Pass = Rfc9421Pass;

    fn begin(&self, head: &Parts) -> Result<Rfc9421Pass, AuthError> {
        let headers = &head.headers;
        let signature = one(headers, &SIGNATURE)?;
        let input = parse(one(headers, &INPUT)?, signature, self.label.as_deref())?;
        self.check(&input)?;
        let created = input.created.ok_or(AuthErrorKind::MalformedTimestamp)?;
        let key_id = input.key_id.as_deref().unwrap_or_default();
        let key = find(&*self.keys, &*self.clock, key_id)?;
        let algorithm = key.algorithm();
        if input
            .algorithm
            .is_some_and(|name| *name != *algorithm_name(algorithm))
        {
            return Err(AuthErrorKind::UnsupportedVersion.into());
        }
        let target = Target::new(head, self.public_url.as_ref())?;
        let content = base(&target, &input.components, &input.params)?;
        key.verify(algorithm, content.as_bytes(), &input.signature)?;

        if input
            .expires
            .is_some_and(|end| end < self.clock.unix_seconds())
        {
            return Err(AuthErrorKind::Expired.into());
        }
        let covers = |name: &HeaderName| input.components.contains(&Component::Field(name.clone()));
        let digest = if covers(&CONTENT_DIGEST) {
            ContentDigest::read(headers)?
        } else {
            ContentDigest::default()
        };
        let mut delivery = Delivery::new(DeliveryId::Digest, 0);
        delivery.timestamp = Some(created);
        if let Some(name) = &self.id
            && let Some(id) = maybe(headers, std::slice::from_ref(name))?
        {
            let signed = covers(name);
            delivery.id = if signed {
                DeliveryId::Signed(id)
            } else {
                DeliveryId::Unsigned(id)
            };
        }
        if let Some(name) = &self.event_type {
            delivery.event_type = maybe(headers, std::slice::from_ref(name))?;
            delivery.event_type_signed = covers(name);
        }
        Ok(Rfc9421Pass { digest, delivery })
    }

    fn profile(&self) -> Arc<Profile> {
        Arc::clone(&self.profile)
    }
}

impl fmt::Debug for Rfc9421Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rfc9421Scheme").finish_non_exhaustive()
    }
}

/// One verification by an [`Rfc9421Scheme`]. The head has been verified, the body not yet.
pub struct Rfc9421Pass {
    digest: ContentDigest,
    delivery: Delivery,
}

impl Pass for Rfc9421Pass {
    fn update(&mut self, chunk: &[u8]) {
        self.digest.update(chunk);
    }

    fn finish(self, _body: &[u8]) -> Result<Claims, AuthError> {
        self.digest.check()?;
        Ok(Claims::Delivery(self.delivery))
    }
}

impl fmt::Debug for Rfc9421Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rfc9421Pass").finish_non_exhaustive()
    }
}
