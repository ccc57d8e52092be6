use std::error::Error as StdError;
use std::fmt;

use crate::BoxError;
use crate::config::ConfigError;

/// Why a store was not made.
#[derive(Debug)]
pub struct ConnectError {
    repr: Repr,
}

#[derive(Debug)]
enum Repr {
    Config(ConfigError),
    Unreachable(BoxError),
}

/// The category of a [`ConnectError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectErrorKind {
    /// A setting, of ours or of the server, would not be safe. Trying again does not help.
    Config,
    /// The server cannot be reached, or said no.
    Unreachable,
}

impl ConnectError {
    /// The server could not be asked.
    pub fn unreachable(source: impl Into<BoxError>) -> Self {
        Self {
            repr: Repr::Unreachable(source.into()),
        }
    }

    /// The category of failure.
    #[must_use]
    pub fn kind(&self) -> ConnectErrorKind {
        match self.repr {
            Repr::Config(_) => ConnectErrorKind::Config,
            Repr::Unreachable(_) => ConnectErrorKind::Unreachable,
        }
    }

    /// The setting that would not be safe, where it is one.
    #[must_use]
    pub fn config(&self) -> Option<&ConfigError> {
        match &self.repr {
            Repr::Config(err) => Some(err),
            Repr::Unreachable(_) => None,
        }
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.repr {
            Repr::Config(err) => err.fmt(f),
            Repr::Unreachable(_) => f.write_str("the server of the store cannot be reached"),
        }
    }
}

impl StdError for ConnectError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.repr {
            Repr::Config(_) => None,
            Repr::Unreachable(source) => Some(&**source),
        }
    }
}

impl From<ConfigError> for ConnectError {
    fn from(err: ConfigError) -> Self {
        Self {
            repr: Repr::Config(err),
        }
    }
}
