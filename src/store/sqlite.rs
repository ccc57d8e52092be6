//! Files of SQLite, which stores and the program may share.

use std::time::Duration;

use sqlx::error::DatabaseError;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, query_scalar, raw_sql};
use tokio::time::{Instant, sleep};

use crate::config::ConfigError;
use crate::store::ConnectError;

/// How long a call waits for a connection, and for what another process writes.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long others have for opening a new file, before it is tried again.
const TURN: Duration = Duration::from_millis(10);

/// All that was ever done to the tables of one store, in order. What was released is never changed.
pub(crate) struct Migrations {
    /// The setting that named the file.
    pub(crate) field: &'static str,
    /// The table that counts them. Not `user_version`: the file may be the program's, and hold more.
    pub(crate) table: &'static str,
    pub(crate) all: &'static [&'static str],
}

/// Opens the file of `url`, which stands in the setting `field`, and makes it where it is missing.
pub(crate) async fn pool(
    field: &'static str,
    url: &str,
    synchronous: SqliteSynchronous,
) -> Result<SqlitePool, ConnectError> {
    let refuse = || ConfigError::new(field, "is not the address of an SQLite file");
    let place = url.strip_prefix("sqlite:").ok_or_else(refuse)?;
    let (file, settings) = place.split_once('?').unwrap_or((place, ""));
    if file.trim_start_matches('/').is_empty() {
        return Err(refuse().into());
    }
    let mut options: SqliteConnectOptions = url.parse().map_err(|_| refuse())?;
    if !settings.contains("mode=") {
        options = options.create_if_missing(true);
    }
    let options = options
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(synchronous)
        .busy_timeout(PATIENCE);
    let mut pool = SqlitePoolOptions::new()
        .max_connections(4)
        .acquire_timeout(PATIENCE)
        .test_before_acquire(false);
    if file.contains(":memory:") || settings.contains("mode=memory") {
        // The memory ends with its last connection.
        pool = pool.max_connections(1).min_connections(1);
        pool = pool.idle_timeout(None).max_lifetime(None);
    }
    let deadline = Instant::now() + PATIENCE;
    loop {
        match pool.clone().connect_with(options.clone()).await {
            // A new file is turned to its journal without waiting for others that do the same.
            Err(err) if is_locked(&err) && Instant::now() < deadline => sleep(TURN).await,
            opened => return opened.map_err(ConnectError::unreachable),
        }
    }
}

/// `SQLITE_BUSY`, in any of its extended codes.
fn is_locked(err: &sqlx::Error) -> bool {
    let code = err.as_database_error().and_then(DatabaseError::code);
    let code = code.and_then(|code| code.parse::<u32>().ok());
    code.is_some_and(|code| code & 0xff == 5)
}

/// Brings the tables to the present version.
pub(crate) async fn migrate(
    pool: &SqlitePool,
    Migrations { field, table, all }: &Migrations,
) -> Result<(), ConnectError> {
    // Of many processes that start at once one migrates; the others find it done.
    let mut tx = pool
        .begin_with("BEGIN IMMEDIATE")
        .await
        .map_err(ConnectError::unreachable)?;
    let made = format!("CREATE TABLE IF NOT EXISTS {table} (version INTEGER PRIMARY KEY) STRICT");
    let made = raw_sql(AssertSqlSafe(made)).execute(&mut *tx).await;
    made.map_err(ConnectError::unreachable)?;
    let version = format!("SELECT coalesce(max(version), 0) FROM {table}");
    let done: i64 = query_scalar(AssertSqlSafe(version))
        .fetch_one(&mut *tx)
        .await
        .map_err(ConnectError::unreachable)?;
    let done = usize::try_from(done).unwrap_or(0);
    if done > all.len() {
        let reason = "has a table that was made by a later version of this crate";
        return Err(ConfigError::new(field, reason).into());
    }
    for (version, migration) in (1..).zip(*all).skip(done) {
        let note = format!("{migration}; INSERT INTO {table} VALUES ({version})");
        let migrated = raw_sql(AssertSqlSafe(note)).execute(&mut *tx).await;
        migrated.map_err(ConnectError::unreachable)?;
    }
    tx.commit().await.map_err(ConnectError::unreachable)
}
