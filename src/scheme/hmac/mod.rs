mod keyed;
mod pass;

use std::sync::Arc;

use ::http::request::Parts;
use ::http::{HeaderName, Method};

pub(super) use self::keyed::Keyed;
pub use self::pass::HmacPass;
use super::greeting::Greeting;
use super::plan::Plan;
use super::recipe::{Part, Recipe, Time, Unit};
use super::signature::{Encoding, Layout};
use super::{AuthError, Handshake, OpenError, Profile, PublicUrl, Scheme};
use crate::secret::{Secret, Validity};
use crate::time::{Clock, SystemClock};

/// An HMAC over parts of the request.
///
/// The providers are constructors: [`HmacScheme::github`] and so on.
#[derive(Clone, Debug)]
#[must_use]
pub struct HmacScheme {
    plan: Arc<Plan>,
    keys: Arc<[Key]>,
    greeting: Greeting,
    clock: Arc<dyn Clock>,
}

/// A secret made ready.
#[derive(Clone)]
pub(super) struct Key {
    // Keyed once; a pass clones the state and spares itself two blocks of hashing.
    mac: Keyed,
    validity: Validity,
    id: Option<Arc<str>>,
}

impl HmacScheme {
    /// A scheme keyed with `secret`, over the raw body, signed in hex in `x-signature`.
    pub fn sha256(secret: Secret) -> Self {
        Self::of(&Recipe::HMAC, secret)
    }

    pub(super) fn of(recipe: &Recipe, secret: Secret) -> Self {
        Self::planned(Plan::of(recipe), secret)
    }

    pub(super) fn planned(plan: Plan, secret: Secret) -> Self {
        Self {
            plan: Arc::new(plan),
            keys: Arc::new([]),
            greeting: Greeting::None,
            clock: Arc::new(SystemClock),
        }
        .or_secret(secret)
    }

    /// Accepts signatures by `secret` too. All secrets are always evaluated, those outside their
    /// dates as well: how long that takes must not tell which one matched.
    #[expect(clippy::needless_pass_by_value, reason = "the caller's copy ends here")]
    pub fn or_secret(mut self, secret: Secret) -> Self {
        let key = Key {
            mac: Keyed::new(self.plan.recipe.algorithm, secret.expose()),
            validity: secret.validity(),
            id: secret.id().cloned(),
        };
        self.keys = self.keys.iter().cloned().chain([key]).collect();
        self
    }

    /// Reads the signature from `header`: hex digits after `prefix`.
    ///
    /// # Panics
    ///
    /// Panics when `header` is not a lower-case header name, as do all methods that take one.
    pub fn signature_hex(self, header: &'static str, prefix: &'static str) -> Self {
        self.signature(header, prefix, Encoding::Hex)
    }

    /// Reads the signature from `header`: padded base64 after `prefix`.
    pub fn signature_base64(self, header: &'static str, prefix: &'static str) -> Self {
        self.signature(header, prefix, Encoding::Base64)
    }

    fn signature(self, header: &'static str, prefix: &'static str, encoding: Encoding) -> Self {
        self.change(|plan| {
            plan.signature = vec![HeaderName::from_static(header)];
            plan.recipe.layout = Layout::Whole { prefix };
            plan.recipe.encoding = encoding;
        })
    }

    /// Reads the signature from another header than the provider's, as some proxies rename it.
    pub fn signature_header(self, header: HeaderName) -> Self {
        self.change(|plan| plan.signature = vec![header])
    }

    /// Sets what is signed, in order.
    ///
    /// # Panics
    ///
    /// Panics unless [`Part::Body`] is there exactly once: a body outside the signature is not
    /// authentic.
    pub fn signed_content(self, parts: impl IntoIterator<Item = Part>) -> Self {
        let content: Vec<_> = parts.into_iter().collect();
        let bodies = content.iter().filter(|part| **part == Part::Body);
        assert_eq!(bodies.count(), 1, "`signed_content` needs one `Part::Body`");
        self.change(|plan| plan.content = content.into())
    }

    /// Reads the timestamp, in Unix seconds, from `header`.
    pub fn timestamp(self, header: &'static str) -> Self {
        self.change(|plan| {
            plan.recipe.time = Time::Header(&[], Unit::Seconds);
            plan.timestamp = vec![HeaderName::from_static(header)];
        })
    }

    /// Reads the delivery id from `header`.
    pub fn delivery_id(self, header: &'static str) -> Self {
        self.delivery_id_header(HeaderName::from_static(header))
    }

    /// As [`delivery_id`](Self::delivery_id), for a name that is known at run time only.
    pub fn delivery_id_header(self, header: HeaderName) -> Self {
        self.change(|plan| plan.id = vec![header])
    }

    /// Reads the event type from `header`.
    pub fn event_type(self, header: &'static str) -> Self {
        self.change(|plan| plan.event_type = vec![HeaderName::from_static(header)])
    }

    /// Sets the URL that the provider was given, for schemes that sign it.
    pub fn public_url(self, url: PublicUrl) -> Self {
        self.change(|plan| plan.url = Some(url))
    }

    /// Sets what the deliveries look like; by default a JSON object.
    pub fn profile(self, profile: Profile) -> Self {
        self.change(|plan| plan.profile = Arc::new(profile))
    }

    /// Sets the clock that judges dated secrets.
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    pub(super) fn greets(mut self, greeting: Greeting) -> Self {
        self.greeting = greeting;
        self
    }

    fn change(mut self, change: impl FnOnce(&mut Plan)) -> Self {
        let mut plan = (*self.plan).clone();
        change(&mut plan);
        self.plan = Arc::new(plan.settle());
        self
    }
}

impl Scheme for HmacScheme {
    type Pass = HmacPass;

    fn begin(&self, head: &Parts) -> Result<HmacPass, AuthError> {
        let reading = self.plan.read(head)?;
        // The clock costs a call to the system, and most secrets have no dates.
        let dated = self.keys.iter().any(|key| key.validity.is_dated());
        let now = if dated { self.clock.unix_seconds() } else { 0 };
        let (plan, keys) = (Arc::clone(&self.plan), Arc::clone(&self.keys));
        Ok(HmacPass::new(plan, keys, now, reading))
    }

    fn profile(&self) -> Arc<Profile> {
        Arc::clone(&self.plan.profile)
    }

    fn greet(&self, head: &Parts) -> Option<Result<Handshake, OpenError>> {
        if head.method == Method::POST {
            return None;
        }
        self.greeting.answer(head)
    }
}

// Not derived: the state is as good as the secret.
impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
