use std::fmt;
use std::sync::Arc;

use ::http::request::Parts;
use ::http::{HeaderName, HeaderValue, Method, StatusCode};
use serde::Deserialize;

use super::head::one;
use super::{AuthError, AuthErrorKind, Claims, Handshake, OpenError, Pass, Scheme};
use crate::secret::Secret;

/// Waits for the secret that a provider hands over before its first delivery, and takes no delivery.
///
/// Whoever reaches the receiver in that time can hand over a secret. So it is a scheme of its own, to
/// be put in place for as long as a subscription is being made, and replaced by the provider's scheme
/// with the secret (see [`Swap`](super::Swap)): a receiver that takes a new secret at any time, as
/// some samples do, belongs to whoever offers one.
#[derive(Clone)]
#[must_use]
pub struct SetupScheme {
    kind: Kind,
    told: Arc<dyn Fn(Secret) + Send + Sync>,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Asana,
    Notion,
}

impl SetupScheme {
    /// [Asana](https://developers.asana.com/docs/webhooks-guide): `X-Hook-Secret` goes back, and
    /// `told` hears it.
    pub fn asana(told: impl Fn(Secret) + Send + Sync + 'static) -> Self {
        Self {
            kind: Kind::Asana,
            told: Arc::new(told),
        }
    }

    /// [Notion](https://developers.notion.com/reference/webhooks): `told` hears the
    /// `verification_token`, which a human then pastes back.
    pub fn notion(told: impl Fn(Secret) + Send + Sync + 'static) -> Self {
        Self {
            kind: Kind::Notion,
            told: Arc::new(told),
        }
    }

    fn accept(&self, secret: &str, answer: Handshake) -> Option<Handshake> {
        let secret = Secret::new(secret).ok()?;
        (self.told)(secret.clone());
        Some(answer.with_secret(secret))
    }

    fn asana_answer(&self, head: &Parts) -> Option<Handshake> {
        let name = HeaderName::from_static("x-hook-secret");
        let secret = one(&head.headers, &name).ok()?;
        let echo = HeaderValue::from_str(secret).ok()?;
        let answer = Handshake::new(StatusCode::OK).with_header(name, echo);
        self.accept(secret, answer)
    }
}

impl Scheme for SetupScheme {
    type Pass = SetupPass;

    fn begin(&self, _: &Parts) -> Result<SetupPass, AuthError> {
        match self.kind {
            Kind::Asana => Err(AuthErrorKind::MissingHeader.into()),
            Kind::Notion => Ok(SetupPass(self.clone())),
        }
    }

    fn greet(&self, head: &Parts) -> Option<Result<Handshake, OpenError>> {
        match self.kind {
            Kind::Asana if head.method == Method::POST => self.asana_answer(head).map(Ok),
            _ => None,
        }
    }
}

/// One request to a [`SetupScheme`].
pub struct SetupPass(SetupScheme);

impl Pass for SetupPass {
    fn update(&mut self, _: &[u8]) {}

    fn finish(self, body: &[u8]) -> Result<Claims, AuthError> {
        #[derive(Deserialize)]
        struct Offer<'a> {
            #[serde(borrow)]
            verification_token: std::borrow::Cow<'a, str>,
        }
        let offer: Offer<'_> =
            serde_json::from_slice(body).map_err(|_| AuthErrorKind::MalformedBody)?;
        let answer = Handshake::new(StatusCode::OK);
        let answer = self.0.accept(&offer.verification_token, answer);
        Ok(answer.ok_or(AuthErrorKind::MalformedBody)?.into())
    }
}

impl fmt::Debug for SetupScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SetupScheme").field(&self.kind).finish()
    }
}

impl fmt::Debug for SetupPass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
