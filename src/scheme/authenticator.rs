use std::error::Error as StdError;
use std::fmt;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::request::Parts;

use super::{AuthError, Handshake, Pass, Profile, Scheme};

/// Finds the scheme and the secrets for a request, at once or after asking somebody.
///
/// Every [`Scheme`] is one whose secrets are at hand. Implement it directly when the secret depends
/// on the request and comes from a database or a vault: the body is not read before `open` is done.
pub trait Authenticator: Send + Sync + 'static {
    /// The state of one verification.
    type Pass: Pass;
    /// Gives the opened verification.
    type Opening: Future<Output = Result<Opened<Self::Pass>, OpenError>> + Send + 'static;

    /// Checks the head, before any byte of the body is read.
    fn open(&self, head: &Parts) -> Self::Opening;

    /// What the deliveries look like, where it is the same for all of them. The builder's checks
    /// ask for it.
    fn profile(&self) -> Option<Arc<Profile>> {
        None
    }

    /// The longest replay window that a delivery may have of its own, where it is longer than the
    /// layer's. The builder's checks ask for it.
    fn max_window(&self) -> Duration {
        Duration::ZERO
    }
}

/// What the head allows.
#[derive(Debug)]
#[non_exhaustive]
pub enum Opened<P> {
    /// A verification of the body.
    #[non_exhaustive]
    Pass {
        /// The state of the verification.
        pass: P,
        /// What the deliveries look like.
        profile: Arc<Profile>,
    },
    /// Nothing is delivered: the provider asks whether the receiver is there.
    Handshake(Handshake),
}

impl<P> Opened<P> {
    /// Joins a verification with what is known about its deliveries.
    pub fn new(pass: P, profile: Arc<Profile>) -> Self {
        Self::Pass { pass, profile }
    }
}

/// Why a verification cannot begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenError {
    /// The head condemns the request: 401.
    Auth(AuthError),
    /// The provider does not send this media type: 415.
    Media,
    /// The provider does not deliver with this method: 405.
    Method,
    /// The sender's address is not on the connection's list: 403.
    Denied,
    /// A question of the provider's that lacks what is asked: 400.
    Malformed,
    /// The source of the secrets is down: 503, so that the sender tries again.
    Unavailable,
}

impl<V: Scheme> Authenticator for V {
    type Pass = V::Pass;
    type Opening = Ready<Result<Opened<V::Pass>, OpenError>>;

    fn open(&self, head: &Parts) -> Self::Opening {
        match self.greet(head) {
            Some(Ok(handshake)) => return ready(Ok(Opened::Handshake(handshake))),
            Some(Err(why)) => return ready(Err(why)),
            None => {}
        }
        let profile = Scheme::profile(self);
        if !profile.allows(&head.method) {
            return ready(Err(OpenError::Method));
        }
        if profile.accepts(head.headers.get(CONTENT_TYPE)).is_none() {
            return ready(Err(OpenError::Media));
        }
        let pass = self.begin(head).map_err(OpenError::Auth);
        ready(pass.map(|pass| Opened::new(pass, profile)))
    }

    fn profile(&self) -> Option<Arc<Profile>> {
        Some(Scheme::profile(self))
    }
}

impl From<AuthError> for OpenError {
    fn from(err: AuthError) -> Self {
        Self::Auth(err)
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auth(err) => err.fmt(f),
            Self::Media => f.write_str("the media type is not one of the scheme's"),
            Self::Method => f.write_str("the method is not one of the scheme's"),
            Self::Denied => f.write_str("the sender's address is not on the list"),
            Self::Malformed => f.write_str("the question lacks what is asked"),
            Self::Unavailable => f.write_str("the secrets are unavailable"),
        }
    }
}

impl StdError for OpenError {}
