use std::time::Duration;

use moka::sync::Cache;

use super::{Connection, ConnectionId, ConnectionSource, SourceError};

/// A source that is asked once for each connection and then for a while no more.
///
/// What is not there is remembered too, for less long and in a memory of its own, so that a stranger
/// who tries names neither asks the source each time nor pushes out what is there.
#[derive(Debug)]
pub struct CachedSource<S> {
    source: S,
    known: Cache<ConnectionId, Connection>,
    unknown: Cache<ConnectionId, ()>,
}

impl<S> CachedSource<S> {
    /// Remembers 10,000 connections for 60 s, and 10,000 ids that are not there for 5 s.
    #[must_use]
    pub fn new(source: S) -> Self {
        Self::with(
            source,
            10_000,
            Duration::from_secs(60),
            Duration::from_secs(5),
        )
    }

    /// Remembers `capacity` connections for `known`, and as many ids that are not there for `unknown`:
    /// for so long a change is not seen.
    #[must_use]
    pub fn with(source: S, capacity: u64, known: Duration, unknown: Duration) -> Self {
        Self {
            source,
            known: Cache::builder()
                .max_capacity(capacity)
                .time_to_live(known)
                .build(),
            unknown: Cache::builder()
                .max_capacity(capacity)
                .time_to_live(unknown)
                .build(),
        }
    }

    /// Forgets what is known of `id`, after a change to it.
    pub fn forget(&self, id: &ConnectionId) {
        self.known.invalidate(id);
        self.unknown.invalidate(id);
    }
}

impl<S: ConnectionSource> ConnectionSource for CachedSource<S> {
    async fn find(&self, id: &ConnectionId) -> Result<Option<Connection>, SourceError> {
        if let Some(connection) = self.known.get(id) {
            return Ok(Some(connection));
        }
        if self.unknown.contains_key(id) {
            return Ok(None);
        }
        // What cannot be told is not remembered.
        let found = self.source.find(id).await?;
        match &found {
            Some(connection) => self.known.insert(id.clone(), connection.clone()),
            None => self.unknown.insert(id.clone(), ()),
        }
        Ok(found)
    }
}
