//! Which connection a request belongs to: its scheme, its secrets and its settings, by route.
//!
//! [`Connections`] is an [`Authenticator`](crate::scheme::Authenticator) like a single scheme is, so it
//! goes where that would: it takes the connection's id from the head, asks a [`ConnectionSource`], and
//! verifies by what it finds. The name of the connection is the first part of each idempotency key.
//!
//! An unknown connection, and one that is switched off, is verified all the same, with a secret that
//! nobody has, and gets the 401 that a wrong signature gets. A source that is down is 503: the sender
//! tries again.
//!
//! # Example
//!
//! ```
//! # #[cfg(feature = "moka")] {
//! use tower_webhook::Inbound;
//! use tower_webhook::connection::{Connection, ConnectionId, ConnectionMap, Connections};
//! use tower_webhook::scheme::HmacScheme;
//! use tower_webhook::secret::Secret;
//!
//! let secret = Secret::new("an example secret")?;
//! let id = ConnectionId::new("github", "primary");
//! let map = ConnectionMap::new([Connection::new(id, HmacScheme::github(secret))]);
//! // `POST /webhooks/github/primary`
//! let layer = Inbound::builder(Connections::new(map)).build()?;
//! # }
//! # Ok::<(), tower_webhook::BoxError>(())
//! ```
//!
//! From a file, in any format that serde reads:
//!
//! ```
//! use tower_webhook::connection::{ConnectionMap, ConnectionsFile};
//!
//! let file: ConnectionsFile = toml::from_str(r#"
//!     [[connection]]
//!     type = "github"
//!     name = "primary"
//!     signing_secrets = ["an example secret"]
//!     success_status = 200
//! "#)?;
//! let map = ConnectionMap::from_file(&file)?;
//! # Ok::<(), tower_webhook::BoxError>(())
//! ```
//!
//! From a database, asked once a minute for each connection:
//!
//! ```
//! # #[cfg(feature = "moka")] {
//! use tower_webhook::connection::{CachedSource, Connection, ConnectionId, ConnectionSource};
//! use tower_webhook::connection::{Connections, SourceError};
//!
//! struct Database;
//!
//! impl ConnectionSource for Database {
//!     async fn find(&self, id: &ConnectionId) -> Result<Option<Connection>, SourceError> {
//!         Ok(None) // … a query
//!     }
//! }
//!
//! let connections = Connections::new(CachedSource::new(Database));
//! # }
//! ```

#[cfg(feature = "moka")]
mod cached;
mod connections;
mod decoy;
mod error;
mod file;
mod id;
mod map;
mod pass;
mod secret;

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

#[cfg(feature = "moka")]
pub use self::cached::CachedSource;
pub use self::connections::Connections;
pub use self::error::ConnectionError;
pub use self::file::{ConnectionConfig, ConnectionsFile};
pub use self::id::ConnectionId;
pub use self::map::ConnectionMap;
pub use self::pass::ConnectionPass;
pub use self::secret::SecretConfig;
use crate::BoxError;
use crate::event::EventPatterns;
use crate::scheme::{AnyScheme, Profile, Scheme};
use crate::source::AllowList;

/// One provider's deliveries to one receiver.
#[derive(Clone, Debug)]
#[must_use]
pub struct Connection {
    id: ConnectionId,
    scheme: AnyScheme,
    profile: Arc<Profile>,
    allow_from: Option<AllowList>,
    is_enabled: bool,
}

impl Connection {
    /// Deliveries that are verified by `scheme`.
    pub fn new(id: ConnectionId, scheme: impl Scheme + std::fmt::Debug) -> Self {
        let profile = Scheme::profile(&scheme);
        let profile = (*profile).clone().with_connection(id.to_string());
        Self {
            id,
            scheme: AnyScheme::new(scheme),
            profile: Arc::new(profile),
            allow_from: None,
            is_enabled: true,
        }
    }

    /// Sets how old a delivery may be, in whole seconds, above the replay layer's own window; up to
    /// [`Connections::with_max_window`].
    pub fn with_replay_window(self, window: Duration) -> Self {
        self.change(|profile| profile.with_replay_window(window))
    }

    /// Answers successes with this status.
    pub fn with_success(self, status: StatusCode) -> Self {
        self.change(|profile| profile.with_success(status))
    }

    /// Takes only these event types: others are answered, and nothing runs or is remembered.
    pub fn with_events(self, events: EventPatterns) -> Self {
        self.change(|profile| profile.with_events(events))
    }

    /// Lets in only senders on `list`; see [`Connections::with_client`].
    pub fn with_allow_from(mut self, list: AllowList) -> Self {
        self.allow_from = Some(list);
        self
    }

    /// Switches the connection on or off: deliveries to one that is off get the common 401.
    pub fn with_enabled(mut self, is_enabled: bool) -> Self {
        self.is_enabled = is_enabled;
        self
    }

    /// The id of the connection.
    #[must_use]
    pub fn id(&self) -> &ConnectionId {
        &self.id
    }

    fn change(mut self, change: impl FnOnce(Profile) -> Profile) -> Self {
        self.profile = Arc::new(change((*self.profile).clone()));
        self
    }
}

/// Where connections are looked up.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a source of connections",
    label = "this must implement `ConnectionSource`",
    note = "use `ConnectionMap`, or implement `find`"
)]
pub trait ConnectionSource: Send + Sync + 'static {
    /// The connection of `id`, or `None` where there is none.
    ///
    /// # Errors
    ///
    /// Returns an error when it cannot be told: the delivery is refused with 503, to be sent again.
    fn find(
        &self,
        id: &ConnectionId,
    ) -> impl Future<Output = Result<Option<Connection>, SourceError>> + Send;
}

impl<S: ConnectionSource> ConnectionSource for Arc<S> {
    fn find(
        &self,
        id: &ConnectionId,
    ) -> impl Future<Output = Result<Option<Connection>, SourceError>> + Send {
        (**self).find(id)
    }
}

/// A source of connections that could not answer.
#[derive(Debug)]
pub struct SourceError(BoxError);

impl SourceError {
    /// The source could not be asked.
    pub fn unavailable(source: impl Into<BoxError>) -> Self {
        Self(source.into())
    }
}

impl std::fmt::Display for SourceError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the source of connections is unavailable")
    }
}

impl std::error::Error for SourceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.0)
    }
}
