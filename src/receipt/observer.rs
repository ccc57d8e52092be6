use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{Receiver, Sender};

use super::{ReceiptId, State};

/// Hears each step of a receipt, after it was written: the event
/// `webhook_receipt_status_transitioned`.
///
/// Every closure that takes a [`ReceiptEvent`] is one. It is called on the path of the delivery and must
/// not block.
pub trait OnReceipt: Send + Sync + 'static {
    /// A step was written.
    fn transitioned(&self, event: &ReceiptEvent);
}

impl<F: Fn(&ReceiptEvent) + Send + Sync + 'static> OnReceipt for F {
    fn transitioned(&self, event: &ReceiptEvent) {
        self(event);
    }
}

/// A step of a receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReceiptEvent {
    /// The receipt.
    pub id: ReceiptId,
    /// Its connection.
    pub connection: String,
    /// Its idempotency key, once that is known.
    pub key: Option<String>,
    /// The state before; none when it came.
    pub from: Option<State>,
    /// The state now.
    pub to: State,
    /// When, in Unix seconds.
    pub at: i64,
}

/// The steps of all receipts, as they are written.
#[derive(Debug)]
pub struct ReceiptEvents(pub(super) Receiver<ReceiptEvent>);

impl ReceiptEvents {
    /// The next step, or `None` when the layer is gone. Who is too slow misses steps, and gets how many.
    pub async fn next(&mut self) -> Option<Result<ReceiptEvent, u64>> {
        match self.0.recv().await {
            Ok(event) => Some(Ok(event)),
            Err(RecvError::Lagged(missed)) => Some(Err(missed)),
            Err(RecvError::Closed) => None,
        }
    }
}

impl OnReceipt for Sender<ReceiptEvent> {
    fn transitioned(&self, event: &ReceiptEvent) {
        // Nobody may be listening.
        let _ = self.send(event.clone());
    }
}
