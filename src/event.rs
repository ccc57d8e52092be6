//! Which event types are meant: names, and all names under one.

use std::sync::Arc;

use crate::config::ConfigError;

/// Event types, such as `push`, `invoice.*` for all below `invoice`, or `*`.
///
/// # Example
///
/// ```
/// use tower_webhook::event::EventPatterns;
///
/// let events = EventPatterns::parse(["push", "invoice.*"])?;
/// assert!(events.matches("push"));
/// assert!(events.matches("invoice.paid"));
/// assert!(!events.matches("invoice"));
/// # Ok::<(), tower_webhook::config::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct EventPatterns(Arc<[EventPattern]>);

/// One event type, or all below one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum EventPattern {
    Exact(Box<str>),
    /// The text before the star, its dot included.
    Below(Box<str>),
}

impl EventPattern {
    pub(crate) fn parse(text: &str) -> Result<Self, ConfigError> {
        let stem = text.strip_suffix('*').unwrap_or(text);
        if text.is_empty() || stem.contains('*') {
            let reason = "must be event types; a star stands alone or after the last dot";
            return Err(ConfigError::new("events", reason));
        }
        Ok(match text.strip_suffix('*') {
            Some(stem) if stem.is_empty() || stem.ends_with('.') => Self::Below(stem.into()),
            Some(_) => {
                let reason = "must be event types; a star stands alone or after the last dot";
                return Err(ConfigError::new("events", reason));
            }
            None => Self::Exact(text.into()),
        })
    }

    pub(crate) fn matches(&self, event: &str) -> bool {
        match self {
            Self::Exact(name) => **name == *event,
            Self::Below(stem) => event.len() > stem.len() && event.starts_with(&**stem),
        }
    }
}

impl EventPatterns {
    /// Reads patterns.
    ///
    /// # Errors
    ///
    /// Returns an error that names `events` when one is empty or has its star elsewhere than alone or
    /// after the last dot.
    pub fn parse<'p>(patterns: impl IntoIterator<Item = &'p str>) -> Result<Self, ConfigError> {
        let patterns = patterns.into_iter().map(EventPattern::parse);
        patterns.collect::<Result<_, _>>().map(Self)
    }

    /// Whether an event type is meant, by its name alone.
    #[cfg(feature = "outbound")]
    pub(crate) fn means(&self, event: &str) -> bool {
        self.0.iter().any(|pattern| pattern.matches(event))
    }

    /// Whether an event type is meant. A pattern such as `pull_request.opened` also means the type
    /// `pull_request`, for some providers keep what comes after the dot in the payload.
    #[must_use]
    pub fn matches(&self, event: &str) -> bool {
        self.0.iter().any(|pattern| match pattern {
            EventPattern::Exact(name) if name.len() > event.len() => {
                name.starts_with(event) && name.as_bytes()[event.len()] == b'.'
            }
            pattern => pattern.matches(event),
        })
    }
}
