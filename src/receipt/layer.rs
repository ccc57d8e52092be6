use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tower_layer::Layer;

use super::boxed::Store;
use super::{
    IssueReceipt, OnReceipt, Receipt, ReceiptError, ReceiptEvent, ReceiptEvents, ReceiptQuery,
    ReceiptStore,
};
use crate::background::Background;
use crate::time::{Clock, SystemClock};

/// Layer that applies the [`IssueReceipt`] middleware.
///
/// See the [module docs](crate::receipt).
#[derive(Clone)]
#[must_use]
pub struct ReceiptLayer {
    // None: nobody asked for receipts.
    pub(super) shared: Option<Arc<Shared>>,
}

/// What all receipts of a layer have in common.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) connection: Arc<str>,
    pub(super) goes_on: bool,
    pub(super) background: Background,
    observers: Vec<Arc<dyn OnReceipt>>,
}

impl Shared {
    pub(super) fn tell(&self, event: &ReceiptEvent) {
        self.observers
            .iter()
            .for_each(|observer| observer.transitioned(event));
    }
}

impl ReceiptLayer {
    /// Writes receipts into `store`.
    pub fn new(store: impl ReceiptStore) -> Self {
        Self {
            shared: Some(Arc::new(Shared {
                store: Arc::new(store),
                clock: Arc::new(SystemClock),
                connection: "default".into(),
                goes_on: false,
                background: Background::new(),
                observers: Vec::new(),
            })),
        }
    }

    /// No receipts: what the builder has where none were asked for.
    pub(crate) fn none() -> Self {
        Self { shared: None }
    }

    /// Tells `observer` of each step, after it was written.
    pub fn with_observer(self, observer: impl OnReceipt) -> Self {
        self.change(|shared| shared.observers.push(Arc::new(observer)))
    }

    /// Gives the steps as they are written, up to `capacity` ahead of who listens.
    pub fn events(self, capacity: usize) -> (Self, ReceiptEvents) {
        let (sender, receiver) = tokio::sync::broadcast::channel(capacity.max(1));
        (self.with_observer(sender), ReceiptEvents(receiver))
    }

    /// Takes deliveries although the store cannot write them down: they have no receipt.
    pub fn continue_without_store(self) -> Self {
        self.change(|shared| shared.goes_on = true)
    }

    /// Names the connection, where it is not found out by request.
    pub fn with_connection(self, name: impl Into<Arc<str>>) -> Self {
        self.change(|shared| shared.connection = name.into())
    }

    /// Sets the clock that dates receipts.
    pub fn with_clock(self, clock: impl Clock) -> Self {
        self.change(|shared| shared.clock = Arc::new(clock))
    }

    /// Waits until nothing is being written in the background, after its answer went out.
    pub async fn idle(&self) {
        if let Some(shared) = &self.shared {
            shared.background.idle().await;
        }
    }

    /// The receipts that `query` asks for, the newest first.
    ///
    /// # Errors
    ///
    /// Returns an error when the store cannot be asked.
    pub async fn query(&self, query: &ReceiptQuery) -> Result<Vec<Receipt>, ReceiptError> {
        match &self.shared {
            Some(shared) => shared.store.query(query).await,
            None => Ok(Vec::new()),
        }
    }

    /// Rejects, as abandoned, what is open for longer than `age`: its process ended. Says how many. Give
    /// it the deadline of the handler and the lease together (540 s with the defaults), for so long a
    /// completion may be tried.
    ///
    /// # Errors
    ///
    /// Returns an error when the store cannot be asked.
    pub async fn sweep(&self, age: Duration) -> Result<usize, ReceiptError> {
        let Some(shared) = &self.shared else {
            return Ok(0);
        };
        let at = shared.clock.unix_seconds();
        let age = i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
        let swept = shared.store.sweep(at.saturating_sub(age), at).await?;
        for (receipt, step) in &swept {
            shared.tell(&ReceiptEvent {
                id: receipt.id,
                connection: receipt.connection.clone(),
                key: receipt.key.clone(),
                from: Some(step.from()),
                to: step.to(),
                at,
            });
        }
        Ok(swept.len())
    }

    /// Forgets final receipts that were last changed longer ago than `age`; says how many.
    ///
    /// # Errors
    ///
    /// Returns an error when the store cannot be asked.
    pub async fn purge(&self, age: Duration) -> Result<u64, ReceiptError> {
        let Some(shared) = &self.shared else {
            return Ok(0);
        };
        let age = i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
        shared
            .store
            .purge(shared.clock.unix_seconds().saturating_sub(age))
            .await
    }

    fn change(mut self, change: impl FnOnce(&mut Shared)) -> Self {
        if let Some(shared) = &mut self.shared {
            change(Arc::make_mut(shared));
        }
        self
    }
}

impl<S> Layer<S> for ReceiptLayer {
    type Service = IssueReceipt<S>;

    fn layer(&self, inner: S) -> IssueReceipt<S> {
        IssueReceipt::new(inner, self.shared.clone())
    }
}

impl fmt::Debug for ReceiptLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceiptLayer").finish_non_exhaustive()
    }
}
