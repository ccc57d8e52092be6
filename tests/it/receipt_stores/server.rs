//! The store of receipts on PostgreSQL.

use std::sync::Mutex;

use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, query_scalar, raw_sql};
use tower_webhook::receipt::{PostgresReceipts, ReceiptLayer, ReceiptQuery, ReceiptStore as _};
use tower_webhook::store::{ConnectErrorKind, PostgresStore};

use super::stack::{Rig, delivery};
use super::{sweep_half, two_open};
use crate::store::servers;

/// Schemas of our own on one server.
pub(super) struct Own {
    pool: PgPool,
    schemas: Mutex<Vec<String>>,
}

impl Own {
    pub(super) async fn start() -> Option<Self> {
        let url = servers::postgres()?;
        let pool = PgPoolOptions::new().max_connections(8).connect(&url).await;
        Some(Self {
            pool: pool.expect("the server is there"),
            schemas: Mutex::default(),
        })
    }

    pub(super) fn schema(&self) -> String {
        let schema = servers::unique("receipts");
        self.schemas.lock().unwrap().push(schema.clone());
        schema
    }

    pub(super) async fn store(&self) -> PostgresReceipts {
        let schema = self.schema();
        let store = PostgresReceipts::with_schema(self.pool.clone(), &schema);
        store.await.expect("the server is there")
    }

    async fn execute(&self, text: &str) {
        let done = raw_sql(AssertSqlSafe(text)).execute(&self.pool).await;
        done.unwrap();
    }

    pub(super) async fn end(self) {
        let schemas = std::mem::take(&mut *self.schemas.lock().unwrap());
        for schema in schemas {
            self.execute(&format!("DROP SCHEMA {schema} CASCADE")).await;
        }
    }
}

#[tokio::test]
async fn a_state_that_cannot_be_read_is_an_error() {
    let Some(own) = Own::start().await else {
        return;
    };
    let schema = own.schema();
    let store = PostgresReceipts::with_schema(own.pool.clone(), &schema);
    let rig = Rig::new(ReceiptLayer::new(store.await.unwrap()));
    assert_eq!(rig.send(delivery("1", "{}")).await, 200);
    let garble = format!("UPDATE {schema}.receipts SET reason = 'of a later version'");
    own.execute(&garble).await;
    let read = rig.receipts.query(&ReceiptQuery::default()).await;
    assert!(read.is_err());
    own.end().await;
}

#[tokio::test]
async fn what_was_swept_before_the_server_failed_is_told() {
    let Some(own) = Own::start().await else {
        return;
    };
    let schema = own.schema();
    let store = PostgresReceipts::with_schema(own.pool.clone(), &schema);
    let store = store.await.unwrap();
    own.execute(&two_open(&format!("{schema}.receipts"))).await;
    own.execute(&format!(
        "CREATE FUNCTION {schema}.refuse() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN RAISE EXCEPTION 'as told'; END $$; \
         CREATE TRIGGER refuse BEFORE UPDATE ON {schema}.receipts FOR EACH ROW \
         WHEN (OLD.state = 'dispatched') EXECUTE FUNCTION {schema}.refuse()"
    ))
    .await;
    sweep_half(store).await;
    own.end().await;
}

#[tokio::test]
async fn receipts_share_a_schema_with_claims_and_many_may_start_at_once() {
    let Some(own) = Own::start().await else {
        return;
    };
    let schema = own.schema();
    let receipts = || PostgresReceipts::with_schema(own.pool.clone(), &schema);
    let claims = || {
        PostgresStore::builder()
            .schema(&schema)
            .with_pool(own.pool.clone())
    };
    let (one, two, three, four) =
        futures_util::future::join4(receipts(), claims(), receipts(), claims()).await;
    one.and(three).unwrap();
    two.and(four).unwrap();
    let count = format!("SELECT count(*) FROM {schema}.receipt_migrations");
    let count: i64 = query_scalar(AssertSqlSafe(count))
        .fetch_one(&own.pool)
        .await
        .unwrap();
    assert_eq!(count, 1);
    own.end().await;
}

#[tokio::test]
async fn tables_of_a_later_version_are_refused() {
    let Some(own) = Own::start().await else {
        return;
    };
    let schema = own.schema();
    let start = || PostgresReceipts::with_schema(own.pool.clone(), &schema);
    start().await.unwrap();
    let later = format!("INSERT INTO {schema}.receipt_migrations (version) VALUES (99)");
    own.execute(&later).await;
    assert_eq!(start().await.unwrap_err().kind(), ConnectErrorKind::Config);
    own.end().await;
}

#[tokio::test]
async fn a_server_that_ends_every_connection_is_asked_again() {
    let Some(own) = Own::start().await else {
        return;
    };
    let (schema, name) = (own.schema(), servers::unique("receipts"));
    let url = servers::postgres().unwrap();
    let url = format!("{url}?application_name={name}&schema={schema}");
    let store = PostgresReceipts::connect(&url).await.unwrap();
    let all = ReceiptQuery::default();
    store.query(&all).await.unwrap();
    let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name";
    own.execute(&format!("{kill} = '{name}'")).await;
    store.query(&all).await.unwrap();
    own.end().await;
}

#[tokio::test]
async fn each_question_has_an_index() {
    let Some(own) = Own::start().await else {
        return;
    };
    let schema = own.schema();
    let store = PostgresReceipts::with_schema(own.pool.clone(), &schema).await;
    drop(store.unwrap());
    let fill = format!(
        "INSERT INTO {schema}.receipts
             (id, connection, key, digest, state, received_at, changed_at)
         SELECT md5(n::text), 'c' || n % 50, 'k' || n, 'd' || n,
                CASE WHEN n % 500 = 0 THEN 'received' WHEN n % 400 = 1 THEN 'rejected'
                     ELSE 'duplicate' END, n, n
           FROM generate_series(1, 20000) n;
         ANALYZE {schema}.receipts"
    );
    own.execute(&fill).await;
    for filter in [
        "true ORDER BY received_at DESC, place DESC LIMIT 50",
        "connection = 'c7' ORDER BY received_at DESC, place DESC LIMIT 50",
        "state = 'rejected' ORDER BY received_at DESC, place DESC LIMIT 50",
        "key = 'k7' ORDER BY received_at DESC, place DESC LIMIT 50",
        "received_at >= 100 AND received_at < 200 ORDER BY received_at DESC, place DESC LIMIT 50",
        "connection = 'c7' AND digest = 'd7' ORDER BY place LIMIT 1",
        "state IN ('received', 'dispatched') AND state = 'received' AND changed_at < 9000
             ORDER BY changed_at LIMIT 1000",
        "state NOT IN ('received', 'dispatched') AND changed_at < 100
             ORDER BY changed_at LIMIT 1000",
        "id = 'c4ca4238a0b923820dcc509a6f75849b'",
    ] {
        let explain = format!("EXPLAIN SELECT place FROM {schema}.receipts WHERE {filter}");
        let plan: Vec<String> = query_scalar(AssertSqlSafe(explain))
            .fetch_all(&own.pool)
            .await
            .unwrap();
        let plan = plan.join("\n");
        assert!(!plan.contains("Seq Scan"), "{filter}\n{plan}");
    }
    own.end().await;
}
