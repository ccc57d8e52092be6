//! The suite and the histories on real servers, by the clocks of the servers.

use std::sync::Arc;
use std::time::Duration;

use sqlx::AssertSqlSafe;
use tower_webhook::store::conformance::{Testbed, run};
use tower_webhook::store::{IdempotencyStore, LayeredStore, PostgresStore, RedisStore, Retention};

use super::history;
use crate::store::servers;

/// A store on a server whose time nobody sets: it is waited for.
struct Sleeping<S> {
    store: S,
    lease: Duration,
}

impl<S: IdempotencyStore + Clone> Testbed for Sleeping<S> {
    type Store = S;

    async fn store(&self) -> S {
        self.store.clone()
    }

    async fn pass(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    fn lease(&self) -> Duration {
        self.lease
    }
}

/// Others share the machine and its disk.
const PATIENCE: Duration = Duration::from_secs(30);

async fn redis(name: &str) -> Option<RedisStore> {
    let url = servers::redis()?;
    let prefix = servers::unique(name);
    let builder = RedisStore::builder(&url).prefix(prefix).timeout(PATIENCE);
    Some(builder.connect().await.unwrap())
}

async fn postgres(schema: &str) -> Option<PostgresStore> {
    let url = servers::postgres()?;
    let builder = PostgresStore::builder().schema(schema).timeout(PATIENCE);
    Some(builder.max_connections(16).connect(&url).await.unwrap())
}

async fn drop_schema(schema: &str) {
    let pool = sqlx::PgPool::connect(&servers::postgres().unwrap()).await;
    let text = format!("DROP SCHEMA {schema} CASCADE");
    let drop = sqlx::query(AssertSqlSafe(text));
    drop.execute(&pool.unwrap()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_conforms_by_its_own_clock() {
    let Some(store) = redis("clock").await else {
        return;
    };
    let lease = Duration::from_millis(700);
    println!("{} facts on redis", run(&Sleeping { store, lease }).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_conforms_by_its_own_clock() {
    let schema = servers::unique("clock");
    let Some(store) = postgres(&schema).await else {
        return;
    };
    let lease = Duration::from_secs(1);
    println!(
        "{} facts on postgres",
        run(&Sleeping { store, lease }).await
    );
    drop_schema(&schema).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_histories_of_redis_are_right() {
    let Some(store) = redis("history").await else {
        return;
    };
    let lease = Duration::from_millis(25);
    let stores = [Arc::new(store)];
    let report = history::survey(&stores, "redis", history::claims(), lease).await;
    report.is_right();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_histories_of_two_layered_stores_on_one_redis_are_right() {
    let Some(store) = redis("layered").await else {
        return;
    };
    let hour = Duration::from_secs(3600);
    let layered = |store| LayeredStore::new(store).with_retention(Retention::new(hour, hour));
    let stores = [store.clone(), store].map(|store| Arc::new(layered(store)));
    let lease = Duration::from_millis(25);
    let report = history::survey(&stores, "layered, two of them", history::claims(), lease).await;
    report.is_right();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_histories_of_postgres_are_right() {
    let schema = servers::unique("history");
    let Some(store) = postgres(&schema).await else {
        return;
    };
    let lease = Duration::from_millis(50);
    let stores = [Arc::new(store)];
    let report = history::survey(&stores, "postgres", history::claims(), lease).await;
    report.is_right();
    drop_schema(&schema).await;
}
