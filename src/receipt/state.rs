use std::fmt;

use crate::outcome::Outcome;
use crate::rejection::Rejection;

/// Where a delivery attempt is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// Authentic, and nothing has been decided.
    Received,
    /// The claim is held, and the handler was called.
    Dispatched,
    /// Done.
    Acknowledged(Acknowledged),
    /// Its event was done before; the recorded answer went out.
    Duplicate,
    /// Not done.
    Rejected(Reason),
}

/// How a delivery was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Acknowledged {
    /// The handler is done, and that is remembered.
    Handled,
    /// Nobody asked for its event type.
    Ignored,
    /// The handler is done, and by then the claim was another's: it may have run twice.
    Late,
}

/// Why a delivery was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// Older than the replay window.
    Stale,
    /// Ahead of our clock.
    Future,
    /// The payload has another shape than the scheme's.
    Malformed,
    /// Its key is known with another payload.
    Fingerprint,
    /// Another attempt at the same event is still running. The sender may try again.
    InProgress,
    /// The store of claims was down or full. The sender may try again.
    StoreUnavailable,
    /// The handler refused for good.
    Handler,
    /// The handler failed. The sender may try again.
    HandlerError,
    /// The handler panicked. The sender may try again.
    Panic,
    /// The handler passed its deadline. The sender may try again.
    Timeout,
    /// The claim was lost while the handler ran. The sender may try again.
    LeaseLost,
    /// The process ended before the attempt did.
    Abandoned,
}

impl State {
    /// Whether nothing comes after it.
    #[must_use]
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Received | Self::Dispatched)
    }

    /// The name of the state, without its reason.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Dispatched => "dispatched",
            Self::Acknowledged(_) => "acknowledged",
            Self::Duplicate => "duplicate",
            Self::Rejected(_) => "rejected",
        }
    }

    /// The reason, where the state has one.
    #[must_use]
    pub fn reason(self) -> Option<&'static str> {
        match self {
            Self::Received | Self::Dispatched | Self::Duplicate => None,
            Self::Acknowledged(how) => match how {
                Acknowledged::Handled => None,
                Acknowledged::Ignored => Some("ignored"),
                Acknowledged::Late => Some("late"),
            },
            Self::Rejected(why) => Some(why.name()),
        }
    }

    /// The state of these names, as a store wrote them down.
    #[must_use]
    pub fn parse(name: &str, reason: Option<&str>) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|state| state.name() == name && state.reason() == reason)
    }

    pub(super) const ALL: [Self; 18] = [
        Self::Received,
        Self::Dispatched,
        Self::Acknowledged(Acknowledged::Handled),
        Self::Acknowledged(Acknowledged::Ignored),
        Self::Acknowledged(Acknowledged::Late),
        Self::Duplicate,
        Self::Rejected(Reason::Stale),
        Self::Rejected(Reason::Future),
        Self::Rejected(Reason::Malformed),
        Self::Rejected(Reason::Fingerprint),
        Self::Rejected(Reason::InProgress),
        Self::Rejected(Reason::StoreUnavailable),
        Self::Rejected(Reason::Handler),
        Self::Rejected(Reason::HandlerError),
        Self::Rejected(Reason::Panic),
        Self::Rejected(Reason::Timeout),
        Self::Rejected(Reason::LeaseLost),
        Self::Rejected(Reason::Abandoned),
    ];

    /// The last state of an attempt that ended so.
    pub(super) fn of(outcome: Outcome) -> Self {
        let why = match outcome {
            Outcome::Acknowledged => return Self::Acknowledged(Acknowledged::Handled),
            Outcome::Ignored | Outcome::Handshake => {
                return Self::Acknowledged(Acknowledged::Ignored);
            }
            Outcome::Duplicate => return Self::Duplicate,
            Outcome::HandlerRejected => Reason::Handler,
            Outcome::HandlerError => Reason::HandlerError,
            Outcome::Rejected(why) => match why {
                Rejection::Stale => Reason::Stale,
                Rejection::Future => Reason::Future,
                Rejection::Malformed { .. } => Reason::Malformed,
                Rejection::FingerprintMismatch => Reason::Fingerprint,
                Rejection::InProgress { .. } => Reason::InProgress,
                Rejection::StoreUnavailable | Rejection::StoreFull => Reason::StoreUnavailable,
                Rejection::HandlerPanic => Reason::Panic,
                Rejection::HandlerTimeout => Reason::Timeout,
                Rejection::LeaseLost => Reason::LeaseLost,
                // No room below this one says anything else.
                _ => Reason::HandlerError,
            },
        };
        Self::Rejected(why)
    }
}

impl Reason {
    fn name(self) -> &'static str {
        match self {
            Self::Stale => "stale",
            Self::Future => "future",
            Self::Malformed => "malformed",
            Self::Fingerprint => "fingerprint",
            Self::InProgress => "in_progress",
            Self::StoreUnavailable => "store_unavailable",
            Self::Handler => "handler",
            Self::HandlerError => "handler_error",
            Self::Panic => "panic",
            Self::Timeout => "timeout",
            Self::LeaseLost => "lease_lost",
            Self::Abandoned => "abandoned",
        }
    }

    /// Whether the sender was told to try again.
    #[must_use]
    pub fn is_retryable(self) -> bool {
        match self {
            Self::InProgress
            | Self::StoreUnavailable
            | Self::HandlerError
            | Self::Panic
            | Self::Timeout
            | Self::LeaseLost
            | Self::Abandoned => true,
            Self::Stale | Self::Future | Self::Malformed | Self::Fingerprint | Self::Handler => {
                false
            }
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason() {
            Some(reason) => write!(f, "{}({reason})", self.name()),
            None => f.write_str(self.name()),
        }
    }
}

/// A step from one state to another. No other than these can be made:
///
/// ```text
/// received ──> dispatched ──> acknowledged
///     │            └────────> rejected
///     ├──> acknowledged(ignored)
///     ├──> duplicate
///     └──> rejected
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    from: State,
    to: State,
}

impl Transition {
    /// The handler is called.
    pub const DISPATCH: Self = Self {
        from: State::Received,
        to: State::Dispatched,
    };

    /// The step from `from` to `to`, where there is one.
    #[must_use]
    pub fn new(from: State, to: State) -> Option<Self> {
        let is_legal = match (from, to) {
            (State::Received, State::Acknowledged(how)) => how == Acknowledged::Ignored,
            (State::Received, to) => to != State::Received,
            (State::Dispatched, State::Acknowledged(_) | State::Rejected(_)) => true,
            _ => false,
        };
        is_legal.then_some(Self { from, to })
    }

    /// The state before it.
    #[must_use]
    pub fn from(self) -> State {
        self.from
    }

    /// The state after it.
    #[must_use]
    pub fn to(self) -> State {
        self.to
    }
}
