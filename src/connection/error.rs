use std::error::Error as StdError;
use std::fmt;

use crate::config::ConfigError;

/// A connection of a configuration that cannot be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionError {
    connection: String,
    source: ConfigError,
}

impl ConnectionError {
    pub(super) fn new(kind: &str, name: &str, source: ConfigError) -> Self {
        Self {
            connection: format!("{kind}/{name}"),
            source,
        }
    }

    /// The connection, as `type/name`.
    #[must_use]
    pub fn connection(&self) -> &str {
        &self.connection
    }

    /// The name of the field.
    #[must_use]
    pub fn field(&self) -> &'static str {
        self.source.field()
    }
}

impl fmt::Display for ConnectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "connection `{}` cannot be made", self.connection)
    }
}

impl StdError for ConnectionError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.source)
    }
}
