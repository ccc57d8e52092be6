use std::error::Error as StdError;
use std::fmt;

use crate::BoxError;

/// Why a store could not answer.
#[derive(Debug)]
pub struct StoreError {
    kind: StoreErrorKind,
    source: Option<BoxError>,
}

/// The category of a [`StoreError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The store cannot be reached, or said no.
    Unavailable,
    /// The store has no room and may forget nothing.
    Full,
    /// What the store holds cannot be read.
    Corrupt,
    /// A completion inside a transaction came too late: the claim is another's, or completed.
    Lost,
}

impl StoreError {
    /// The store could not be asked.
    pub fn unavailable(source: impl Into<BoxError>) -> Self {
        Self {
            kind: StoreErrorKind::Unavailable,
            source: Some(source.into()),
        }
    }

    /// The store has no room.
    #[must_use]
    pub fn full() -> Self {
        Self {
            kind: StoreErrorKind::Full,
            source: None,
        }
    }

    /// A record cannot be read.
    pub fn corrupt(source: impl Into<BoxError>) -> Self {
        Self {
            kind: StoreErrorKind::Corrupt,
            source: Some(source.into()),
        }
    }

    /// The claim is not the caller's any more.
    #[cfg(feature = "postgres")]
    pub(super) fn lost() -> Self {
        Self {
            kind: StoreErrorKind::Lost,
            source: None,
        }
    }

    /// The category of failure.
    #[must_use]
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            StoreErrorKind::Unavailable => "the idempotency store is unavailable",
            StoreErrorKind::Full => "the idempotency store is full",
            StoreErrorKind::Corrupt => "a record of the idempotency store cannot be read",
            StoreErrorKind::Lost => "the claim is not the caller's any more",
        })
    }
}

impl StdError for StoreError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|err| err as _)
    }
}
