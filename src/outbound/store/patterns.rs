//! Which events an endpoint wants.

use crate::event::EventPatterns;

/// Whether one of the patterns means the event type. What cannot be read means nothing.
pub(super) fn wants<'p>(patterns: impl IntoIterator<Item = &'p str>, event_type: &str) -> bool {
    patterns.into_iter().any(|pattern| {
        let pattern = EventPatterns::parse([pattern]);
        pattern.is_ok_and(|pattern| pattern.means(event_type))
    })
}
