use std::sync::Arc;

use ::http::header::HeaderName;
use ::http::request::Parts;
use ::http::{Method, StatusCode};

use super::head::one;
use super::{
    AuthError, AuthErrorKind, Handshake, OpenError, Profile, Scheme, Shape, TokenPass, TokenScheme,
};

/// What a receiver of `CloudEvents` consents to, with a token for its deliveries.
///
/// `OPTIONS` with `WebHook-Request-Origin` is answered with consent for the origins that were named,
/// and with 405 for all others.
#[derive(Clone, Debug)]
#[must_use]
pub struct CloudEventsScheme {
    token: Option<TokenScheme>,
    origins: Vec<Box<str>>,
    rate: Option<Box<str>>,
    profile: Arc<Profile>,
}

impl CloudEventsScheme {
    /// Consents to deliveries from `origins`, DNS names or `*`, that carry `token` as their bearer.
    pub fn new(token: TokenScheme, origins: impl IntoIterator<Item = impl Into<Box<str>>>) -> Self {
        let scheme = Self::consent_only(origins);
        Self {
            profile: Scheme::profile(&token),
            token: Some(token),
            ..scheme
        }
    }

    /// Answers the question of consent and refuses all deliveries.
    pub fn consent_only(origins: impl IntoIterator<Item = impl Into<Box<str>>>) -> Self {
        Self {
            token: None,
            origins: origins.into_iter().map(Into::into).collect(),
            rate: None,
            profile: Arc::new(Profile::new(Shape::Object)),
        }
    }

    /// Sets the deliveries a minute that are granted, or `*`.
    pub fn with_rate(mut self, rate: impl Into<Box<str>>) -> Self {
        self.rate = Some(rate.into());
        self
    }

    fn consent(&self, head: &Parts) -> Option<Handshake> {
        let header = |name| one(&head.headers, &HeaderName::from_static(name));
        let origin = header("webhook-request-origin").ok()?;
        let knows = |allowed: &str| allowed == "*" || allowed.eq_ignore_ascii_case(origin);
        self.origins.iter().find(|allowed| knows(allowed))?;
        let mut answer = Handshake::new(StatusCode::OK)
            .with_header(
                HeaderName::from_static("webhook-allowed-origin"),
                origin.parse().ok()?,
            )
            .with_header(::http::header::ALLOW, "POST".parse().ok()?);
        if let Ok(asked) = header("webhook-request-rate") {
            asked.parse::<u32>().ok().filter(|rate| *rate > 0)?;
            let rate = self.rate.as_deref().unwrap_or("*").parse().ok()?;
            let name = HeaderName::from_static("webhook-allowed-rate");
            answer = answer.with_header(name, rate);
        }
        Some(answer)
    }
}

impl Scheme for CloudEventsScheme {
    type Pass = TokenPass;

    fn begin(&self, head: &Parts) -> Result<TokenPass, AuthError> {
        let token = self.token.as_ref().ok_or(AuthErrorKind::UnknownKey)?;
        token.begin(head)
    }

    fn profile(&self) -> Arc<Profile> {
        Arc::clone(&self.profile)
    }

    fn greet(&self, head: &Parts) -> Option<Result<Handshake, OpenError>> {
        (head.method == Method::OPTIONS).then(|| self.consent(head).ok_or(OpenError::Method))
    }
}
