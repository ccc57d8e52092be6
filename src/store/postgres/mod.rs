mod builder;
mod migrate;
mod purge;
mod row;
mod server;
mod statements;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgArguments, PgConnection, PgPool};
use sqlx::query::Query;

pub use self::builder::PostgresStoreBuilder;
pub(crate) use self::migrate::{Migrations, migrate};
use self::purge::Purge;
use self::row::{completion, error, held, read};
pub(crate) use self::server::{check_schema, patiently, pool};
use self::statements::{Statement, Statements};
use super::encoding::{millis, number};
use super::moment::Moment;
use super::{
    Claim, Claimant, ConnectError, Fence, Fingerprint, Held, IdemKey, IdempotencyStore, Retention,
    StoreError, StoredAnswer,
};

/// How long a row outlives its purpose: a takeover is known to be one, a call may be repeated.
const LINGER: Duration = Duration::from_secs(60);
/// How often a claim is asked for that conflicted with a row it could not see.
const TRIES: u32 = 10;

/// A store on PostgreSQL 14 or later.
///
/// Each call is one statement, judged by the clock of the server; a duplicate only reads. Rows that
/// are over are removed in the background while the store lives. A clone is the same store.
///
/// With [`complete_in`](Self::complete_in) a handler that writes to the same database is run exactly
/// once.
///
/// # Deployment caveat
///
/// What survives a crash of the server is a setting of the server: see
/// [durability](crate::store#durability). Behind a pooler that shares connections between
/// transactions, put `?statement-cache-capacity=0` into the URL.
///
/// # Example
///
/// ```no_run
/// # async fn example() -> Result<(), tower_webhook::store::ConnectError> {
/// use tower_webhook::store::PostgresStore;
///
/// let store = PostgresStore::connect("postgres://receiver@127.0.0.1/shop").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PostgresStore(Arc<Inner>);

struct Inner {
    pool: PgPool,
    statements: Arc<Statements>,
    timeout: Duration,
    moment: Moment,
    _purge: Purge,
}

impl PostgresStore {
    /// Connects to `postgres://[user[:password]@]host[:port]/database`, with ten connections at most,
    /// and makes the schema `tower_webhook` where it is missing.
    ///
    /// # Errors
    ///
    /// Returns a configuration error when the URL is none, and when the schema is of a later version
    /// of this crate. Returns [`Unreachable`](super::ConnectErrorKind::Unreachable) when the server
    /// cannot be asked within 5 s, or says no.
    pub async fn connect(url: &str) -> Result<Self, ConnectError> {
        Self::builder().connect(url).await
    }

    /// As [`connect`](Self::connect), on a pool that the program has.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    pub async fn with_pool(pool: PgPool) -> Result<Self, ConnectError> {
        Self::builder().with_pool(pool).await
    }

    /// Begins a store with settings of its own.
    pub fn builder() -> PostgresStoreBuilder {
        PostgresStoreBuilder::new()
    }

    /// Completes a claim in the transaction of `connection`, so that the effect of a handler and the
    /// memory of it are committed together, or neither is. Call it last: until the transaction ends,
    /// the row is locked and the claim is not renewed.
    ///
    /// The layer completes once more when the handler has answered, and finds it done; `answer` is
    /// what duplicates hear.
    ///
    /// # Errors
    ///
    /// Returns [`Lost`](super::StoreErrorKind::Lost) when the claim is another's by now, or completed:
    /// then, as after any other error, roll back.
    pub async fn complete_in(
        &self,
        connection: &mut PgConnection,
        key: &IdemKey,
        fence: Fence,
        answer: &StoredAnswer,
        keep: Retention,
    ) -> Result<(), StoreError> {
        let complete = completion(
            self.at(&self.0.statements.complete_in),
            key,
            fence,
            answer,
            keep,
        );
        // Without a time-out of ours: the transaction is the caller's, and so is its patience.
        let done = complete.execute(connection).await.map_err(error)?;
        if done.rows_affected() == 0 {
            return Err(StoreError::lost());
        }
        Ok(())
    }

    /// Removes what is over now, instead of in the next minute.
    pub async fn purge(&self) {
        let inner = &*self.0;
        for statement in [&inner.statements.purge, &inner.statements.strip] {
            purge::run(&inner.pool, statement, &inner.moment).await;
        }
    }

    fn at<'s>(&self, statement: &'s Statement) -> Query<'s, sqlx::Postgres, PgArguments> {
        statement.at(self.0.moment.millis())
    }

    /// Asks until the time is over, as long as it is only the connection that broke. Every call may be
    /// repeated: it is of the same claimant or the same fence.
    async fn patiently<T, F>(&self, ask: impl Fn() -> F + Send) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, sqlx::Error>> + Send,
    {
        let reply = patiently(&self.0.pool, self.0.timeout, ask).await;
        reply.map_err(StoreError::unavailable)?.map_err(error)
    }

    async fn hold<'q>(
        &self,
        update: impl Fn() -> Query<'q, sqlx::Postgres, PgArguments> + Send + Sync,
    ) -> Result<Held, StoreError> {
        let done = self.patiently(|| update().execute(&self.0.pool)).await?;
        Ok(held(done.rows_affected() > 0))
    }
}

impl IdempotencyStore for PostgresStore {
    async fn claim(
        &self,
        key: &IdemKey,
        who: Claimant,
        payload: &Fingerprint,
        lease: Duration,
    ) -> Result<Claim, StoreError> {
        let who = &who.get().to_be_bytes();
        let ask = move || async move {
            for _ in 0..TRIES {
                let claim = self
                    .at(&self.0.statements.claim)
                    .bind(key.as_str())
                    .bind(&payload.as_bytes()[..])
                    .bind(&who[..])
                    .bind(millis(lease))
                    .bind(millis(lease.max(LINGER)));
                if let Some(row) = claim.fetch_optional(&self.0.pool).await? {
                    return Ok(Some(row));
                }
            }
            Ok(None)
        };
        match self.patiently(ask).await? {
            Some(row) => read(&row),
            None => Err(StoreError::unavailable("the row changed under each try")),
        }
    }

    async fn renew(
        &self,
        key: &IdemKey,
        fence: Fence,
        lease: Duration,
    ) -> Result<Held, StoreError> {
        let renew = || {
            self.at(&self.0.statements.renew)
                .bind(key.as_str())
                .bind(number(fence))
                .bind(millis(lease))
                .bind(millis(lease.max(LINGER)))
        };
        self.hold(renew).await
    }

    async fn complete(
        &self,
        key: &IdemKey,
        fence: Fence,
        answer: &StoredAnswer,
        keep: Retention,
    ) -> Result<Held, StoreError> {
        let complete = || {
            let statement = self.at(&self.0.statements.complete);
            completion(statement, key, fence, answer, keep).fetch_optional(&self.0.pool)
        };
        let row = self.patiently(complete).await?;
        Ok(held(row.is_some()))
    }

    async fn release(&self, key: &IdemKey, fence: Fence) -> Result<Held, StoreError> {
        let release = || {
            self.at(&self.0.statements.release)
                .bind(key.as_str())
                .bind(number(fence))
                .bind(millis(LINGER))
        };
        self.hold(release).await
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore")
            .field("timeout", &self.0.timeout)
            .finish_non_exhaustive()
    }
}
