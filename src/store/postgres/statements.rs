use std::sync::Arc;

use sqlx::AssertSqlSafe;
use sqlx::Postgres;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;

/// The statements, with the name of the schema in them. The first argument of each is the time in
/// Unix milliseconds, or NULL for the clock of the server.
pub(super) struct Statements {
    pub(super) claim: Statement,
    pub(super) renew: Statement,
    pub(super) complete: Statement,
    pub(super) complete_in: Statement,
    pub(super) release: Statement,
    pub(super) purge: Statement,
    pub(super) strip: Statement,
}

/// One statement. A clone is cheap.
#[derive(Clone)]
pub(super) struct Statement(Arc<str>);

impl Statements {
    /// `schema` was checked to be a plain name.
    pub(super) fn new(schema: &str) -> Self {
        let within = |text: &str| {
            // Not `now()`, the time when the transaction began: a claim may wait for a lock.
            let now = "coalesce(to_timestamp($1::bigint / 1000.0), clock_timestamp())";
            Statement(
                text.replace("{schema}", schema)
                    .replace("{now}", now)
                    .into(),
            )
        };
        Self {
            claim: within(include_str!("sql/claim.sql")),
            renew: within(include_str!("sql/renew.sql")),
            complete: within(include_str!("sql/complete.sql")),
            complete_in: within(include_str!("sql/complete_in.sql")),
            release: within(include_str!("sql/release.sql")),
            purge: within(include_str!("sql/purge.sql")),
            strip: within(include_str!("sql/strip.sql")),
        }
    }
}

impl Statement {
    pub(super) fn at(&self, now: Option<i64>) -> Query<'_, Postgres, PgArguments> {
        sqlx::query(AssertSqlSafe(Arc::clone(&self.0))).bind(now)
    }
}
