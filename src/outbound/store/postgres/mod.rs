mod claim;
mod endpoints;
mod events;
mod listen;
mod rows;
mod settle;
mod statements;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnection, PgPool};
use tokio::time::timeout;

use self::listen::Listener;
use self::statements::Statements;
use super::{
    Attempt, ClaimRequest, Claimed, Delivery, DeliveryId, DeliveryQuery, EndpointChange,
    EndpointQuery, Held, OutboundStore, Purge, Revive, Settled, Settlement, StoreError,
    TransactionalOutbox,
};
use crate::config::ConfigError;
use crate::outbound::endpoint::{EndpointId, EndpointRecord};
use crate::outbound::event::Event;
use crate::store::postgres::{Migrations, check_schema, migrate, patiently, pool};
use crate::store::{ConnectError, take};

const MIGRATIONS: Migrations = Migrations {
    table: "outbox_migrations",
    all: &[
        include_str!("migration_1.sql"),
        include_str!("migration_2.sql"),
    ],
};

/// Longest name of a channel of `NOTIFY`, as of every name.
const MAX_CHANNEL_BYTES: usize = 63;

/// How long a call may take, the wait for a connection included.
const PATIENCE: Duration = Duration::from_secs(5);

/// Events, endpoints and deliveries on PostgreSQL 14 or later, shared by every process. A clone is the same store.
///
/// Emitting, claiming and settling are one statement each. A process that emits wakes the dispatchers of all others by
/// `NOTIFY`, when its transaction commits.
///
/// # Deployment caveat
///
/// PostgreSQL lets only one transaction that notifies commit at a time, until it is on the disk: transactions with events
/// share no sync with each other. Where the disk is slow, and very many transactions emit one event each, that bounds them.
///
/// # Example
///
/// ```no_run
/// # async fn example() -> Result<(), tower_webhook::BoxError> {
/// use tower_webhook::outbound::event::Event;
/// use tower_webhook::outbound::{PostgresOutbox, SealingKey, Sender};
///
/// let pool = sqlx::PgPool::connect("postgres://shop@127.0.0.1/shop").await?;
/// let store = PostgresOutbox::with_pool(pool.clone()).await?;
/// let sender = Sender::builder(store, SealingKey::hex(&std::env::var("SEALING_KEY")?)?).build()?;
///
/// // The event commits or vanishes with the order.
/// let mut tx = pool.begin().await?;
/// sqlx::query("INSERT INTO orders DEFAULT VALUES").execute(&mut *tx).await?;
/// sender.emit(Event::new("order.created", r#"{"order":7}"#)?).within(&mut tx).await?;
/// tx.commit().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PostgresOutbox(Arc<Inner>);

struct Inner {
    pool: PgPool,
    statements: Statements,
    /// What is notified when there is something to send.
    channel: String,
    listener: Listener,
}

impl PostgresOutbox {
    /// Connects to `postgres://[user[:password]@]host[:port]/database[?schema=…]`, with ten connections at most, and
    /// makes the tables and a function, which begin with `outbox_`, in the schema, `tower_webhook` by default, where they are
    /// missing.
    ///
    /// # Errors
    ///
    /// Returns a configuration error when the URL is none, and when the tables are of a later version of this crate.
    /// Returns [`Unreachable`](crate::store::ConnectErrorKind::Unreachable) when the server cannot be asked within
    /// 5 s, or says no.
    pub async fn connect(url: &str) -> Result<Self, ConnectError> {
        let (url, schema) = take(url, "schema");
        let schema = schema.as_deref().unwrap_or("tower_webhook");
        check_schema(schema)?;
        let pool = pool("outbox", &url, 10).await?;
        Self::with_schema(pool, schema).await
    }

    /// As [`connect`](Self::connect), on a pool that the program has, so that events are emitted in its transactions.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    pub async fn with_pool(pool: PgPool) -> Result<Self, ConnectError> {
        Self::with_schema(pool, "tower_webhook").await
    }

    /// As [`with_pool`](Self::with_pool), in a schema of another name.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect), and when the name is not of the letters a-z, digits and `_`.
    pub async fn with_schema(pool: PgPool, schema: &str) -> Result<Self, ConnectError> {
        check_schema(schema)?;
        let channel = format!("{schema}_outbox");
        if channel.len() > MAX_CHANNEL_BYTES {
            return Err(ConfigError::new("schema", "is longer than 56 letters").into());
        }
        migrate(&pool, schema, &MIGRATIONS).await?;
        Ok(Self(Arc::new(Inner {
            statements: Statements::new(schema),
            listener: Listener::new(pool.clone(), channel.clone()),
            pool,
            channel,
        })))
    }

    /// Asks again as long as it is only the connection that broke. What is asked is written once however often it is
    /// said.
    async fn patiently<T, F>(&self, ask: impl Fn() -> F + Send) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, sqlx::Error>> + Send,
    {
        let reply = patiently(&self.0.pool, PATIENCE, ask).await;
        reply
            .map_err(StoreError::unavailable)?
            .map_err(StoreError::unavailable)
    }
}

impl OutboundStore for PostgresOutbox {
    async fn insert_endpoint(&self, record: &EndpointRecord) -> Result<bool, StoreError> {
        self.insert(record).await
    }

    async fn update_endpoint(
        &self,
        record: &EndpointRecord,
        version: i64,
        now: i64,
    ) -> Result<bool, StoreError> {
        self.update(record, version, now).await
    }

    async fn change_endpoint(
        &self,
        id: &EndpointId,
        change: &EndpointChange,
        now: i64,
    ) -> Result<bool, StoreError> {
        self.change(id, change, now).await
    }

    async fn delete_endpoint(&self, id: &EndpointId) -> Result<bool, StoreError> {
        self.delete(id).await
    }

    async fn endpoint(&self, id: &EndpointId) -> Result<Option<EndpointRecord>, StoreError> {
        self.find(id).await
    }

    async fn endpoints(&self, query: &EndpointQuery) -> Result<Vec<EndpointRecord>, StoreError> {
        self.list(query).await
    }

    async fn emit(&self, event: &Event, now: i64) -> Result<Option<u64>, StoreError> {
        // Not again where the connection broke: the caller would be told that the event was known.
        let emitted = timeout(PATIENCE, self.emit_on(&self.0.pool, event, now)).await;
        emitted
            .map_err(StoreError::unavailable)?
            .map_err(StoreError::unavailable)
    }

    async fn emit_to(
        &self,
        event: &Event,
        endpoint: &EndpointId,
        now: i64,
    ) -> Result<bool, StoreError> {
        self.emit_to_one(event, endpoint, now).await
    }

    async fn claim(&self, request: &ClaimRequest) -> Result<Claimed, StoreError> {
        self.take_due(request).await
    }

    async fn renew(&self, held: &[Held], until: i64) -> Result<(), StoreError> {
        self.lengthen(held, until).await
    }

    async fn settle(&self, settlements: &[Settlement]) -> Result<Settled, StoreError> {
        self.write_down(settlements).await
    }

    async fn deliveries(&self, query: &DeliveryQuery) -> Result<Vec<Delivery>, StoreError> {
        self.audit(query).await
    }

    async fn attempts(&self, deliveries: &[DeliveryId]) -> Result<Vec<Attempt>, StoreError> {
        self.attempts_at(deliveries).await
    }

    async fn revive(&self, revive: &Revive, now: i64) -> Result<u64, StoreError> {
        self.send_again(revive, now).await
    }

    async fn purge(&self, purge: &Purge) -> Result<u64, StoreError> {
        self.forget(purge).await
    }

    async fn woken(&self) {
        self.0.listener.heard().await;
    }
}

impl TransactionalOutbox for PostgresOutbox {
    type Connection = PgConnection;

    async fn emit_in(
        &self,
        connection: &mut PgConnection,
        event: &Event,
        now: i64,
    ) -> Result<Option<u64>, StoreError> {
        let emitted = self.emit_on(connection, event, now).await;
        emitted.map_err(StoreError::unavailable)
    }
}

impl fmt::Debug for PostgresOutbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresOutbox").finish_non_exhaustive()
    }
}
