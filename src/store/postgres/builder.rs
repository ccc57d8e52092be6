use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgPool;

use super::migrate::{Migrations, migrate};
use super::purge::Purge;
use super::server::{check_schema, pool};
use super::statements::Statements;
use super::{Inner, PostgresStore};
use crate::store::ConnectError;
#[cfg(feature = "test-util")]
use crate::store::TestClock;
use crate::store::moment::Moment;

const MIGRATIONS: Migrations = Migrations {
    table: "migrations",
    all: &[include_str!("sql/migration_1.sql")],
};

/// Collects the settings of a [`PostgresStore`].
#[derive(Debug)]
#[must_use]
pub struct PostgresStoreBuilder {
    schema: String,
    timeout: Duration,
    max_connections: u32,
    purge_interval: Duration,
    moment: Moment,
}

impl PostgresStoreBuilder {
    pub(super) fn new() -> Self {
        Self {
            schema: "tower_webhook".to_owned(),
            timeout: Duration::from_millis(500),
            max_connections: 10,
            purge_interval: Duration::from_secs(60),
            moment: Moment::default(),
        }
    }

    /// Sets the schema of the tables; `tower_webhook` by default. It is made where it is missing.
    pub fn schema(mut self, schema: impl Into<String>) -> Self {
        self.schema = schema.into();
        self
    }

    /// Sets how long a call may take, the wait for a connection included; 500 ms by default.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets how many connections are opened at most; 10 by default. Without effect on
    /// [`with_pool`](Self::with_pool).
    pub fn max_connections(mut self, connections: u32) -> Self {
        self.max_connections = connections;
        self
    }

    /// Sets how often rows that are over are removed; 60 s by default.
    pub fn purge_interval(mut self, interval: Duration) -> Self {
        self.purge_interval = interval;
        self
    }

    /// Judges leases by `clock` instead of the server's.
    #[cfg(feature = "test-util")]
    pub fn clock(mut self, clock: TestClock) -> Self {
        self.moment.clock = Some(clock);
        self
    }

    /// Connects, and brings the schema to the present version.
    ///
    /// # Errors
    ///
    /// As [`PostgresStore::connect`].
    pub async fn connect(self, url: &str) -> Result<PostgresStore, ConnectError> {
        let pool = pool("url", url, self.max_connections).await?;
        self.with_pool(pool).await
    }

    /// Stands on a pool that the program has, and brings the schema to the present version. Give the
    /// pool a `statement_timeout`.
    ///
    /// # Errors
    ///
    /// As [`PostgresStore::connect`].
    pub async fn with_pool(self, pool: PgPool) -> Result<PostgresStore, ConnectError> {
        check_schema(&self.schema)?;
        migrate(&pool, &self.schema, &MIGRATIONS).await?;
        let statements = Arc::new(Statements::new(&self.schema));
        let purge = Purge::start(
            pool.clone(),
            Arc::clone(&statements),
            self.moment.clone(),
            self.purge_interval,
        );
        Ok(PostgresStore(Arc::new(Inner {
            pool,
            statements,
            timeout: self.timeout,
            moment: self.moment,
            _purge: purge,
        })))
    }
}
