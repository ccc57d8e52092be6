//! Questions that a provider asks without a body: whether the receiver is there.

use std::borrow::Cow;

use ::http::request::Parts;
use ::http::{Method, StatusCode};

use super::compare::equal;
use super::{AuthError, AuthErrorKind, Handshake, OpenError, Scheme};
use crate::secret::Secret;

/// What a receiver answers before there is anything to verify.
#[derive(Clone, Debug)]
pub(super) enum Greeting {
    None,
    /// Dropbox's `GET ?challenge=`: it goes back, whoever asks.
    Dropbox,
    /// Intercom's `HEAD`: 200.
    Intercom,
    /// Meta's `GET ?hub.mode=subscribe&hub.verify_token=&hub.challenge=`: the challenge goes back to
    /// who knows the token.
    Meta(Secret),
}

impl Greeting {
    pub(super) fn answer(&self, head: &Parts) -> Option<Result<Handshake, OpenError>> {
        match self {
            Self::Dropbox if head.method == Method::GET => {
                let challenge = query(head, "challenge");
                Some(challenge.map_or(Err(OpenError::Malformed), |text| Ok(Handshake::echo(&text))))
            }
            Self::Intercom if head.method == Method::HEAD => {
                Some(Ok(Handshake::new(StatusCode::OK)))
            }
            Self::Meta(token) if head.method == Method::GET => Some(meta(token, head)),
            _ => None,
        }
    }
}

/// Answers a provider's first request and takes no delivery.
#[derive(Clone, Debug)]
#[must_use]
pub struct GreetingScheme(Greeting);

impl GreetingScheme {
    /// Meta's `GET`, to who knows `token`.
    pub fn meta(token: Secret) -> Self {
        Self(Greeting::Meta(token))
    }

    /// Dropbox's `GET`.
    pub fn dropbox() -> Self {
        Self(Greeting::Dropbox)
    }
}

impl Scheme for GreetingScheme {
    type Pass = super::HmacPass;

    fn begin(&self, _: &Parts) -> Result<Self::Pass, AuthError> {
        Err(AuthErrorKind::UnknownKey.into())
    }

    fn greet(&self, head: &Parts) -> Option<Result<Handshake, OpenError>> {
        self.0.answer(head)
    }
}

fn meta(token: &Secret, head: &Parts) -> Result<Handshake, OpenError> {
    let told = query(head, "hub.verify_token").unwrap_or_default();
    let knows = equal(token.expose(), told.as_bytes());
    let subscribes = query(head, "hub.mode").is_some_and(|mode| mode == "subscribe");
    match query(head, "hub.challenge") {
        Some(challenge) if bool::from(knows) && subscribes => Ok(Handshake::echo(&challenge)),
        _ => Err(OpenError::Auth(AuthErrorKind::Mismatch.into())),
    }
}

/// The one value of `name` in the query; one that comes twice is none.
pub(super) fn query<'h>(head: &'h Parts, name: &str) -> Option<Cow<'h, str>> {
    let pairs = form_urlencoded::parse(head.uri.query()?.as_bytes());
    let mut values = pairs.filter(|(key, _)| key == name).map(|(_, value)| value);
    let value = values.next()?;
    values.next().is_none().then_some(value)
}
