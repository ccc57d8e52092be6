//! What the stores on databases have in common: their statements, but for how a lot of rows is chosen.

use std::sync::Arc;

use sqlx::{AssertSqlSafe, ColumnIndex, Database, Decode, Encode, QueryBuilder, Row, Type};

use super::store::MAX_ATTEMPTS;
use super::{Reason, Receipt, ReceiptError, ReceiptId, ReceiptQuery, State, Transition};

/// Rows that one statement sweeps or purges at most: others must come through in between.
pub(super) const LOT: usize = 1000;
/// What the partial indices are on, word for word.
const OPEN: &str = "state IN ('received', 'dispatched')";
const FINAL: &str = "state NOT IN ('received', 'dispatched')";

/// The statements on one table.
pub(super) struct Statements {
    table: Box<str>,
    /// $1 id, $2 connection, $3 delivery id, $4 event type, $5 digest, $6 time. In one transaction.
    pub(super) forget: Statement,
    pub(super) insert: Statement,
    /// $1 id, $2 state, $3 reason, $4 key, $5 time, $6 state before, $7 reason before.
    pub(super) transition: Statement,
    /// For each open state. $1 before, $2 time.
    pub(super) sweeps: [(Statement, Transition); 2],
    /// $1 before.
    pub(super) purge: Statement,
}

/// One statement, made of constants and a checked name. A clone is cheap.
#[derive(Clone)]
pub(super) struct Statement(Arc<str>);

impl Statement {
    pub(super) fn new(text: String) -> Self {
        Self(text.into())
    }

    pub(super) fn text(&self) -> AssertSqlSafe<Arc<str>> {
        AssertSqlSafe(Arc::clone(&self.0))
    }

    /// Both at once, as PostgreSQL can.
    #[cfg(feature = "postgres")]
    pub(super) fn after(&self, first: &Self) -> Self {
        Self::new(format!("WITH first AS ({}) {}", first.0, self.0))
    }
}

impl Statements {
    /// A row is in a lot where `{place}{begin}{the selected places}{end}` holds.
    pub(super) fn new(table: &str, begin: &str, end: &str) -> Self {
        let lot = |filter: &str, order: &str, limit: &str| {
            format!(
                "place {begin}SELECT place FROM {table} WHERE {filter} ORDER BY {order} LIMIT {limit}{end}"
            )
        };
        let same = "connection = $2 AND digest = $5";
        let most = MAX_ATTEMPTS - 1;
        let excess = format!(
            "(SELECT CASE WHEN count(*) > {most} THEN count(*) - {most} ELSE 0 END FROM {table} WHERE {same})"
        );
        let forgotten = lot(
            &format!("{same} AND {FINAL}"),
            "state = 'acknowledged', place",
            &excess,
        );
        let sweep = |from: State| {
            let step = Transition::new(from, State::Rejected(Reason::Abandoned))
                .expect("what is open can be abandoned");
            let from = from.name();
            let filter = format!("{OPEN} AND state = '{from}' AND changed_at < $1");
            let swept = lot(&filter, "changed_at", &LOT.to_string());
            let to = "state = 'rejected', reason = 'abandoned', changed_at = $2";
            // The state is asked for again: the lot was chosen before its rows were locked.
            let text =
                format!("UPDATE {table} SET {to} WHERE {swept} AND state = '{from}' RETURNING *");
            (Statement::new(text), step)
        };
        let old = lot(
            &format!("{FINAL} AND changed_at < $1"),
            "changed_at",
            &LOT.to_string(),
        );
        Self {
            table: table.into(),
            forget: Statement::new(format!("DELETE FROM {table} WHERE {forgotten}")),
            // A call that is repeated because its connection broke writes nothing twice.
            insert: Statement::new(format!(
                "INSERT INTO {table} (id, connection, delivery_id, event_type, digest, state, received_at, changed_at) \
                 VALUES ($1, $2, $3, $4, $5, 'received', $6, $6) ON CONFLICT (id) DO NOTHING"
            )),
            transition: Statement::new(format!(
                "UPDATE {table} SET state = $2, reason = $3, key = coalesce($4, key), changed_at = $5 \
                 WHERE id = $1 AND state = $6 AND reason IS NOT DISTINCT FROM $7"
            )),
            sweeps: [sweep(State::Received), sweep(State::Dispatched)],
            purge: Statement::new(format!("DELETE FROM {table} WHERE {old}")),
        }
    }

    /// Only the filters that are asked for: `$1 IS NULL OR …` would keep a plan from its index.
    pub(super) fn select<DB>(&self, query: &ReceiptQuery) -> QueryBuilder<DB>
    where
        DB: Database,
        String: for<'q> Encode<'q, DB> + Type<DB>,
        i64: for<'q> Encode<'q, DB> + Type<DB>,
    {
        let mut select = QueryBuilder::new(format!("SELECT * FROM {} WHERE true", self.table));
        let texts = [
            (" AND connection = ", &query.connection),
            (" AND state = ", &query.state),
            (" AND key = ", &query.key),
        ];
        for (filter, value) in texts {
            if let Some(value) = value {
                select.push(filter).push_bind(value.clone());
            }
        }
        let times = [
            (" AND received_at >= ", query.since),
            (" AND received_at < ", query.until),
        ];
        for (filter, value) in times {
            if let Some(value) = value {
                select.push(filter).push_bind(value);
            }
        }
        select
            .push(" ORDER BY received_at DESC, place DESC LIMIT ")
            .push_bind(i64::from(query.limit.min(1000)))
            .push(" OFFSET ")
            .push_bind(i64::from(query.offset));
        select
    }
}

/// The receipt of a row.
pub(super) fn read<R>(row: &R) -> Result<Receipt, ReceiptError>
where
    R: Row,
    for<'c> &'c str: ColumnIndex<R>,
    String: for<'r> Decode<'r, R::Database> + Type<R::Database>,
    i64: for<'r> Decode<'r, R::Database> + Type<R::Database>,
{
    let text = |column: &str| row.try_get::<String, _>(column).map_err(error);
    let maybe = |column: &str| row.try_get::<Option<String>, _>(column).map_err(error);
    let time = |column: &str| row.try_get::<i64, _>(column).map_err(error);
    let unknown = || ReceiptError::unavailable("a receipt was written by another version");
    let state = State::parse(&text("state")?, maybe("reason")?.as_deref());
    Ok(Receipt {
        id: ReceiptId::parse(&text("id")?).ok_or_else(unknown)?,
        connection: text("connection")?,
        key: maybe("key")?,
        delivery_id: maybe("delivery_id")?,
        event_type: maybe("event_type")?,
        digest: text("digest")?,
        state: state.ok_or_else(unknown)?,
        received_at: time("received_at")?,
        changed_at: time("changed_at")?,
    })
}

pub(super) fn error(err: sqlx::Error) -> ReceiptError {
    ReceiptError::unavailable(err)
}
