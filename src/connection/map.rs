use std::collections::HashMap;
use std::sync::Arc;

use super::SourceError;
use super::{Connection, ConnectionError, ConnectionId, ConnectionSource, ConnectionsFile};
use crate::sync::{PoisonError, RwLock};

/// Connections in memory, that can be replaced as a whole while the receiver runs. Clones share them.
#[derive(Clone, Debug)]
pub struct ConnectionMap(Arc<RwLock<Arc<Table>>>);

type Table = HashMap<ConnectionId, Connection>;

impl ConnectionMap {
    /// Takes `connections`; of two with one id the later counts.
    #[must_use]
    pub fn new(connections: impl IntoIterator<Item = Connection>) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(table(connections)))))
    }

    /// Takes the connections of a configuration.
    ///
    /// # Errors
    ///
    /// Returns an error that names the connection and the field.
    pub fn from_file(file: &ConnectionsFile) -> Result<Self, ConnectionError> {
        file.build().map(Self::new)
    }

    /// Puts `connections` in place of all others, for all clones: at once, so that no request sees half
    /// of them.
    pub fn replace(&self, connections: impl IntoIterator<Item = Connection>) {
        let table = Arc::new(table(connections));
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = table;
    }

    fn table(&self) -> Arc<Table> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

fn table(connections: impl IntoIterator<Item = Connection>) -> Table {
    let connections = connections.into_iter();
    connections
        .map(|connection| (connection.id().clone(), connection))
        .collect()
}

impl ConnectionSource for ConnectionMap {
    async fn find(&self, id: &ConnectionId) -> Result<Option<Connection>, SourceError> {
        Ok(self.table().get(id).cloned())
    }
}
