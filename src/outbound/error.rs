use std::error::Error as StdError;
use std::fmt;

use super::store::StoreError;
use crate::config::ConfigError;

/// Why the sender did not do what it was asked for.
#[derive(Debug)]
pub struct OutboundError(Kind);

#[derive(Debug)]
enum Kind {
    Invalid(ConfigError),
    NotFound,
    Conflict,
    Unreadable,
    Overloaded,
    Store(StoreError),
}

/// What kind of error it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OutboundErrorKind {
    /// What was given cannot be taken; the error names the field.
    Invalid,
    /// There is no such endpoint or delivery, or it belongs to another tenant.
    NotFound,
    /// Somebody else changed the endpoint at the same time.
    Conflict,
    /// What is stored cannot be opened with the keys that were given.
    Unreadable,
    /// Too much is on its way to the store already.
    Overloaded,
    /// The store could not be asked.
    Unavailable,
}

impl OutboundError {
    pub(crate) const NOT_FOUND: Self = Self(Kind::NotFound);
    pub(crate) const CONFLICT: Self = Self(Kind::Conflict);
    pub(crate) const UNREADABLE: Self = Self(Kind::Unreadable);
    pub(crate) const OVERLOADED: Self = Self(Kind::Overloaded);

    pub(crate) const fn invalid(field: &'static str, reason: &'static str) -> Self {
        Self(Kind::Invalid(ConfigError::new(field, reason)))
    }

    /// What kind of error it is.
    #[must_use]
    pub fn kind(&self) -> OutboundErrorKind {
        match self.0 {
            Kind::Invalid(_) => OutboundErrorKind::Invalid,
            Kind::NotFound => OutboundErrorKind::NotFound,
            Kind::Conflict => OutboundErrorKind::Conflict,
            Kind::Unreadable => OutboundErrorKind::Unreadable,
            Kind::Overloaded => OutboundErrorKind::Overloaded,
            Kind::Store(_) => OutboundErrorKind::Unavailable,
        }
    }

    /// The field that cannot be taken.
    #[must_use]
    pub fn field(&self) -> Option<&'static str> {
        match &self.0 {
            Kind::Invalid(err) => Some(err.field()),
            _ => None,
        }
    }
}

impl From<ConfigError> for OutboundError {
    fn from(err: ConfigError) -> Self {
        Self(Kind::Invalid(err))
    }
}

impl From<StoreError> for OutboundError {
    fn from(err: StoreError) -> Self {
        Self(Kind::Store(err))
    }
}

impl fmt::Display for OutboundError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Invalid(err) => err.fmt(f),
            Kind::NotFound => f.write_str("there is no such endpoint or delivery"),
            Kind::Conflict => f.write_str("the endpoint was changed at the same time"),
            Kind::Unreadable => f.write_str("the endpoint's secrets cannot be opened"),
            Kind::Overloaded => f.write_str("too many events wait for the store"),
            Kind::Store(err) => err.fmt(f),
        }
    }
}

impl StdError for OutboundError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.0 {
            Kind::Store(err) => err.source(),
            _ => None,
        }
    }
}
