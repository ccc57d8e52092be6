use std::error::Error as StdError;
use std::fmt;

use crate::BoxError;
use crate::scheme::sign::Fault;

/// Why a request was not signed. It was not sent either.
#[derive(Debug)]
pub struct SignError {
    kind: SignErrorKind,
    source: Option<BoxError>,
}

/// The kinds of a [`SignError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignErrorKind {
    /// All keys that a scheme could sign with have ended.
    NoLiveKey,
    /// The id is empty, has a space or what is not visible ASCII, or has a dot and is signed.
    MessageId,
    /// The event type is empty, or has a space or what is not visible ASCII.
    EventType,
    /// The time is none that receivers read: ten digits, 2001 to 2286.
    Time,
    /// A header of the scheme would hold what cannot stand in a header.
    Header,
    /// The body of the request failed while it was collected.
    Body,
}

impl SignError {
    /// What kind of error it is.
    #[must_use]
    pub fn kind(&self) -> SignErrorKind {
        self.kind
    }

    pub(super) fn body(source: BoxError) -> Self {
        Self {
            kind: SignErrorKind::Body,
            source: Some(source),
        }
    }
}

impl From<SignErrorKind> for SignError {
    fn from(kind: SignErrorKind) -> Self {
        Self { kind, source: None }
    }
}

impl From<Fault> for SignError {
    fn from(fault: Fault) -> Self {
        let kind = match fault {
            Fault::Id => SignErrorKind::MessageId,
            Fault::EventType => SignErrorKind::EventType,
            Fault::Time => SignErrorKind::Time,
            Fault::Header => SignErrorKind::Header,
        };
        kind.into()
    }
}

impl fmt::Display for SignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            SignErrorKind::NoLiveKey => "no key that can sign is live",
            SignErrorKind::MessageId => "the message id cannot be signed or sent",
            SignErrorKind::EventType => "the event type cannot stand in a header",
            SignErrorKind::Time => "the time of the attempt is none that receivers read",
            SignErrorKind::Header => "a header of the scheme cannot be written",
            SignErrorKind::Body => "the body could not be collected",
        })
    }
}

impl StdError for SignError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
