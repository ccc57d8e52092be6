use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};

use super::migrate::migrate;
use super::purge::Purge;
use super::statements::Statements;
use super::{Inner, PostgresStore};
use crate::config::ConfigError;
use crate::store::ConnectError;
#[cfg(feature = "test-util")]
use crate::store::TestClock;
use crate::store::moment::Moment;

/// How long the first connection may take.
const PATIENCE: Duration = Duration::from_secs(5);

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
        // Not the reason of the client: it may hold the URL, and with it a password.
        let refuse = || ConfigError::new("url", "is not the address of a PostgreSQL server");
        if !url.starts_with("postgres:") && !url.starts_with("postgresql:") {
            return Err(refuse().into());
        }
        let options: PgConnectOptions = url.parse().map_err(|_| refuse())?;
        let pool = PgPoolOptions::new()
            .max_connections(self.max_connections)
            .acquire_timeout(PATIENCE)
            // It costs each call a round trip; a call on a broken connection is repeated instead.
            .test_before_acquire(false)
            // A statement whose caller gave up must not hold its connection.
            .after_connect(|connection, _| {
                Box::pin(async move {
                    let limit = sqlx::raw_sql("SET statement_timeout = '5s'");
                    limit.execute(connection).await.map(drop)
                })
            })
            .connect_with(options)
            .await
            .map_err(ConnectError::unreachable)?;
        self.with_pool(pool).await
    }

    /// Stands on a pool that the program has, and brings the schema to the present version. Give the
    /// pool a `statement_timeout`.
    ///
    /// # Errors
    ///
    /// As [`PostgresStore::connect`].
    pub async fn with_pool(self, pool: PgPool) -> Result<PostgresStore, ConnectError> {
        // The name goes into statements, where no argument can stand.
        let mut letters = self.schema.bytes();
        let plain = |letter: u8| letter.is_ascii_lowercase() || letter == b'_';
        let is_plain = self.schema.len() <= 63
            && letters.next().is_some_and(plain)
            && letters.all(|letter| plain(letter) || letter.is_ascii_digit());
        if !is_plain {
            let reason = "must be 1 to 63 of a-z, 0-9 and _, and not begin with a digit";
            return Err(ConfigError::new("schema", reason).into());
        }
        migrate(&pool, &self.schema).await?;
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
