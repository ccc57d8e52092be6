use std::error::Error as StdError;
use std::fmt;

use crate::BoxError;
use crate::outbound::egress::EgressError;
use crate::outbound::failure::Failure;

/// Why a request got no answer, or only a part of it. Its text names no part of the URL, which may hold
/// a secret; its sources name the host at most.
#[derive(Debug)]
pub struct ClientError {
    kind: Failure,
    source: BoxError,
}

impl ClientError {
    pub(super) fn new(kind: Failure, source: impl Into<BoxError>) -> Self {
        Self {
            kind,
            source: source.into(),
        }
    }

    /// The category of failure.
    #[must_use]
    pub fn kind(&self) -> Failure {
        self.kind
    }
}

impl From<EgressError> for ClientError {
    fn from(err: EgressError) -> Self {
        Self::new(Failure::EgressDenied, err)
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.reason())
    }
}

impl StdError for ClientError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.source)
    }
}
