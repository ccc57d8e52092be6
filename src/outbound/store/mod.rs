//! Where events, endpoints, deliveries and attempts are kept.
//!
//! The row of a delivery is the job too: it says when the delivery is due, which attempt holds it, and how it ended.
//! Claiming it makes it due at the end of the lease, so a sender that dies loses nothing, and the number of the attempt
//! is a fencing token: what an older attempt says afterwards changes nothing.
//!
//! All times are Unix milliseconds by the sender's clock. Processes that share a store must agree on the time to within
//! a small part of the lease.

mod claim;
#[cfg(feature = "test-util")]
pub mod conformance;
mod delivery;
mod error;
mod health;
mod memory;
mod patterns;
#[cfg(feature = "postgres")]
mod postgres;
mod query;
mod settle;
#[cfg(feature = "sqlite")]
mod sqlite;

pub use self::claim::{Allowance, ClaimRequest, Claimed, ClaimedDelivery, Held, MAX_VISITS};
pub use self::delivery::{Attempt, AttemptError, Delivery, DeliveryId, DeliveryState};
pub use self::error::StoreError;
pub use self::memory::MemoryOutbox;
#[cfg(feature = "postgres")]
pub use self::postgres::PostgresOutbox;
pub use self::query::{DeliveryQuery, EndpointQuery, Purge, Revival, Revive};
pub use self::settle::{EndpointChange, HealthEffect, HealthNow, Next, Settled, Settlement};
#[cfg(feature = "sqlite")]
pub use self::sqlite::SqliteOutbox;
use super::endpoint::{EndpointId, EndpointRecord};
use super::event::Event;

/// Why the pending deliveries of an endpoint that is disabled are dead letters.
pub const ENDPOINT_DISABLED: &str = "endpoint_disabled";

/// Keeps events, endpoints, deliveries and attempts.
///
/// An implementation passes the conformance suite of the feature `test-util`. A clone is the same store.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a store of the sending wing",
    label = "this must implement `OutboundStore`",
    note = "use `MemoryOutbox`, `SqliteOutbox` or `PostgresOutbox`"
)]
pub trait OutboundStore: Clone + Send + Sync + 'static {
    /// Keeps a new endpoint; `false` where its id is taken.
    ///
    /// # Errors
    ///
    /// Returns an error when the store cannot be asked, as do all the others.
    fn insert_endpoint(
        &self,
        record: &EndpointRecord,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Replaces an endpoint whose version is still `version`; `false` where it is not, or is gone. The version becomes
    /// one more; its failures and its pause stay as they are. Where it becomes disabled its pending deliveries become
    /// dead letters, as by [`change_endpoint`](Self::change_endpoint).
    fn update_endpoint(
        &self,
        record: &EndpointRecord,
        version: i64,
        now: i64,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Pauses or disables an endpoint, whatever its version; `false` where there was nothing to change. What it
    /// disables has its pending deliveries made dead letters, with the reason `endpoint_disabled`.
    fn change_endpoint(
        &self,
        id: &EndpointId,
        change: &EndpointChange,
        now: i64,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Forgets an endpoint with its deliveries and attempts; `false` where there is none.
    fn delete_endpoint(
        &self,
        id: &EndpointId,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// An endpoint.
    fn endpoint(
        &self,
        id: &EndpointId,
    ) -> impl Future<Output = Result<Option<EndpointRecord>, StoreError>> + Send;

    /// The endpoints that are asked for, the oldest first.
    fn endpoints(
        &self,
        query: &EndpointQuery,
    ) -> impl Future<Output = Result<Vec<EndpointRecord>, StoreError>> + Send;

    /// Keeps an event, and a delivery, due at once, for each active endpoint of its tenant that wants its type. `None`
    /// where the tenant's event with this id is known: then nothing is changed. Otherwise how many deliveries there
    /// are.
    fn emit(
        &self,
        event: &Event,
        now: i64,
    ) -> impl Future<Output = Result<Option<u64>, StoreError>> + Send;

    /// Keeps an event and a delivery of it to one active endpoint of the same tenant only, whatever events it wants; the
    /// delivery is manual. `false` where there is no such endpoint, or the event is known.
    fn emit_to(
        &self,
        event: &Event,
        endpoint: &EndpointId,
        now: i64,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Takes deliveries that are due, each for one attempt until the end of the lease. See [`ClaimRequest`] for which.
    fn claim(
        &self,
        request: &ClaimRequest,
    ) -> impl Future<Output = Result<Claimed, StoreError>> + Send;

    /// Makes leases longer, of the attempts that still hold their delivery.
    fn renew(
        &self,
        held: &[Held],
        until: i64,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Writes down how attempts ended, and what becomes of their deliveries, in one transaction. Says of each
    /// whether it still held its delivery; where it did not, the attempt is written down as late and changes nothing
    /// else. An attempt under way when its endpoint was disabled still holds its delivery where it arrived. Said twice,
    /// it is written and counted once, and held both times, but for
    /// what was released: of that nothing is written to know it by.
    fn settle(
        &self,
        settlements: &[Settlement],
    ) -> impl Future<Output = Result<Settled, StoreError>> + Send;

    /// The deliveries that are asked for, the newest first.
    fn deliveries(
        &self,
        query: &DeliveryQuery,
    ) -> impl Future<Output = Result<Vec<Delivery>, StoreError>> + Send;

    /// The attempts at these deliveries, in their order; at most the last 50 of each.
    fn attempts(
        &self,
        deliveries: &[DeliveryId],
    ) -> impl Future<Output = Result<Vec<Attempt>, StoreError>> + Send;

    /// Makes deliveries of an active endpoint that are over pending again, due at once, manual, with no failed attempt;
    /// says how many.
    fn revive(
        &self,
        revive: &Revive,
        now: i64,
    ) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// Forgets deliveries that ended long ago, with their attempts, and events that have no delivery left and were
    /// emitted before `delivered_before`; says how many deliveries.
    fn purge(&self, purge: &Purge) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// Ends when another process may have emitted something. By default it never does: then due deliveries are found
    /// when the sender next looks.
    fn woken(&self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }
}

/// A store that can emit within a transaction of the caller's.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no transactions",
    label = "this store cannot emit within a transaction",
    note = "use `SqliteOutbox` or `PostgresOutbox`"
)]
pub trait TransactionalOutbox: OutboundStore {
    /// What a transaction runs on.
    type Connection: Send;

    /// As [`emit`](OutboundStore::emit), within the transaction of `connection`, in one round trip.
    ///
    /// # Errors
    ///
    /// Returns an error when the statement fails; the transaction is then to be rolled back.
    fn emit_in(
        &self,
        connection: &mut Self::Connection,
        event: &Event,
        now: i64,
    ) -> impl Future<Output = Result<Option<u64>, StoreError>> + Send;
}
