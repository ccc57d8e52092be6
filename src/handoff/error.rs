use std::error::Error as StdError;
use std::fmt;

use crate::BoxError;

/// Why a queue did not take a job.
#[derive(Debug)]
pub struct QueueError {
    kind: QueueErrorKind,
    source: Option<BoxError>,
}

/// The category of a [`QueueError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum QueueErrorKind {
    /// The queue cannot be reached, or did not acknowledge.
    Unavailable,
    /// The queue has no room.
    Full,
    /// The job is larger than the queue takes. Until somebody raises its limit, retries fail too.
    TooLarge,
}

impl QueueError {
    /// The queue did not say that it has the job.
    pub fn unavailable(source: impl Into<BoxError>) -> Self {
        Self {
            kind: QueueErrorKind::Unavailable,
            source: Some(source.into()),
        }
    }

    /// The queue has no room.
    #[must_use]
    pub fn full() -> Self {
        Self {
            kind: QueueErrorKind::Full,
            source: None,
        }
    }

    /// The job is larger than the queue takes.
    pub fn too_large(source: impl Into<BoxError>) -> Self {
        Self {
            kind: QueueErrorKind::TooLarge,
            source: Some(source.into()),
        }
    }

    /// The category of failure.
    #[must_use]
    pub fn kind(&self) -> QueueErrorKind {
        self.kind
    }
}

impl fmt::Display for QueueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            QueueErrorKind::Unavailable => "the queue did not acknowledge the job",
            QueueErrorKind::Full => "the queue is full",
            QueueErrorKind::TooLarge => "the job is larger than the queue takes",
        })
    }
}

impl StdError for QueueError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|err| err as _)
    }
}
