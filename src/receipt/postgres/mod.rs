use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgPool, PgRow};

use super::sql::{LOT, Statement, Statements, error, read};
use super::{NewReceipt, Receipt, ReceiptError, ReceiptId, ReceiptQuery, ReceiptStore, Transition};
use crate::store::postgres::{Migrations, check_schema, migrate, patiently, pool};
use crate::store::{ConnectError, take};

const MIGRATIONS: Migrations = Migrations {
    table: "receipt_migrations",
    all: &[include_str!("migration_1.sql")],
};

/// How long a statement may take, the wait for a connection included.
const PATIENCE: Duration = Duration::from_secs(5);

/// Receipts on PostgreSQL 14 or later, shared by every instance. A clone is the same store.
///
/// Each call is one statement; [`sweep`](ReceiptStore::sweep) and [`purge`](ReceiptStore::purge) are one
/// for each 1,000 receipts, and pass by what others hold. Attempts at one payload that come at once may
/// exceed [`MAX_ATTEMPTS`](super::MAX_ATTEMPTS), until the next one comes.
///
/// PostgreSQL has no NUL in a text: where a provider sends one, U+FFFD is written down in its place.
///
/// # Example
///
/// ```no_run
/// # async fn example() -> Result<(), tower_webhook::store::ConnectError> {
/// use tower_webhook::receipt::{PostgresReceipts, ReceiptLayer};
///
/// let store = PostgresReceipts::connect("postgres://receiver@127.0.0.1/shop").await?;
/// let receipts = ReceiptLayer::new(store);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PostgresReceipts(Arc<Inner>);

struct Inner {
    pool: PgPool,
    statements: Statements,
    receive: Statement,
}

impl PostgresReceipts {
    /// Connects to `postgres://[user[:password]@]host[:port]/database[?schema=…]`, with ten connections at
    /// most, and makes the table `receipts` in the schema, `tower_webhook` by default, where they are
    /// missing.
    ///
    /// # Errors
    ///
    /// Returns a configuration error when the URL is none, and when the table is of a later version of
    /// this crate. Returns [`Unreachable`](crate::store::ConnectErrorKind::Unreachable) when the server
    /// cannot be asked within 5 s, or says no.
    pub async fn connect(url: &str) -> Result<Self, ConnectError> {
        let (url, schema) = take(url, "schema");
        let schema = schema.as_deref().unwrap_or("tower_webhook");
        check_schema(schema)?;
        let pool = pool("receipts", &url, 10).await?;
        Self::with_schema(pool, schema).await
    }

    /// As [`connect`](Self::connect), on a pool that the program has. Give it a `statement_timeout`.
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
        migrate(&pool, schema, &MIGRATIONS).await?;
        // As an array: a plan may run a plain subquery once for each row, and its limit with it.
        let (begin, end) = ("= ANY (ARRAY(", " FOR UPDATE SKIP LOCKED))");
        let statements = Statements::new(&format!("{schema}.receipts"), begin, end);
        let receive = statements.insert.after(&statements.forget);
        Ok(Self(Arc::new(Inner {
            pool,
            statements,
            receive,
        })))
    }

    /// Asks again as long as it is only the connection that broke.
    async fn patiently<T, F>(&self, ask: impl Fn() -> F + Send) -> Result<T, ReceiptError>
    where
        F: Future<Output = Result<T, sqlx::Error>> + Send,
    {
        let reply = patiently(&self.0.pool, PATIENCE, ask).await;
        reply.map_err(ReceiptError::unavailable)?.map_err(error)
    }

    /// One lot that is open since before `before`.
    async fn sweep_lot(
        &self,
        sweep: &Statement,
        before: i64,
        at: i64,
    ) -> Result<Vec<PgRow>, ReceiptError> {
        let sweep = || {
            let sweep = sqlx::query(sweep.text()).bind(before).bind(at);
            sweep.fetch_all(&self.0.pool)
        };
        self.patiently(sweep).await
    }
}

impl ReceiptStore for PostgresReceipts {
    async fn receive(&self, new: &NewReceipt) -> Result<(), ReceiptError> {
        let id = new.id.to_string();
        let connection = storable(&new.connection);
        let delivery_id = new.delivery_id.as_deref().map(storable);
        let event_type = new.event_type.as_deref().map(storable);
        let receive = || {
            sqlx::query(self.0.receive.text())
                .bind(&id)
                .bind(&*connection)
                .bind(delivery_id.as_deref())
                .bind(event_type.as_deref())
                .bind(&new.digest)
                .bind(new.received_at)
                .execute(&self.0.pool)
        };
        self.patiently(receive).await.map(drop)
    }

    async fn transition(
        &self,
        id: ReceiptId,
        step: Transition,
        key: Option<&str>,
        at: i64,
    ) -> Result<bool, ReceiptError> {
        let id = id.to_string();
        let key = key.map(storable);
        let transition = || {
            sqlx::query(self.0.statements.transition.text())
                .bind(&id)
                .bind(step.to().name())
                .bind(step.to().reason())
                .bind(key.as_deref())
                .bind(at)
                .bind(step.from().name())
                .bind(step.from().reason())
                .execute(&self.0.pool)
        };
        let done = self.patiently(transition).await?;
        Ok(done.rows_affected() > 0)
    }

    async fn query(&self, query: &ReceiptQuery) -> Result<Vec<Receipt>, ReceiptError> {
        let texts = [&query.connection, &query.state, &query.key];
        if texts.into_iter().flatten().any(|text| text.contains('\0')) {
            // No text here has one, and the server would refuse to compare.
            return Ok(Vec::new());
        }
        let ask = || async {
            let mut select = self.0.statements.select::<sqlx::Postgres>(query);
            select.build().fetch_all(&self.0.pool).await
        };
        self.patiently(ask).await?.iter().map(read).collect()
    }

    async fn sweep(
        &self,
        before: i64,
        at: i64,
    ) -> Result<Vec<(Receipt, Transition)>, ReceiptError> {
        let mut swept = Vec::new();
        for (sweep, step) in &self.0.statements.sweeps {
            loop {
                let rows = match self.sweep_lot(sweep, before, at).await {
                    Ok(rows) => rows,
                    // What was swept before it must be told; the next sweep finds the rest.
                    Err(_) if !swept.is_empty() => return Ok(swept),
                    Err(err) => return Err(err),
                };
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
            let purge = || {
                let purge = sqlx::query(self.0.statements.purge.text()).bind(before);
                purge.execute(&self.0.pool)
            };
            let lot = self.patiently(purge).await?.rows_affected();
            purged += lot;
            if lot < LOT as u64 {
                return Ok(purged);
            }
        }
    }
}

impl fmt::Debug for PostgresReceipts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresReceipts").finish_non_exhaustive()
    }
}

fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        text.replace('\0', "\u{fffd}").into()
    } else {
        text.into()
    }
}
