mod builder;
mod emit;
mod endpoints;
mod inner;
mod operate;

use std::fmt;
use std::sync::Arc;

use tokio::sync::broadcast;

pub use self::builder::SenderBuilder;
pub use self::emit::{Emit, Emitted};
pub use self::endpoints::{Created, Endpoints};
pub(crate) use self::inner::{Inner, millis};
pub use self::operate::{Audited, Replay};
use super::admin::Admin;
use super::catalogue::Catalogue;
use super::dispatch::Dispatcher;
use super::event::Event;
use super::lifecycle::Lifecycle;
use super::store::OutboundStore;
use super::{OutboundError, SealingKey};

/// Sends events to the endpoints that want them.
///
/// A clone is the same sender. See the [module docs](crate::outbound).
pub struct Sender<S>(pub(crate) Arc<Inner<S>>);

impl<S: OutboundStore> Sender<S> {
    /// A sender that keeps all in `store`, and the secrets of endpoints sealed with `key`.
    pub fn builder(store: S, key: SealingKey) -> SenderBuilder<S> {
        SenderBuilder::new(store, key)
    }

    /// Emits an event: await it, or give it a transaction with [`within`](Emit::within).
    pub fn emit(&self, event: Event) -> Emit<'_, S> {
        Emit::new(self, event)
    }

    /// The endpoints.
    pub fn endpoints(&self) -> Endpoints<'_, S> {
        Endpoints::new(self)
    }

    /// What sends the deliveries. Any number of processes may run one; it is no part of emitting.
    pub fn dispatcher(&self) -> Dispatcher<S> {
        Dispatcher::new(self.clone())
    }

    /// What happens from now on that an operator may want to know. A receiver that falls 1,024 behind loses the oldest.
    #[must_use]
    pub fn lifecycle(&self) -> broadcast::Receiver<Lifecycle> {
        self.0.lifecycle.subscribe()
    }

    /// Where all is kept.
    #[must_use]
    pub fn store(&self) -> &S {
        &self.0.store
    }

    /// Looks for deliveries at once: for after a transaction that emitted was committed. Otherwise they are found
    /// within the time of [`poll`](Dispatcher::poll), and on PostgreSQL at once.
    pub fn wake(&self) {
        self.0.wake.notify_one();
    }

    /// The events that it sends, where that was said.
    #[must_use]
    pub fn catalogue(&self) -> Option<&Catalogue> {
        self.0.catalogue.as_ref()
    }

    /// The service that administers it over HTTP. See [`admin`](super::admin).
    pub fn admin(&self) -> Admin<S> {
        Admin::new(self.clone())
    }

    fn check(&self, event: &Event) -> Result<(), OutboundError> {
        let catalogue = self.0.catalogue.as_ref();
        if catalogue.is_some_and(|catalogue| !catalogue.allows(event.event_type())) {
            return Err(OutboundError::invalid(
                "event_type",
                "is not in the catalogue",
            ));
        }
        event.check(self.0.max_payload_bytes)
    }
}

impl<S> Clone for Sender<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S> fmt::Debug for Sender<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}
