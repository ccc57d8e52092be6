use std::fmt;

use crate::outbound::{OutboundError, random};

/// Longest id of an event, in bytes.
const MAX_BYTES: usize = 128;

/// The id of an event. All its deliveries carry it, on each attempt: receivers know duplicates by it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId(String);

impl EventId {
    /// An id unlike any other: `msg_` and 32 random hex digits.
    #[must_use]
    pub fn unique() -> Self {
        Self(random::id("msg_"))
    }

    /// An id of the caller's, so that what is emitted twice is sent once.
    ///
    /// # Errors
    ///
    /// Returns an error that names `id` unless it is 1 to 128 visible characters of ASCII without a dot, which
    /// Standard Webhooks puts between what it signs.
    pub fn new(text: impl Into<String>) -> Result<Self, OutboundError> {
        let text = text.into();
        let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'.';
        if text.is_empty() || text.len() > MAX_BYTES || !text.bytes().all(is_plain) {
            let reason = "must be 1 to 128 visible characters of ASCII without a dot";
            return Err(OutboundError::invalid("id", reason));
        }
        Ok(Self(text))
    }

    /// The id, as it is sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What a store gives back.
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub(crate) fn stored(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
