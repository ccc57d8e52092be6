mod audit;
mod claim;
mod emit;
mod endpoints;
mod outbox;
mod rows;
mod settle;

use std::fmt;
use std::sync::Arc;

use sqlx::sqlite::{SqlitePool, SqliteSynchronous};
use sqlx::{Sqlite, SqliteConnection, Transaction};
use tokio::sync::{Mutex, MutexGuard};

use super::StoreError;
use crate::store::ConnectError;
use crate::store::sqlite::{Migrations, migrate, pool};

const MIGRATIONS: Migrations = Migrations {
    field: "outbox",
    table: "tower_webhook_outbox_version",
    all: &[include_str!("migration_1.sql")],
};

/// Events, endpoints and deliveries in a file of SQLite, or in the memory of the process. A clone is the same store.
///
/// The file has a write-ahead log, so queries and writes do not wait for one another, and one writer at a time.
/// Several processes on one machine may share it: none takes what another holds.
///
/// An event can be emitted in a transaction of the program's own, by
/// [`emit_in`](super::TransactionalOutbox::emit_in): it is sent where the transaction is committed, and only there. Begin
/// that transaction by `BEGIN IMMEDIATE`: one that reads first and writes later fails when another writer was faster.
///
/// # Deployment caveat
///
/// What was emitted survives a crash of the process, and a power cut: each write reaches the disk before it is
/// acknowledged (`synchronous = FULL`), which costs about what the disk takes to sync. The file must be on a disk of the
/// machine: over a network file system its locks do not hold. An event that another process emitted is found when the
/// sender next looks.
///
/// # Example
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use tower_webhook::outbound::event::Event;
/// use tower_webhook::outbound::store::TransactionalOutbox;
/// use tower_webhook::outbound::{OutboundStore, SqliteOutbox};
///
/// let store = SqliteOutbox::connect("sqlite::memory:").await?; // or `sqlite://outbox.db`
/// let event = Event::new("order.created", r#"{"order":7}"#)?;
///
/// let mut transaction = store.pool().begin_with("BEGIN IMMEDIATE").await?;
/// // … the order itself, on the same transaction, and then:
/// store.emit_in(&mut transaction, &event, 1_800_000_000_000).await?;
/// transaction.commit().await?;
///
/// assert_eq!(store.emit(&event, 1_800_000_000_000).await?, None); // known
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct SqliteOutbox(Arc<Inner>);

struct Inner {
    pool: SqlitePool,
    // In the order they came: SQLite lets writers try again and again, and some of them starve.
    writer: Mutex<()>,
}

impl SqliteOutbox {
    /// Opens `sqlite://path`, and makes the file and its tables where they are missing. The path is that of the working
    /// directory, or `/absolute`. `sqlite::memory:` ends with the store.
    ///
    /// # Errors
    ///
    /// Returns a configuration error that names `outbox` when the URL names no file, and when the tables are of a later
    /// version of this crate. Returns [`Unreachable`](crate::store::ConnectErrorKind::Unreachable) when the file cannot
    /// be opened or written to.
    pub async fn connect(url: &str) -> Result<Self, ConnectError> {
        Self::with_pool(pool("outbox", url, SqliteSynchronous::Full).await?).await
    }

    /// As [`connect`](Self::connect), on a pool that the program has. Its tables begin with `tower_webhook_outbox`. Give
    /// the pool a write-ahead log, a `busy_timeout` and `synchronous = FULL`; one in memory, a single connection.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    pub async fn with_pool(pool: SqlitePool) -> Result<Self, ConnectError> {
        migrate(&pool, &MIGRATIONS).await?;
        let writer = Mutex::new(());
        Ok(Self(Arc::new(Inner { pool, writer })))
    }

    /// The pool, for transactions that emit.
    #[must_use]
    pub fn pool(&self) -> &SqlitePool {
        &self.0.pool
    }

    /// Closes the file, so that its log is written back into it. Later calls fail.
    pub async fn close(&self) {
        self.0.pool.close().await;
    }

    async fn begin(&self) -> Result<Turn<'_>, StoreError> {
        let turn = self.0.writer.lock().await;
        // Immediate: a transaction that begins to write later cannot wait for another writer.
        let begun = self.0.pool.begin_with("BEGIN IMMEDIATE").await;
        Ok(Turn {
            transaction: begun.map_err(error)?,
            _turn: turn,
        })
    }
}

/// A transaction that may write. Dropped without an end it changes nothing.
struct Turn<'s> {
    transaction: Transaction<'static, Sqlite>,
    _turn: MutexGuard<'s, ()>,
}

impl Turn<'_> {
    fn on(&mut self) -> &mut SqliteConnection {
        &mut self.transaction
    }

    /// Commits what was done, unless it failed.
    async fn end<T>(self, done: sqlx::Result<T>) -> Result<T, StoreError> {
        let done = done.map_err(error)?;
        self.transaction.commit().await.map_err(error)?;
        Ok(done)
    }
}

fn error(err: sqlx::Error) -> StoreError {
    StoreError::unavailable(err)
}

impl fmt::Debug for SqliteOutbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteOutbox").finish_non_exhaustive()
    }
}
