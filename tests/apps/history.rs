//! The history of each receipt, as the database itself writes it down.

use std::collections::{HashMap, HashSet};

use sqlx::{AssertSqlSafe, SqlitePool};
use tower_webhook::receipt::{State, Transition};

use crate::places::Schema;

const ON_SQLITE: &str = "
CREATE TABLE history (n INTEGER PRIMARY KEY, id TEXT, state TEXT, reason TEXT, key TEXT);
CREATE TRIGGER history_insert AFTER INSERT ON tower_webhook_receipts BEGIN
    INSERT INTO history (id, state, reason, key) VALUES (new.id, new.state, new.reason, new.key); END;
CREATE TRIGGER history_update AFTER UPDATE ON tower_webhook_receipts BEGIN
    INSERT INTO history (id, state, reason, key) VALUES (new.id, new.state, new.reason, new.key); END;";

const ON_POSTGRES: &str = "
CREATE TABLE {schema}.history
    (n bigint GENERATED ALWAYS AS IDENTITY, id text, state text, reason text, key text);
CREATE FUNCTION {schema}.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO {schema}.history (id, state, reason, key) VALUES (new.id, new.state, new.reason, new.key);
    RETURN new; END $$;
CREATE TRIGGER history AFTER INSERT OR UPDATE ON {schema}.receipts
    FOR EACH ROW EXECUTE FUNCTION {schema}.note();";

const ALL: &str = "history ORDER BY n";

type Row = (String, String, Option<String>, Option<String>);

/// Begins to write down what becomes of receipts in a file.
pub(crate) async fn watch_file(file: &str) {
    let pool = open(file).await;
    sqlx::raw_sql(ON_SQLITE).execute(&pool).await.unwrap();
    pool.close().await;
}

pub(crate) async fn of_file(file: &str) -> Histories {
    let pool = open(file).await;
    let text = format!("SELECT id, state, reason, key FROM {ALL}");
    let rows = sqlx::query_as(AssertSqlSafe(text)).fetch_all(&pool).await;
    pool.close().await;
    Histories::read(rows.unwrap())
}

pub(crate) async fn open(file: &str) -> SqlitePool {
    SqlitePool::connect(&format!("sqlite://{file}"))
        .await
        .unwrap()
}

/// The same, on PostgreSQL.
pub(crate) async fn watch_schema(schema: &Schema) {
    schema.execute(ON_POSTGRES).await;
}

pub(crate) async fn of_schema(schema: &Schema) -> Histories {
    let text = format!("SELECT id, state, reason, key FROM {}.{ALL}", schema.name);
    let rows = sqlx::query_as(AssertSqlSafe(text)).fetch_all(&schema.pool);
    Histories::read(rows.await.unwrap())
}

/// What the receipts say.
#[derive(Debug, Default)]
pub(crate) struct Histories {
    pub(crate) receipts: usize,
    /// Keys, and how often each was acknowledged.
    acknowledged: HashMap<String, usize>,
    open: usize,
    /// Keys with a receipt that no process brought to its end.
    cut_off: HashSet<String>,
    /// Receipts that were cut off before their key was known.
    pub(crate) nameless: usize,
}

impl Histories {
    /// Panics where one is no path of the machine.
    fn read(rows: Vec<Row>) -> Self {
        let mut last: HashMap<String, (State, Option<String>)> = HashMap::new();
        let mut histories = Self::default();
        for (id, state, reason, key) in rows {
            let state = State::parse(&state, reason.as_deref()).expect("a state");
            match last.get(&id) {
                None => assert_eq!(state, State::Received, "{id} begins so"),
                Some((before, _)) => assert!(
                    Transition::new(*before, state).is_some(),
                    "{id}: {before} to {state}"
                ),
            }
            if let (State::Acknowledged(_), Some(key)) = (state, &key) {
                *histories.acknowledged.entry(key.clone()).or_default() += 1;
            }
            last.insert(id, (state, key));
        }
        histories.receipts = last.len();
        for (state, key) in last.into_values() {
            histories.open += usize::from(state == State::Dispatched);
            let is_cut_off = !state.is_final() || state.reason() == Some("abandoned");
            match key {
                Some(key) if is_cut_off => drop(histories.cut_off.insert(key)),
                None if is_cut_off => histories.nameless += 1,
                _ => {}
            }
        }
        histories
    }

    /// Whether a handler was called, and what came of it is not written yet. What is merely received may stay so
    /// until it is swept: the sender was told 503 while the store still wrote.
    pub(crate) fn is_open(&self) -> bool {
        self.open > 0
    }

    /// Each of so many events is acknowledged once. Of those whose receipt was cut off by a kill, after the claim was
    /// completed and before that was written, at most once. How many those are.
    pub(crate) fn judge(&self, name: &str, events: u64) -> usize {
        let doubled = self.acknowledged.values().filter(|times| **times > 1);
        let doubled = doubled.count();
        let missing = usize::try_from(events).unwrap() - self.acknowledged.len();
        let cut_off = |key: &&String| !self.acknowledged.contains_key(*key);
        let cut_off = self.cut_off.iter().filter(cut_off).count();
        println!(
            "{name}: {events} events, {} receipts, {} acknowledged, {missing} cut off before that was written, \
             {doubled} doubled",
            self.receipts,
            self.acknowledged.len(),
        );
        assert_eq!(doubled, 0);
        // The key may be in the step that was cut off.
        assert!(missing <= cut_off + self.nameless, "{missing} are missing");
        missing
    }
}
