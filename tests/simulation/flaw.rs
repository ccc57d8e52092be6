//! Designs that lose events or run them twice. Each was somebody's.

use crate::check::Violation;

/// What is wrong with a design on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Flaw {
    /// "It is being processed" is said with 202, so the sender never comes again.
    AcceptedInProgress,
    /// Who completes or releases a claim is not asked for its token.
    NoFence,
    /// Claims are not renewed.
    NoHeartbeat,
    /// The handler ends with its connection.
    CancelOnDisconnect,
    /// The answer goes out before the handler ran.
    AckBeforeHandler,
    /// The parts of a key are joined as they are.
    UnescapedKey,
    /// The key goes by an id that nobody signed.
    UnsignedNonce,
    /// The store drops the oldest record when it is full.
    EvictingStore,
}

impl Flaw {
    pub(crate) const ALL: [Self; 8] = [
        Self::AcceptedInProgress,
        Self::NoFence,
        Self::NoHeartbeat,
        Self::CancelOnDisconnect,
        Self::AckBeforeHandler,
        Self::UnescapedKey,
        Self::UnsignedNonce,
        Self::EvictingStore,
    ];

    /// Whether this is what such a design does to events.
    pub(crate) fn does(self, violation: &Violation) -> bool {
        match self {
            Self::AcceptedInProgress | Self::AckBeforeHandler => {
                matches!(violation, Violation::AckedWithoutEffect(_))
            }
            Self::NoFence => matches!(violation, Violation::TwoCommits(_)),
            Self::NoHeartbeat | Self::EvictingStore => {
                matches!(violation, Violation::EffectAfterCommit(_))
            }
            Self::CancelOnDisconnect => matches!(violation, Violation::NeverFinished(_)),
            // An event is taken for another with other bytes.
            Self::UnescapedKey | Self::UnsignedNonce => {
                matches!(violation, Violation::WrongAnswer(_, 422))
            }
        }
    }
}
