use std::fmt;
use std::sync::Arc;

use sqlx::sqlite::{SqliteArguments, SqlitePool, SqliteSynchronous};
use tokio::sync::Mutex;

use super::sql::{LOT, Statement, Statements, error, read};
use super::{NewReceipt, Receipt, ReceiptError, ReceiptId, ReceiptQuery, ReceiptStore, Transition};
use crate::store::ConnectError;
use crate::store::sqlite::{Migrations, migrate, pool};

const MIGRATIONS: Migrations = Migrations {
    field: "receipts",
    table: "tower_webhook_receipt_migrations",
    all: &[include_str!("migration_1.sql")],
};

/// Receipts in a file of SQLite, or in the memory of the process. A clone is the same store.
///
/// The file has a write-ahead log, so queries and writes do not wait for one another, and one writer at
/// a time. Several processes on one machine may share it.
///
/// # Deployment caveat
///
/// A crash of the process loses nothing. A power cut may take what was written last, and does not
/// damage the file (`synchronous = NORMAL`). The file must be on a disk of the machine: over a network
/// file system its locks do not hold.
///
/// # Example
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use tower_webhook::receipt::{ReceiptLayer, SqliteReceipts};
///
/// let store = SqliteReceipts::connect("sqlite::memory:").await?; // or `sqlite://receipts.db`
/// let receipts = ReceiptLayer::new(store);
/// # Ok::<(), tower_webhook::store::ConnectError>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct SqliteReceipts(Arc<Inner>);

struct Inner {
    pool: SqlitePool,
    statements: Statements,
    // In the order they came: SQLite lets writers try again and again, and some of them starve.
    writer: Mutex<()>,
}

impl SqliteReceipts {
    /// Opens `sqlite://path`, and makes the file and its tables where they are missing. The path is that
    /// of the working directory, or `/absolute`. `sqlite::memory:` ends with the store.
    ///
    /// # Errors
    ///
    /// Returns a configuration error when the URL names no file, and when the tables are of a later
    /// version of this crate. Returns [`Unreachable`](crate::store::ConnectErrorKind::Unreachable)
    /// when the file cannot be opened or written to.
    pub async fn connect(url: &str) -> Result<Self, ConnectError> {
        Self::with_pool(pool("receipts", url, SqliteSynchronous::Normal).await?).await
    }

    /// As [`connect`](Self::connect), on a pool that the program has. Its tables begin with
    /// `tower_webhook_receipt`. Give the pool a write-ahead log and a `busy_timeout`; one in memory, a
    /// single connection.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    pub async fn with_pool(pool: SqlitePool) -> Result<Self, ConnectError> {
        migrate(&pool, &MIGRATIONS).await?;
        Ok(Self(Arc::new(Inner {
            pool,
            statements: Statements::new("tower_webhook_receipts", "IN (", ")"),
            writer: Mutex::new(()),
        })))
    }

    /// Closes the file, so that its log is written back into it. Later calls fail.
    pub async fn close(&self) {
        self.0.pool.close().await;
    }

    async fn write(&self, statement: Query<'_>) -> Result<u64, ReceiptError> {
        let _turn = self.0.writer.lock().await;
        let done = statement.execute(&self.0.pool).await.map_err(error)?;
        Ok(done.rows_affected())
    }
}

type Query<'q> = sqlx::query::Query<'q, sqlx::Sqlite, SqliteArguments>;

impl ReceiptStore for SqliteReceipts {
    async fn receive(&self, new: &NewReceipt) -> Result<(), ReceiptError> {
        let bound = |statement: &Statement| {
            sqlx::query(statement.text())
                .bind(new.id.to_string())
                .bind(new.connection.clone())
                .bind(new.delivery_id.clone())
                .bind(new.event_type.clone())
                .bind(new.digest.clone())
                .bind(new.received_at)
        };
        let _turn = self.0.writer.lock().await;
        // Immediate: a transaction that begins to write later cannot wait for another writer.
        let begun = self.0.pool.begin_with("BEGIN IMMEDIATE").await;
        let mut tx = begun.map_err(error)?;
        for statement in [&self.0.statements.forget, &self.0.statements.insert] {
            let done = bound(statement).execute(&mut *tx).await;
            done.map_err(error)?;
        }
        tx.commit().await.map_err(error)
    }

    async fn transition(
        &self,
        id: ReceiptId,
        step: Transition,
        key: Option<&str>,
        at: i64,
    ) -> Result<bool, ReceiptError> {
        let transition = sqlx::query(self.0.statements.transition.text())
            .bind(id.to_string())
            .bind(step.to().name())
            .bind(step.to().reason())
            .bind(key.map(str::to_owned))
            .bind(at)
            .bind(step.from().name())
            .bind(step.from().reason());
        Ok(self.write(transition).await? > 0)
    }

    async fn query(&self, query: &ReceiptQuery) -> Result<Vec<Receipt>, ReceiptError> {
        let mut select = self.0.statements.select::<sqlx::Sqlite>(query);
        let rows = select.build().fetch_all(&self.0.pool).await;
        rows.map_err(error)?.iter().map(read).collect()
    }

    async fn sweep(
        &self,
        before: i64,
        at: i64,
    ) -> Result<Vec<(Receipt, Transition)>, ReceiptError> {
        let mut swept = Vec::new();
        for (sweep, step) in &self.0.statements.sweeps {
            loop {
                let turn = self.0.writer.lock().await;
                let sweep = sqlx::query(sweep.text()).bind(before).bind(at);
                let rows = match sweep.fetch_all(&self.0.pool).await {
                    Ok(rows) => rows,
                    // What was swept before it must be told; the next sweep finds the rest.
                    Err(_) if !swept.is_empty() => return Ok(swept),
                    Err(err) => return Err(error(err)),
                };
                drop(turn);
                for row in &rows {
                    swept.push((read(row)?, *step));
                }
                if rows.len() < LOT {
                    break;
                }
            }
        }
        Ok(swept)
    }

    async fn purge(&self, before: i64) -> Result<u64, ReceiptError> {
        let mut purged = 0;
        loop {
            let purge = sqlx::query(self.0.statements.purge.text()).bind(before);
            let lot = self.write(purge).await?;
            purged += lot;
            if lot < LOT as u64 {
                return Ok(purged);
            }
        }
    }
}

impl fmt::Debug for SqliteReceipts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteReceipts").finish_non_exhaustive()
    }
}
