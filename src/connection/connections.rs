use std::fmt;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::request::Parts;
use tokio::time::timeout;

use super::decoy::Decoys;
use super::{Connection, ConnectionId, ConnectionPass, ConnectionSource};
use crate::scheme::{Authenticator, OpenError, Opened, Scheme as _};
use crate::source::{AllowList, ClientAddress};

/// How long the source may take before the delivery is 503.
const PATIENCE: Duration = Duration::from_secs(2);

/// Finds the connection of a request by a function of its head. Clones share the source.
pub struct Connections<S> {
    inner: Arc<Inner<S>>,
    by: Arc<By>,
    client: ClientAddress,
    max_window: Duration,
}

struct Inner<S> {
    source: S,
    decoys: Decoys,
}

type By = dyn Fn(&Parts) -> Option<ConnectionId> + Send + Sync;

impl<S: ConnectionSource> Connections<S> {
    /// Takes the id from the path, see [`ConnectionId::of_path`]. Connections may have replay windows
    /// of up to an hour.
    #[must_use]
    pub fn new(source: S) -> Self {
        Self {
            inner: Arc::new(Inner {
                source,
                decoys: Decoys::new(),
            }),
            by: Arc::new(ConnectionId::of_path),
            client: ClientAddress::peer(),
            max_window: Duration::from_secs(3600),
        }
    }

    /// Takes the id from the head by `by`. What is not found there is an unknown connection.
    #[must_use]
    pub fn by(
        mut self,
        by: impl Fn(&Parts) -> Option<ConnectionId> + Send + Sync + 'static,
    ) -> Self {
        self.by = Arc::new(by);
        self
    }

    /// Sets how the address of a sender is found, for connections that let in only some.
    #[must_use]
    pub fn with_client(mut self, client: ClientAddress) -> Self {
        self.client = client;
        self
    }

    /// Sets the longest replay window that a connection may have; a longer one is cut to it. The
    /// builder asks for it, for the memory of deliveries must last longer.
    #[must_use]
    pub fn with_max_window(mut self, window: Duration) -> Self {
        self.max_window = window;
        self
    }
}

impl<S> Inner<S> {
    /// Begins to verify for the connection, or for none.
    fn open(
        &self,
        id: Option<&ConnectionId>,
        found: Option<Connection>,
        max_window: Duration,
        address: Option<IpAddr>,
        head: &Parts,
    ) -> Result<Opened<ConnectionPass>, OpenError> {
        let found = found.filter(|connection| connection.is_enabled);
        let is_decoy = found.is_none();
        // Looked up for each, and then taken for a connection: what is there takes no longer than what is not.
        let decoy = self.decoys.of(id.map_or("", ConnectionId::kind));
        let taken = found.unwrap_or_else(|| decoy.clone());
        let denies = |list: &AllowList| !address.is_some_and(|it| list.contains(it));
        if taken.allow_from.as_ref().is_some_and(denies) {
            return Err(OpenError::Denied);
        }
        let long = taken.profile.replay_window();
        let taken = match long.filter(|window| *window > max_window) {
            Some(_) => taken.with_replay_window(max_window),
            None => taken,
        };
        if !is_decoy && let Some(answer) = taken.scheme.greet(head) {
            return answer.map(Opened::Handshake);
        }
        let Connection {
            scheme, profile, ..
        } = taken;
        if !profile.allows(&head.method) {
            return Err(OpenError::Method);
        }
        if profile.accepts(head.headers.get(CONTENT_TYPE)).is_none() {
            return Err(OpenError::Media);
        }
        let pass = scheme.begin(head).map_err(OpenError::Auth)?;
        Ok(Opened::new(ConnectionPass::new(pass, is_decoy), profile))
    }
}

impl<S: ConnectionSource> Authenticator for Connections<S> {
    type Pass = ConnectionPass;
    type Opening = Pin<Box<dyn Future<Output = Result<Opened<ConnectionPass>, OpenError>> + Send>>;

    fn open(&self, head: &Parts) -> Self::Opening {
        let id = (self.by)(head);
        let address = self.client.find(head);
        let (inner, max_window) = (Arc::clone(&self.inner), self.max_window);
        // The extensions stay with the request, and no scheme reads them.
        let (mut asked, ()) = http::Request::new(()).into_parts();
        asked.method = head.method.clone();
        asked.uri = head.uri.clone();
        asked.headers = head.headers.clone();
        Box::pin(async move {
            let found = match &id {
                Some(id) => match timeout(PATIENCE, inner.source.find(id)).await {
                    Ok(Ok(found)) => found,
                    Ok(Err(_)) | Err(_) => return Err(OpenError::Unavailable),
                },
                None => None,
            };
            inner.open(id.as_ref(), found, max_window, address, &asked)
        })
    }

    fn max_window(&self) -> Duration {
        self.max_window
    }
}

// Not derived, because that would require `S: Clone`.
impl<S> Clone for Connections<S> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            by: Arc::clone(&self.by),
            client: self.client.clone(),
            max_window: self.max_window,
        }
    }
}

impl<S> fmt::Debug for Connections<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections").finish_non_exhaustive()
    }
}
