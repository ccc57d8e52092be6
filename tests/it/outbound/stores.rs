//! Every store of the sending wing, held to the shared suite, and compared with the one in memory.

use sqlx::postgres::{PgPool, PgPoolOptions};
use tower_webhook::outbound::store::conformance::run;
use tower_webhook::outbound::{MemoryOutbox, OutboundStore, PostgresOutbox, SqliteOutbox};

use super::model;
use crate::store::servers::{postgres, unique};

/// `fresh` gives a store with nothing in it.
async fn conforms<S: OutboundStore>(name: &str, fresh: impl AsyncFn() -> S) {
    let facts = run(&fresh).await;
    println!("{facts} facts on {name}");
}

/// As [`conforms`]; so many random operations from each of three seeds.
async fn agrees<S: OutboundStore>(fresh: impl AsyncFn() -> S, steps: usize) {
    for seed in 1..=3 {
        model::agrees(fresh().await, seed, steps).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_conforms() {
    conforms("memory", async || MemoryOutbox::new()).await;
}

#[tokio::test]
async fn memory_is_the_same_each_time() {
    agrees(async || MemoryOutbox::new(), 2000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_in_memory_conforms() {
    conforms("SQLite in memory", in_memory).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_in_a_file_conforms() {
    let made = std::sync::Mutex::new(Vec::new());
    conforms("SQLite in a file", async || {
        let path = std::env::temp_dir().join(unique("outbox"));
        made.lock().unwrap().push(path.clone());
        let url = format!("sqlite://{}", path.display());
        SqliteOutbox::connect(&url).await.unwrap()
    })
    .await;
    for path in made.into_inner().unwrap() {
        for suffix in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{suffix}", path.display()));
        }
    }
}

#[tokio::test]
async fn sqlite_agrees_with_the_store_in_memory() {
    agrees(in_memory, 1000).await;
}

async fn in_memory() -> SqliteOutbox {
    SqliteOutbox::connect("sqlite::memory:").await.unwrap()
}

/// Schemas of one server, one a store, dropped in the end.
struct Schemas {
    pool: PgPool,
    made: std::sync::Mutex<Vec<String>>,
}

impl Schemas {
    async fn new() -> Option<Self> {
        let url = postgres()?;
        let pool = PgPoolOptions::new().max_connections(8).connect(&url);
        Some(Self {
            pool: pool.await.unwrap(),
            made: std::sync::Mutex::default(),
        })
    }

    async fn fresh(&self) -> PostgresOutbox {
        let schema = unique("outbox");
        self.made.lock().unwrap().push(schema.clone());
        let store = PostgresOutbox::with_schema(self.pool.clone(), &schema);
        store.await.unwrap()
    }

    async fn drop(self) {
        for schema in self.made.into_inner().unwrap() {
            let drop = format!("DROP SCHEMA {schema} CASCADE");
            sqlx::raw_sql(sqlx::AssertSqlSafe(drop))
                .execute(&self.pool)
                .await
                .unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_conforms() {
    let Some(schemas) = Schemas::new().await else {
        return;
    };
    conforms("PostgreSQL", async || schemas.fresh().await).await;
    schemas.drop().await;
}

#[tokio::test]
async fn postgres_agrees_with_the_store_in_memory() {
    let Some(schemas) = Schemas::new().await else {
        return;
    };
    agrees(async || schemas.fresh().await, 1000).await;
    schemas.drop().await;
}
