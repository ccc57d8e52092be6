use sqlx::sqlite::SqlitePool;
use sqlx::{AssertSqlSafe, query_scalar, raw_sql};

use crate::config::ConfigError;
use crate::store::ConnectError;

/// All that was ever done to the tables, in order. What was released is never changed.
const MIGRATIONS: [&str; 1] = [include_str!("migration_1.sql")];

/// Brings the tables to the present version.
pub(super) async fn migrate(pool: &SqlitePool) -> Result<(), ConnectError> {
    // Of many processes that start at once one migrates; the others find it done.
    let mut tx = pool
        .begin_with("BEGIN IMMEDIATE")
        .await
        .map_err(ConnectError::unreachable)?;
    // Not `user_version`: the file may be the program's, and hold more than the outbox.
    let table = "CREATE TABLE IF NOT EXISTS tower_webhook_outbox_version \
                 (version INTEGER PRIMARY KEY) STRICT";
    let made = raw_sql(table).execute(&mut *tx).await;
    made.map_err(ConnectError::unreachable)?;
    let version = "SELECT coalesce(max(version), 0) FROM tower_webhook_outbox_version";
    let done: i64 = query_scalar(version)
        .fetch_one(&mut *tx)
        .await
        .map_err(ConnectError::unreachable)?;
    let done = usize::try_from(done).unwrap_or(0);
    if done > MIGRATIONS.len() {
        let reason = "has a table that was made by a later version of this crate";
        return Err(ConfigError::new("outbox", reason).into());
    }
    for (version, migration) in (1..).zip(MIGRATIONS).skip(done) {
        let note =
            format!("{migration}; INSERT INTO tower_webhook_outbox_version VALUES ({version})");
        let migrated = raw_sql(AssertSqlSafe(note)).execute(&mut *tx).await;
        migrated.map_err(ConnectError::unreachable)?;
    }
    tx.commit().await.map_err(ConnectError::unreachable)
}
