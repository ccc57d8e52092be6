//! The store of receipts: in memory that outlives the processes, and sometimes it cannot.

use std::sync::Arc;

use tower_webhook::receipt::{
    NewReceipt, Receipt, ReceiptError, ReceiptId, ReceiptQuery, ReceiptStore, Transition,
};

use crate::world::{Moment, World};

pub(crate) struct Ledger(Arc<World>);

impl Ledger {
    pub(crate) fn new(world: Arc<World>) -> Self {
        Self(world)
    }

    /// Fails before a call is applied, or after, or not at all.
    async fn call<T>(
        &self,
        call: impl Future<Output = Result<T, ReceiptError>>,
    ) -> Result<T, ReceiptError> {
        let cannot = || Err(ReceiptError::unavailable("as the seed will have it"));
        match self.0.receipt_fault() {
            Some(Moment::Before) => cannot(),
            Some(Moment::After) => {
                call.await?;
                cannot()
            }
            None => call.await,
        }
    }
}

impl ReceiptStore for Ledger {
    async fn receive(&self, receipt: &NewReceipt) -> Result<(), ReceiptError> {
        self.call(self.0.receipts.receive(receipt)).await
    }

    async fn transition(
        &self,
        id: ReceiptId,
        step: Transition,
        key: Option<&str>,
        at: i64,
    ) -> Result<bool, ReceiptError> {
        let step = self.0.receipts.transition(id, step, key, at);
        self.call(step).await
    }

    async fn query(&self, query: &ReceiptQuery) -> Result<Vec<Receipt>, ReceiptError> {
        self.0.receipts.query(query).await
    }

    async fn sweep(
        &self,
        before: i64,
        at: i64,
    ) -> Result<Vec<(Receipt, Transition)>, ReceiptError> {
        self.0.receipts.sweep(before, at).await
    }

    async fn purge(&self, before: i64) -> Result<u64, ReceiptError> {
        self.0.receipts.purge(before).await
    }
}
