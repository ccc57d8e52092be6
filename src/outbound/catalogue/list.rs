use serde_json::Value;

use super::entry::Payload;
use super::{Entry, EventType};
use crate::config::ConfigError;
use crate::event::EventPatterns;
use crate::outbound::event::{TEST_EVENT, is_event_type};

/// The events of a sender, by their names. See the [module docs](super).
///
/// What it writes is the same for the same events, in whatever order they were added.
#[derive(Clone, Debug)]
#[must_use]
pub struct Catalogue {
    pub(super) title: String,
    pub(super) version: String,
    /// In the order of names and versions.
    pub(super) entries: Vec<Entry>,
    /// The first thing that was wrong, told by [`check`](Self::check).
    fault: Option<&'static str>,
}

impl Catalogue {
    /// A catalogue without events.
    pub fn new() -> Self {
        Self {
            title: "Webhooks".to_owned(),
            version: "1".to_owned(),
            entries: Vec::new(),
            fault: None,
        }
    }

    /// The title and the version of what it writes: `Webhooks` and `1` otherwise.
    pub fn titled(mut self, title: impl Into<String>, version: impl Into<String>) -> Self {
        self.title = title.into();
        self.version = version.into();
        self
    }

    /// With the event of a type of payload.
    pub fn event<T: EventType>(self) -> Self {
        self.with(Entry::typed::<T>())
    }

    /// With an event whose schema is written by hand. It must stand by itself: it may refer to parts of itself, and to
    /// nothing else.
    pub fn raw(
        self,
        name: impl Into<String>,
        version: Option<&str>,
        description: impl Into<String>,
        schema: Value,
    ) -> Self {
        self.with(Entry {
            name: name.into(),
            version: version.map(str::to_owned),
            description: description.into(),
            payload: Payload::Raw(schema),
        })
    }

    fn with(mut self, entry: Entry) -> Self {
        let key = |entry: &Entry| (entry.name.clone(), entry.version.clone());
        let is_object = |payload: &Payload| match payload {
            Payload::Raw(schema) => schema.is_object(),
            Payload::Typed { .. } => true,
        };
        let at = self.entries.binary_search_by_key(&key(&entry), key);
        let fault = match at {
            Ok(_) => Some("has an event twice in one version"),
            Err(_) if !is_event_type(&entry.name) => Some("has a name that no event can have"),
            Err(_) if !is_object(&entry.payload) => Some("has a schema that is no object"),
            Err(_) => None,
        };
        self.fault = self.fault.or(fault);
        if fault.is_none() {
            self.entries.insert(at.unwrap_or_else(|at| at), entry);
        }
        self
    }

    /// The events, in the order of their names and versions.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = &Entry> {
        self.entries.iter()
    }

    /// Whether there is an event of this type.
    #[must_use]
    pub fn contains(&self, event_type: &str) -> bool {
        self.entries.iter().any(|entry| entry.name == event_type)
    }

    /// What [`SenderBuilder::build`](crate::outbound::SenderBuilder::build) asks: events that were wrong are not in it.
    ///
    /// # Errors
    ///
    /// Returns an error that names `catalogue` when an event has a name that none can have, when it is there twice in
    /// one version, and when its schema is no object.
    pub fn check(&self) -> Result<(), ConfigError> {
        match self.fault {
            Some(reason) => Err(ConfigError::new("catalogue", reason)),
            None => Ok(()),
        }
    }

    /// Whether an event of this type may be emitted.
    pub(crate) fn allows(&self, event_type: &str) -> bool {
        event_type == TEST_EVENT || self.contains(event_type)
    }

    /// Whether each pattern means at least one event.
    pub(crate) fn means_all<'p>(&self, patterns: impl IntoIterator<Item = &'p str>) -> bool {
        let names = || self.entries.iter().map(Entry::name).chain([TEST_EVENT]);
        patterns.into_iter().all(|pattern| {
            let pattern = EventPatterns::parse([pattern]);
            pattern.is_ok_and(|pattern| names().any(|name| pattern.means(name)))
        })
    }
}

impl Default for Catalogue {
    fn default() -> Self {
        Self::new()
    }
}
