use std::fmt;
use std::sync::Arc;

use super::line::BoxFuture;
use super::{NewReceipt, Receipt, ReceiptError, ReceiptId, ReceiptQuery, ReceiptStore, Transition};

/// A store of receipts of any kind, chosen at run time. A clone is the same store.
///
/// # Example
///
/// ```
/// use tower_webhook::receipt::{BoxReceipts, MemoryReceipts};
///
/// let receipts = BoxReceipts::new(MemoryReceipts::new());
/// ```
#[derive(Clone)]
pub struct BoxReceipts(Arc<dyn Store>);

impl BoxReceipts {
    /// Hides the kind of `store`, at one allocation a call.
    #[must_use]
    pub fn new(store: impl ReceiptStore) -> Self {
        Self(Arc::new(store))
    }
}

impl fmt::Debug for BoxReceipts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoxReceipts").finish_non_exhaustive()
    }
}

impl ReceiptStore for BoxReceipts {
    async fn receive(&self, receipt: &NewReceipt) -> Result<(), ReceiptError> {
        Store::receive(&*self.0, receipt).await
    }

    async fn transition(
        &self,
        id: ReceiptId,
        step: Transition,
        key: Option<&str>,
        at: i64,
    ) -> Result<bool, ReceiptError> {
        Store::transition(&*self.0, id, step, key, at).await
    }

    async fn query(&self, query: &ReceiptQuery) -> Result<Vec<Receipt>, ReceiptError> {
        Store::query(&*self.0, query).await
    }

    async fn sweep(
        &self,
        before: i64,
        at: i64,
    ) -> Result<Vec<(Receipt, Transition)>, ReceiptError> {
        Store::sweep(&*self.0, before, at).await
    }

    async fn purge(&self, before: i64) -> Result<u64, ReceiptError> {
        Store::purge(&*self.0, before).await
    }
}

/// The object-safe twin of [`ReceiptStore`], which every store has.
pub(super) trait Store: Send + Sync + 'static {
    fn receive<'a>(&'a self, new: &'a NewReceipt) -> BoxFuture<'a, Result<(), ReceiptError>>;

    fn transition<'a>(
        &'a self,
        id: ReceiptId,
        step: Transition,
        key: Option<&'a str>,
        at: i64,
    ) -> BoxFuture<'a, Result<bool, ReceiptError>>;

    fn query<'a>(
        &'a self,
        query: &'a ReceiptQuery,
    ) -> BoxFuture<'a, Result<Vec<Receipt>, ReceiptError>>;

    fn sweep(
        &self,
        before: i64,
        at: i64,
    ) -> BoxFuture<'_, Result<Vec<(Receipt, Transition)>, ReceiptError>>;

    fn purge(&self, before: i64) -> BoxFuture<'_, Result<u64, ReceiptError>>;
}

impl<St: ReceiptStore> Store for St {
    fn receive<'a>(&'a self, new: &'a NewReceipt) -> BoxFuture<'a, Result<(), ReceiptError>> {
        Box::pin(ReceiptStore::receive(self, new))
    }

    fn transition<'a>(
        &'a self,
        id: ReceiptId,
        step: Transition,
        key: Option<&'a str>,
        at: i64,
    ) -> BoxFuture<'a, Result<bool, ReceiptError>> {
        Box::pin(ReceiptStore::transition(self, id, step, key, at))
    }

    fn query<'a>(
        &'a self,
        query: &'a ReceiptQuery,
    ) -> BoxFuture<'a, Result<Vec<Receipt>, ReceiptError>> {
        Box::pin(ReceiptStore::query(self, query))
    }

    fn sweep(
        &self,
        before: i64,
        at: i64,
    ) -> BoxFuture<'_, Result<Vec<(Receipt, Transition)>, ReceiptError>> {
        Box::pin(ReceiptStore::sweep(self, before, at))
    }

    fn purge(&self, before: i64) -> BoxFuture<'_, Result<u64, ReceiptError>> {
        Box::pin(ReceiptStore::purge(self, before))
    }
}
