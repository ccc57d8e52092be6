use std::future::IntoFuture;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::Sender;
use crate::outbound::OutboundError;
use crate::outbound::event::Event;
use crate::outbound::store::{OutboundStore, TransactionalOutbox};

/// An event that is about to be emitted: nothing happens until it is awaited.
#[derive(Debug)]
#[must_use = "an event is emitted when this is awaited"]
pub struct Emit<'s, S> {
    sender: &'s Sender<S>,
    event: Event,
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Emitted {
    /// How many endpoints it is sent to.
    pub deliveries: u64,
    /// Whether its id was known: then nothing is sent again.
    pub is_duplicate: bool,
}

/// How often an event that nobody waits for is offered to a store that fails, and how long is waited between.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(200);

impl<'s, S: OutboundStore> Emit<'s, S> {
    pub(super) fn new(sender: &'s Sender<S>, event: Event) -> Self {
        Self { sender, event }
    }

    /// Emits within a transaction of the caller's, in one round trip: the event is sent if the transaction commits, and
    /// vanishes if it does not. Nothing is sent before that.
    ///
    /// # Errors
    ///
    /// As awaiting it does. After an error the transaction is to be rolled back.
    pub async fn within(self, connection: &mut S::Connection) -> Result<Emitted, OutboundError>
    where
        S: TransactionalOutbox,
    {
        self.sender.check(&self.event)?;
        let (store, now) = (&self.sender.0.store, self.sender.0.now());
        let deliveries = store.emit_in(connection, &self.event, now).await?;
        Ok(Emitted::of(deliveries))
    }

    /// Emits in the background, so that the caller waits for nothing.
    ///
    /// **The event is lost** when the process ends before it is stored, and when the store fails five times in a row.
    ///
    /// # Errors
    ///
    /// Returns an error when the event cannot be sent, or when 10,000 are waiting for the store.
    pub fn lossy(self) -> Result<(), OutboundError> {
        self.sender.check(&self.event)?;
        let waiting = Arc::clone(&self.sender.0.unawaited).try_acquire_owned();
        let waiting = waiting.map_err(|_| OutboundError::OVERLOADED)?;
        let (sender, event) = (self.sender.clone(), self.event);
        tokio::spawn(async move {
            let _waiting = waiting;
            for tried in 1..=TRIES {
                let emitted = sender.0.store.emit(&event, sender.0.now()).await;
                if emitted.is_ok() {
                    return sender.wake();
                }
                sleep(PAUSE * tried).await;
            }
        });
        Ok(())
    }
}

impl Emitted {
    fn of(deliveries: Option<u64>) -> Self {
        Self {
            deliveries: deliveries.unwrap_or(0),
            is_duplicate: deliveries.is_none(),
        }
    }
}

impl<'s, S: OutboundStore> IntoFuture for Emit<'s, S> {
    type Output = Result<Emitted, OutboundError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 's>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            self.sender.check(&self.event)?;
            let emitted = self.sender.0.store.emit(&self.event, self.sender.0.now());
            let emitted = Emitted::of(emitted.await?);
            if emitted.deliveries > 0 {
                self.sender.wake();
            }
            Ok(emitted)
        })
    }
}
