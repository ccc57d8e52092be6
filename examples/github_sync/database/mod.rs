//! The file that everything is in.

mod accounts;
mod files;
mod jobs;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Sqlite, Transaction};
use tokio::sync::{Mutex, MutexGuard};

pub(crate) use self::accounts::{Installation, Repository};
pub(crate) use self::files::{Change, Content};
pub(crate) use self::jobs::{Added, Report, Task};

/// How long a call waits for what another process writes: shorter than the hand-off waits for the queue.
const PATIENCE: Duration = Duration::from_secs(2);

/// A pool on the file. A clone is the same.
#[derive(Clone)]
pub(crate) struct Database {
    pool: SqlitePool,
    // SQLite lets writers try again and again; here they wait in the order they came.
    writer: Arc<Mutex<()>>,
}

impl Database {
    pub(crate) async fn open(file: &str) -> Result<Self, sqlx::Error> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // 202 promises that the job survives a power cut.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(PATIENCE);
        let pool = SqlitePoolOptions::new()
            .max_connections(8)
            .acquire_timeout(PATIENCE)
            .connect_with(options)
            .await?;
        let schema = sqlx::raw_sql(include_str!("schema.sql"));
        schema.execute(&pool).await?;
        Ok(Self {
            pool,
            writer: Arc::default(),
        })
    }

    /// For the receipts, which have tables of their own.
    pub(crate) fn pool(&self) -> SqlitePool {
        self.pool.clone()
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }

    /// Begins to write, when it is our turn.
    async fn write(&self) -> Result<Writing<'_>, sqlx::Error> {
        let turn = self.writer.lock().await;
        // Immediate: a transaction that begins to write later cannot wait for another process.
        let tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        Ok(Writing { tx, _turn: turn })
    }
}

/// A transaction, and the turn to make one.
struct Writing<'d> {
    // Dropped first.
    tx: Transaction<'static, Sqlite>,
    _turn: MutexGuard<'d, ()>,
}

impl Writing<'_> {
    async fn commit(self) -> Result<(), sqlx::Error> {
        self.tx.commit().await
    }

    /// Notes a delivery; `false` where it was noted before.
    async fn note(
        &mut self,
        delivery_id: &str,
        event: &str,
        job: Option<i64>,
    ) -> Result<bool, sqlx::Error> {
        if delivery_id.is_empty() {
            return Ok(true);
        }
        let noted = sqlx::query(
            "INSERT INTO deliveries (delivery_id, event, job, received_at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT DO NOTHING",
        )
        .bind(delivery_id)
        .bind(event)
        .bind(job)
        .bind(now())
        .execute(&mut *self.tx)
        .await?;
        Ok(noted.rows_affected() == 1)
    }
}

/// Unix milliseconds.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, millis)
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
