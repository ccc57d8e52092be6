//! Every way a request can end, as one closed set of labels.

use std::fmt;

use http::Response;

use crate::rejection::Rejection;

/// How a request ended: ask [`Outcome::of`]. Also in the extensions of each response whose status does not say
/// the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// The handler answered 2xx, and what had to be remembered is.
    Acknowledged,
    /// The provider asked whether the receiver is there, and was answered.
    Handshake,
    /// An authentic delivery of an event type that nobody asked for.
    Ignored,
    /// A completed delivery came again and got its recorded answer.
    Duplicate,
    /// The handler refused for good; the same answer is given to retries.
    HandlerRejected,
    /// The handler failed; the sender may try again.
    HandlerError,
    /// A room refused.
    Rejected(Rejection),
}

impl Outcome {
    /// The outcome of an answer: what a room said, else what the status says, a success or not.
    ///
    /// # Example
    ///
    /// ```
    /// use http::Response;
    /// use tower_webhook::outcome::Outcome;
    ///
    /// assert_eq!(Outcome::of(&Response::new(())), Outcome::Acknowledged);
    /// ```
    #[must_use]
    pub fn of<R>(response: &Response<R>) -> Self {
        let said = response.extensions().get().copied();
        said.unwrap_or_else(|| match response.status().is_success() {
            true => Self::Acknowledged,
            false => Self::HandlerError,
        })
    }

    pub(crate) fn aborted() -> Self {
        Self::Rejected(Rejection::BodyAborted)
    }

    /// The label, from a closed set: no text of a sender or user is ever part of it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Acknowledged => "acknowledged",
            Self::Handshake => "handshake",
            Self::Ignored => "ignored",
            Self::Duplicate => "duplicate",
            Self::HandlerRejected => "handler_rejected",
            Self::HandlerError => "handler_error",
            Self::Rejected(why) => why.label(),
        }
    }
}

/// Something that somebody must look at, although the sender got its answer. Found beside the
/// [`Outcome`], in the extensions of the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Incident {
    /// The sender hung up while the handler ran; the handler runs on.
    ClientGone,
    /// The handler is done, and the store would not write that down in time.
    CommitFailed,
    /// The handler is done, and by then the claim was another's: the delivery may have run twice.
    LeaseLost,
}

impl From<Rejection> for Outcome {
    fn from(why: Rejection) -> Self {
        Self::Rejected(why)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}
