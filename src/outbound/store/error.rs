use std::error::Error as StdError;
use std::fmt;

use crate::BoxError;

/// A store that could not answer.
#[derive(Debug)]
pub struct StoreError(BoxError);

impl StoreError {
    /// The store could not be asked.
    pub fn unavailable(source: impl Into<BoxError>) -> Self {
        Self(source.into())
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the store of deliveries is unavailable")
    }
}

impl StdError for StoreError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.0)
    }
}
