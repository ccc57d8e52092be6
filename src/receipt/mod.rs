//! Writes down what became of each authentic delivery.
//!
//! A receipt is one attempt: `received`, then `dispatched` once the claim is held, then `acknowledged`;
//! or `duplicate`; or `rejected`, with its reason. Each step is written where the receipt is in the state
//! before it, and only then told to observers; a step that does not exist cannot be made
//! ([`Transition`]). Attempts at one event have one idempotency key.
//!
//! The room stands below [`detach`](crate::detach), so that a sender who hangs up leaves no receipt open,
//! and above [`replay`](crate::replay), so that stale deliveries have receipts too. Requests that are not
//! authentic have none: nothing they do is stored.
//!
//! A store that does not answer when a delivery comes is 503, and the sender tries again. One that does
//! not answer later delays the receipt, not the sender.
//!
//! # Example
//!
//! ```
//! use tower_webhook::receipt::{MemoryReceipts, ReceiptEvent, ReceiptLayer};
//!
//! let receipts = ReceiptLayer::new(MemoryReceipts::new())
//!     .with_observer(|event: &ReceiptEvent| println!("{} is {}", event.id, event.to));
//! // `Inbound::builder(…).receipts(receipts)`, or between `DetachLayer` and `ReplayWindowLayer`
//! ```
//!
//! # Which store when
//!
//! | you run | take | because |
//! |---|---|---|
//! | one instance, and a restart may forget | [`MemoryReceipts`] | nothing to operate; the oldest make room |
//! | one machine | `SqliteReceipts` (feature `sqlite`) | a file, and no server; receipts survive the process |
//! | several instances | `PostgresReceipts` (feature `postgres`) | one table for all, next to the claims |
//!
//! [`connect`] chooses by URL, [`BoxReceipts`] holds any of them; an own one implements [`ReceiptStore`]
//! and passes the suite in `receipt::conformance` (feature `test-util`).
//!
//! A delivery costs three writes, each waited for up to 500 ms. It leaves 0.6 KB in SQLite and 1.7 KB on
//! PostgreSQL, indices included: call [`ReceiptLayer::purge`] every hour, with the age that an auditor asks
//! for. Attempts at one payload leave [`MAX_ATTEMPTS`] at most, so whoever replays a captured delivery
//! fills nothing.
//!
//! # Deployment caveat
//!
//! A process that dies leaves open receipts behind. Call [`ReceiptLayer::sweep`] at the start, and
//! every minute: what is open for longer than a handler and its lease may take is then rejected as
//! abandoned. An observer hears of a step after it was written, so not of one whose process died in between.
//!
//! A process may die after its claim was completed and before the receipt says so. The event is done, and
//! the next delivery is a `duplicate`, but no receipt of its key is `acknowledged`: the one that would be is
//! abandoned. So at most one receipt a key is acknowledged, and exactly one where no process dies. Whether an
//! event is done, the store of claims says.

mod boxed;
#[cfg(feature = "test-util")]
pub mod conformance;
mod connect;
mod layer;
mod line;
mod memory;
mod observer;
#[cfg(feature = "postgres")]
mod postgres;
mod service;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod sql;
#[cfg(feature = "sqlite")]
mod sqlite;
mod state;
mod store;

pub use self::boxed::BoxReceipts;
pub use self::connect::connect;
pub use self::layer::ReceiptLayer;
pub(crate) use self::line::Line;
pub use self::memory::MemoryReceipts;
pub use self::observer::{OnReceipt, ReceiptEvent, ReceiptEvents};
#[cfg(feature = "postgres")]
pub use self::postgres::PostgresReceipts;
pub use self::service::{IssueReceipt, ResponseFuture};
#[cfg(feature = "sqlite")]
pub use self::sqlite::SqliteReceipts;
pub use self::state::{Acknowledged, Reason, State, Transition};
pub use self::store::{
    MAX_ATTEMPTS, NewReceipt, Receipt, ReceiptError, ReceiptId, ReceiptQuery, ReceiptStore,
};
