use std::sync::Arc;

use ::http::Method;
use ::http::header::{AUTHORIZATION, HeaderName};
use ::http::request::Parts;
use subtle::{Choice, ConditionallySelectable as _};

use super::compare::equal;
use super::greeting::query;
use super::head::{maybe, one};
use super::profile::{Facts, Field};
use super::{AuthError, AuthErrorKind, Claims, Handshake, OpenError, Pass, Profile, Scheme, Shape};
use crate::delivery::{Delivery, DeliveryId};
use crate::secret::Secret;

/// A secret that the provider sends along: it proves who sent, and nothing about what was sent.
///
/// Nothing is signed. Who reads one delivery can forge all others, so ask for a signature where the
/// provider has one, and for TLS everywhere.
#[derive(Clone, Debug)]
#[must_use]
pub struct TokenScheme {
    pub(super) header: HeaderName,
    pub(super) prefix: &'static str,
    in_query: Option<&'static str>,
    tokens: Vec<Secret>,
    pub(super) id: Vec<HeaderName>,
    pub(super) event_type: Vec<HeaderName>,
    is_okta: bool,
    profile: Arc<Profile>,
}

impl TokenScheme {
    /// Compares the whole of `header`, a lower-case name, with the token.
    ///
    /// # Panics
    ///
    /// Panics when `header` is not a lower-case header name.
    pub fn new(header: &'static str, token: Secret) -> Self {
        let facts = Facts::new(Shape::Object);
        Self::with_facts(HeaderName::from_static(header), token, facts)
    }

    fn with_facts(header: HeaderName, token: Secret, mut facts: Facts) -> Self {
        facts.signs_body = false;
        Self {
            header,
            prefix: "",
            in_query: None,
            tokens: vec![token],
            id: Vec::new(),
            event_type: Vec::new(),
            is_okta: false,
            profile: Arc::new(Profile::of(facts)),
        }
    }

    /// [GitLab](https://docs.gitlab.com/user/project/integrations/webhooks/) with a secret token. The
    /// idempotency key stays the same over retries; it is not signed, as nothing is.
    pub fn gitlab(token: Secret) -> Self {
        let mut scheme = Self::new("x-gitlab-token", token);
        scheme.id = vec![HeaderName::from_static("idempotency-key")];
        scheme.event_type = vec![HeaderName::from_static("x-gitlab-event")];
        scheme
    }

    /// [Telegram](https://core.telegram.org/bots/api#setwebhook) with the `secret_token` of
    /// `setWebhook`.
    pub fn telegram(token: Secret) -> Self {
        let mut facts = Facts::new(Shape::Object);
        facts.id = Some(Field::optional(&["update_id"]));
        let header = HeaderName::from_static("x-telegram-bot-api-secret-token");
        Self::with_facts(header, token, facts)
    }

    /// [Okta](https://developer.okta.com/docs/concepts/event-hooks/) event hooks with the
    /// `Authorization` that was chosen. A `GET` with the token and `X-Okta-Verification-Challenge` is
    /// answered.
    pub fn okta(token: Secret) -> Self {
        let mut facts = Facts::new(Shape::Object);
        facts.id = Some(Field::optional(&["eventId"]));
        facts.event_type = Some(Field::optional(&["eventType"]));
        let mut scheme = Self::with_facts(AUTHORIZATION, token, facts);
        scheme.is_okta = true;
        scheme
    }

    /// A bearer token, as [CloudEvents](https://github.com/cloudevents/spec/blob/main/cloudevents/http-webhook.md)
    /// deliveries have it.
    pub fn bearer(token: Secret) -> Self {
        let mut facts = Facts::new(Shape::Object);
        facts.id = Some(Field::optional(&["id"]));
        facts.event_type = Some(Field::optional(&["type"]));
        let mut scheme = Self::with_facts(AUTHORIZATION, token, facts);
        scheme.prefix = "Bearer ";
        scheme
    }

    /// Takes the token from the query parameter `name` too. Query strings end up in the logs of
    /// proxies.
    pub fn or_in_query(mut self, name: &'static str) -> Self {
        self.in_query = Some(name);
        self
    }

    /// Accepts `token` too. All are always compared.
    pub fn or_token(mut self, token: Secret) -> Self {
        self.tokens.push(token);
        self
    }

    /// Reads the token from another header.
    pub fn token_header(mut self, header: HeaderName) -> Self {
        self.header = header;
        self
    }

    /// Reads the delivery id from `header`.
    pub fn delivery_id_header(mut self, header: HeaderName) -> Self {
        self.id = vec![header];
        self
    }

    /// Sets what the deliveries look like; by default a JSON object.
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = Arc::new(profile);
        self
    }

    /// The token as it is sent.
    #[cfg(feature = "test-util")]
    pub(super) fn written(&self) -> String {
        String::from_utf8_lossy(self.tokens[0].expose()).into_owned()
    }

    fn check(&self, head: &Parts) -> Result<Delivery, AuthError> {
        let told = match one(&head.headers, &self.header) {
            Ok(text) => text.strip_prefix(self.prefix).map(Into::into),
            Err(err) => match self.in_query.and_then(|name| query(head, name)) {
                Some(text) if err.kind() == AuthErrorKind::MissingHeader => Some(text),
                _ => return Err(err),
            },
        };
        let told = told.ok_or(AuthErrorKind::MalformedHeader)?;
        let mut matched = Choice::from(0);
        let mut slot = 0_u32;
        for (index, token) in (0..).zip(&self.tokens) {
            let same = equal(token.expose(), told.as_bytes());
            slot.conditional_assign(&index, same);
            matched |= same;
        }
        if !bool::from(matched) {
            return Err(AuthErrorKind::Mismatch.into());
        }
        let id = maybe(&head.headers, &self.id)?;
        let id = id.map_or(DeliveryId::Digest, DeliveryId::Unsigned);
        let mut delivery = Delivery::new(id, slot as usize);
        delivery.key_id = self.tokens[slot as usize].id().cloned();
        delivery.event_type = maybe(&head.headers, &self.event_type)?;
        Ok(delivery)
    }
}

impl Scheme for TokenScheme {
    type Pass = TokenPass;

    fn begin(&self, head: &Parts) -> Result<TokenPass, AuthError> {
        self.check(head).map(TokenPass)
    }

    fn profile(&self) -> Arc<Profile> {
        Arc::clone(&self.profile)
    }

    fn greet(&self, head: &Parts) -> Option<Result<Handshake, OpenError>> {
        if !self.is_okta || head.method != Method::GET {
            return None;
        }
        Some(self.check(head).map_err(OpenError::Auth).and_then(|_| {
            let header = HeaderName::from_static("x-okta-verification-challenge");
            let challenge = one(&head.headers, &header).map_err(|_| OpenError::Malformed)?;
            let answer = serde_json::json!({ "verification": challenge });
            Ok(Handshake::json(answer.to_string()))
        }))
    }
}

/// One verification by a [`TokenScheme`]: over before the body begins.
#[derive(Debug)]
pub struct TokenPass(Delivery);

impl Pass for TokenPass {
    fn update(&mut self, _: &[u8]) {}

    fn finish(self, _: &[u8]) -> Result<Claims, AuthError> {
        Ok(self.0.into())
    }
}
