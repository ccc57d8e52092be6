use std::error::Error as StdError;
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{State, Transition};
use crate::BoxError;

/// Most receipts that are kept of one payload: attempts beyond them push the oldest out, so that who
/// replays a captured delivery grows nothing. That it was acknowledged is forgotten last.
pub const MAX_ATTEMPTS: usize = 16;

/// Where receipts are written down.
///
/// A receipt is one attempt at one delivery. Steps are written one after the other, each only where the
/// receipt is in the state before it; so whatever crashes or is said twice, its history is a path of
/// [`Transition`]s. An implementation passes the [`conformance`](crate::receipt) suite of the feature
/// `test-util`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a store of receipts",
    label = "this must implement `ReceiptStore`",
    note = "use `MemoryReceipts`, `SqliteReceipts` or `PostgresReceipts`, or implement `receive`, `transition`, `query`, `sweep` and `purge`"
)]
pub trait ReceiptStore: Send + Sync + 'static {
    /// Writes a receipt down, in the state [`State::Received`]; asked again with the same id, once. Of
    /// more than [`MAX_ATTEMPTS`] with one digest and connection the oldest that is final is forgotten,
    /// and one that is acknowledged only where no other is final.
    ///
    /// # Errors
    ///
    /// Returns an error when the store cannot be asked.
    fn receive(
        &self,
        receipt: &NewReceipt,
    ) -> impl Future<Output = Result<(), ReceiptError>> + Send;

    /// Makes a step, at `at` (Unix seconds), and notes the idempotency key where it is known by now.
    /// `false` where the receipt is not in the state before it, or is not there.
    ///
    /// # Errors
    ///
    /// Returns an error when the store cannot be asked.
    fn transition(
        &self,
        id: ReceiptId,
        step: Transition,
        key: Option<&str>,
        at: i64,
    ) -> impl Future<Output = Result<bool, ReceiptError>> + Send;

    /// The receipts that `query` asks for, the newest first.
    ///
    /// # Errors
    ///
    /// Returns an error when the store cannot be asked.
    fn query(
        &self,
        query: &ReceiptQuery,
    ) -> impl Future<Output = Result<Vec<Receipt>, ReceiptError>> + Send;

    /// Makes receipts that are open since before `before` (Unix seconds) rejected as abandoned: their
    /// process ended. Gives them as they are now.
    ///
    /// # Errors
    ///
    /// Returns an error when the store cannot be asked.
    fn sweep(
        &self,
        before: i64,
        at: i64,
    ) -> impl Future<Output = Result<Vec<(Receipt, Transition)>, ReceiptError>> + Send;

    /// Forgets final receipts that were last changed before `before` (Unix seconds); says how many.
    ///
    /// # Errors
    ///
    /// Returns an error when the store cannot be asked.
    fn purge(&self, before: i64) -> impl Future<Output = Result<u64, ReceiptError>> + Send;
}

/// The id of a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReceiptId(u128);

impl ReceiptId {
    /// An id unlike any other, here and on other machines.
    #[must_use]
    pub fn unique() -> Self {
        static INSTANCE: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(()));
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Self(u128::from(*INSTANCE) << 64 | u128::from(count))
    }

    /// The id of these 32 hex digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_plain = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_plain
            .then(|| u128::from_str_radix(text, 16).ok())?
            .map(Self)
    }
}

impl fmt::Display for ReceiptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// A receipt that is not written down yet.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NewReceipt {
    /// Its id.
    pub id: ReceiptId,
    /// The connection.
    pub connection: String,
    /// The delivery id that the provider gave, as far as the head tells.
    pub delivery_id: Option<String>,
    /// The event type, as far as the head tells.
    pub event_type: Option<String>,
    /// The SHA-256 of the payload, in hex digits.
    pub digest: String,
    /// When it came, in Unix seconds.
    pub received_at: i64,
}

/// A receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// Its id.
    pub id: ReceiptId,
    /// The connection.
    pub connection: String,
    /// The idempotency key, once it is known: receipts of one event have one key.
    pub key: Option<String>,
    /// The delivery id that the provider gave in the head. Where the payload holds it, it is in the key alone.
    pub delivery_id: Option<String>,
    /// The event type, where the head has it; otherwise as above.
    pub event_type: Option<String>,
    /// The SHA-256 of the payload, in hex digits.
    pub digest: String,
    /// Where it is.
    pub state: State,
    /// When it came, in Unix seconds.
    pub received_at: i64,
    /// When it was last changed, in Unix seconds.
    pub changed_at: i64,
}

impl From<&NewReceipt> for Receipt {
    fn from(new: &NewReceipt) -> Self {
        Self {
            id: new.id,
            connection: new.connection.clone(),
            key: None,
            delivery_id: new.delivery_id.clone(),
            event_type: new.event_type.clone(),
            digest: new.digest.clone(),
            state: State::Received,
            received_at: new.received_at,
            changed_at: new.received_at,
        }
    }
}

/// Which receipts are asked for.
#[derive(Clone, Debug)]
#[must_use]
pub struct ReceiptQuery {
    /// Of this connection.
    pub connection: Option<String>,
    /// In a state of this name (`received`, `dispatched`, `acknowledged`, `duplicate`, `rejected`).
    pub state: Option<String>,
    /// Of this idempotency key.
    pub key: Option<String>,
    /// Received at or after this time, in Unix seconds.
    pub since: Option<i64>,
    /// Received before this time, in Unix seconds.
    pub until: Option<i64>,
    /// At most so many, 1,000 at most.
    pub limit: u32,
    /// After so many.
    pub offset: u32,
}

impl Default for ReceiptQuery {
    fn default() -> Self {
        Self {
            connection: None,
            state: None,
            key: None,
            since: None,
            until: None,
            limit: 50,
            offset: 0,
        }
    }
}

/// A store of receipts that could not answer.
#[derive(Debug)]
pub struct ReceiptError(BoxError);

impl ReceiptError {
    /// The store could not be asked.
    pub fn unavailable(source: impl Into<BoxError>) -> Self {
        Self(source.into())
    }
}

impl fmt::Display for ReceiptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the store of receipts is unavailable")
    }
}

impl StdError for ReceiptError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.0)
    }
}
