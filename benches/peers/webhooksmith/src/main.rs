//! `peer-webhooksmith DATABASE_URL EVENTS HANGING`: prints the deliveries a second of webhooksmith that arrive, of
//! EVENTS to 50 endpoints of which HANGING hang.
//!
//! It does what `benches/outbound` does: emits first, then starts the worker, and counts arrivals. Its README names
//! what can be chosen: the batch (50 by default) and the connections (20). A delivery takes six statements of its own, so
//! a larger batch (200) with more connections (40) lets more commits share a sync; `BATCH` and `CONNECTIONS` set others.

#[path = "../../../outbound/receiver.rs"]
mod receiver;

use std::env::args;
use std::time::Instant;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use webhooksmith::WebhookEngine;

const ENDPOINTS: u64 = 50;
const SCHEMA: &str = "webhooksmith_bench";

fn setting(name: &str, default: u32) -> u32 {
    let text = std::env::var(name).ok();
    text.map_or(default, |text| text.parse().expect("it is a number"))
}

async fn fresh(url: &str) -> PgPool {
    let options: PgConnectOptions = url.parse().expect("it is an address");
    let options = options.options([("search_path", SCHEMA)]);
    let pool = PgPoolOptions::new().max_connections(setting("CONNECTIONS", 40));
    let pool = pool.test_before_acquire(false).connect_with(options).await;
    let pool = pool.expect("the server answers");
    for statement in [
        "DROP SCHEMA IF EXISTS webhooksmith_bench CASCADE",
        "CHECKPOINT",
        "CREATE SCHEMA webhooksmith_bench",
    ] {
        let done = sqlx::raw_sql(statement).execute(&pool).await;
        done.expect("the server answers");
    }
    pool
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = args().skip(1).collect();
    let [url, events, hanging] = &arguments[..] else {
        panic!("DATABASE_URL EVENTS HANGING");
    };
    let events: u64 = events.parse().expect("it is a number");
    let hanging: u64 = hanging.parse().expect("it is a number");
    let pool = fresh(url).await;
    let engine = WebhookEngine::builder()
        .pool(pool.clone())
        .batch_size(setting("BATCH", 200).into())
        .allow_insecure_urls()
        .build()
        .await
        .expect("the settings are safe");
    engine.migrate().await.expect("the tables are made");
    let receiver = receiver::Receiver::start().await;
    for number in 0..ENDPOINTS {
        let url = receiver.url(number, hanging);
        let made = engine
            .register(&url, "a-secret-of-32-letters-or-so-000")
            .await;
        made.expect("it is made");
    }
    for _ in 0..events {
        let payload = receiver.payload(Instant::now());
        let payload = serde_json::from_str(&payload).expect("it is JSON");
        let sent = engine.broadcast("order.created", payload).await;
        assert_eq!(sent.expect("it is stored").len() as u64, ENDPOINTS);
    }
    let expected = events * (ENDPOINTS - hanging);
    let start = Instant::now();
    tokio::spawn(async move { engine.run().await });
    receiver.arrival_of(expected).await;
    println!("{:.1}", expected as f64 / start.elapsed().as_secs_f64());
    let done = sqlx::raw_sql("DROP SCHEMA webhooksmith_bench CASCADE").execute(&pool);
    let _ = tokio::time::timeout(std::time::Duration::from_secs(5), done).await;
}
