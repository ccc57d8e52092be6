use sqlx::postgres::{PgConnection, PgPool};
use sqlx::{AssertSqlSafe, Connection as _};

use crate::config::ConfigError;
use crate::store::ConnectError;

/// All that was ever done to the tables of one store, in order. What was released is never changed.
pub(crate) struct Migrations {
    /// The table that counts them: stores may share a schema.
    pub(crate) table: &'static str,
    pub(crate) all: &'static [&'static str],
}

/// Brings `schema`, a plain name, to the present version.
pub(crate) async fn migrate(
    pool: &PgPool,
    schema: &str,
    migrations: &Migrations,
) -> Result<(), ConnectError> {
    let Migrations { table, .. } = migrations;
    let mut connection = pool.acquire().await.map_err(ConnectError::unreachable)?;
    // Without a lock first: a user that may not create anything can run on what others made.
    if missing(&mut connection, schema, migrations)
        .await?
        .is_empty()
    {
        return Ok(());
    }
    let mut tx = connection
        .begin()
        .await
        .map_err(ConnectError::unreachable)?;
    // Of many instances that start at once one migrates; the others find it done.
    execute(
        &mut tx,
        &format!("SELECT pg_advisory_xact_lock(hashtextextended('tower_webhook.{schema}', 0))"),
    )
    .await?;
    let missing = missing(&mut tx, schema, migrations).await?;
    // `IF NOT EXISTS` would ask for the right to create even where there is nothing to create.
    if !is_there(&mut tx, schema, None).await? {
        execute(&mut tx, &format!("CREATE SCHEMA {schema}")).await?;
    }
    if !is_there(&mut tx, schema, Some(table)).await? {
        let columns = "version int PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now()";
        execute(
            &mut tx,
            &format!("CREATE TABLE {schema}.{table} ({columns})"),
        )
        .await?;
    }
    for (version, migration) in missing {
        execute(&mut tx, &migration.replace("{schema}", schema)).await?;
        execute(
            &mut tx,
            &format!("INSERT INTO {schema}.{table} (version) VALUES ({version})"),
        )
        .await?;
    }
    tx.commit().await.map_err(ConnectError::unreachable)
}

/// The migrations that were not run, with their versions.
async fn missing(
    connection: &mut PgConnection,
    schema: &str,
    Migrations { table, all }: &Migrations,
) -> Result<Vec<(usize, &'static str)>, ConnectError> {
    let mut done = 0;
    if is_there(connection, schema, Some(table)).await? {
        let text = format!("SELECT coalesce(max(version), 0) FROM {schema}.{table}");
        let version: i32 = sqlx::query_scalar(AssertSqlSafe(text))
            .fetch_one(connection)
            .await
            .map_err(ConnectError::unreachable)?;
        done = usize::try_from(version).unwrap_or(0);
    }
    if done > all.len() {
        return Err(ConfigError::new("schema", "was made by a later version of this crate").into());
    }
    Ok((1..).zip(all.iter().copied()).skip(done).collect())
}

/// Whether there is the schema, or the table in it. Not asked of `to_regclass`: it answers from a cache,
/// which may not have heard yet of who held the lock before.
async fn is_there(
    connection: &mut PgConnection,
    schema: &str,
    table: Option<&str>,
) -> Result<bool, ConnectError> {
    let text = "SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace n \
                LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid \
                WHERE n.nspname = $1 AND ($2::text IS NULL OR c.relname = $2))";
    sqlx::query_scalar(text)
        .bind(schema)
        .bind(table)
        .fetch_one(connection)
        .await
        .map_err(ConnectError::unreachable)
}

async fn execute(connection: &mut PgConnection, text: &str) -> Result<(), ConnectError> {
    let done = sqlx::raw_sql(AssertSqlSafe(text)).execute(connection).await;
    done.map(drop).map_err(ConnectError::unreachable)
}
