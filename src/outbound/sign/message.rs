use std::fmt;
use std::sync::Arc;

use super::{SignError, SignErrorKind};
use crate::scheme::sign::is_token;

/// The id of a delivery, the same for each attempt at it. In the extensions of a request, it is the one
/// that is signed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MessageId(Arc<str>);

impl MessageId {
    /// Takes an id.
    ///
    /// # Errors
    ///
    /// Returns an error when it is empty, has a dot, a space, or what is not visible ASCII.
    pub fn new(id: impl Into<Arc<str>>) -> Result<Self, SignError> {
        let id = id.into();
        if !is_token(&id) || id.contains('.') {
            return Err(SignErrorKind::MessageId.into());
        }
        Ok(Self(id))
    }

    /// An id unlike any other: `msg_` and 32 random hex digits.
    ///
    /// # Panics
    ///
    /// Panics when the operating system has no random bytes to give.
    #[must_use]
    pub fn unique() -> Self {
        Self(crate::outbound::random::id("msg_").into())
    }

    /// The text of the id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The event type of a delivery. In the extensions of a request, it is written into the header that the
/// scheme has for it, if any.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EventType(Arc<str>);

impl EventType {
    /// Takes an event type.
    ///
    /// # Errors
    ///
    /// Returns an error when it is empty, has a space, or what is not visible ASCII.
    pub fn new(name: impl Into<Arc<str>>) -> Result<Self, SignError> {
        let name = name.into();
        if !is_token(&name) {
            return Err(SignErrorKind::EventType.into());
        }
        Ok(Self(name))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
