//! What only PostgreSQL is measured by.

use std::time::Instant;

use sqlx::postgres::PgPool;
use sqlx::{AssertSqlSafe, raw_sql};
use tower_webhook::outbound::endpoint::NewEndpoint;
use tower_webhook::outbound::store::{
    Attempt, ClaimRequest, HealthEffect, Next, Settlement, TransactionalOutbox as _,
};
use tower_webhook::outbound::{OutboundStore as _, PostgresOutbox};

use crate::Scale;
use crate::sending::{self, ENDPOINTS, median, sender, unsent};

const SCHEMA: &str = "tower_webhook_outbound_bench";
const PARKED: &str = "tower_webhook_outbound_parked";

pub(crate) fn url() -> String {
    let url = std::env::var("DATABASE_URL");
    url.unwrap_or_else(|_| "postgres://postgres@127.0.0.1:5432/test".into())
}

/// Ten connections, as `PostgresOutbox::connect` opens. `None` where there is no server.
pub(crate) async fn pool() -> Option<PgPool> {
    let options = sqlx::postgres::PgPoolOptions::new().max_connections(10);
    let pool = options.test_before_acquire(false).connect(&url()).await;
    if pool.is_err() {
        println!("skipped: no PostgreSQL at DATABASE_URL");
    }
    pool.ok()
}

pub(crate) async fn run(pool: &PgPool, statement: String) {
    let ask = || raw_sql(AssertSqlSafe(statement.clone())).execute(pool);
    // Statements of a dispatcher that was ended may still run, and meet it in a deadlock.
    if ask().await.is_err() {
        ask().await.expect("the server answers");
    }
}

/// A store with nothing in it, and a server that is not busy with the one before.
pub(crate) async fn fresh(pool: &PgPool) -> PostgresOutbox {
    run(pool, format!("DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")).await;
    run(pool, "CHECKPOINT".to_owned()).await;
    let store = PostgresOutbox::with_schema(pool.clone(), SCHEMA).await;
    store.expect("the tables are made")
}

/// Measures those parts that `is_meant`.
pub(crate) async fn report(scale: &Scale, is_meant: impl Fn(&str) -> bool) {
    let Some(pool) = pool().await else { return };
    if is_meant("postgres") {
        sending::report("postgres", scale, async || fresh(&pool).await).await;
    }
    if is_meant("transactions") {
        let store = fresh(&pool).await;
        endpoints(&store, 1).await;
        transactions(&pool, &store, scale).await;
    }
    if is_meant("parked") {
        run(&pool, format!("DROP SCHEMA IF EXISTS {PARKED} CASCADE")).await;
        parked(&pool, scale).await;
    }
    run(&pool, format!("DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")).await;
}

async fn endpoints(store: &PostgresOutbox, count: u64) {
    let sender = sender(store.clone());
    for _ in 0..count {
        let new = NewEndpoint::new("http://127.0.0.1:9999/take");
        sender.endpoints().create(new).await.expect("it is made");
    }
}

/// What emitting adds to a transaction of the caller's, in milliseconds; both in turn.
async fn transactions(pool: &PgPool, store: &PostgresOutbox, scale: &Scale) {
    let id = "id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY";
    run(pool, format!("CREATE TABLE {SCHEMA}.orders ({id})")).await;
    let insert = format!("INSERT INTO {SCHEMA}.orders DEFAULT VALUES");
    let mut took = [Vec::new(), Vec::new()];
    for number in 0..scale.emissions {
        let emits = number % 2 == 1;
        let event = unsent();
        let start = Instant::now();
        let mut tx = pool.begin().await.expect("the server answers");
        let order = sqlx::query(AssertSqlSafe(insert.clone()));
        order.execute(&mut *tx).await.expect("the server answers");
        if emits {
            let emitted = store.emit_in(&mut tx, &event, 1000).await;
            emitted.expect("the server answers");
        }
        tx.commit().await.expect("the server answers");
        took[usize::from(emits)].push(start.elapsed().as_secs_f64() * 1000.0);
    }
    let [without, with] = took.map(median);
    println!(
        "postgres: a transaction of one order: {without:.2} ms, with an event {with:.2} ms ({:.2} ms more)",
        with - without
    );
}

/// Milliseconds of a claim of 50 deliveries and of their settlement.
async fn claim(store: &PostgresOutbox) -> [f64; 2] {
    store.emit(&unsent(), 1000).await.expect("it is stored");
    let start = Instant::now();
    let request = ClaimRequest::new(2000, 60_000, 64);
    let claimed = store.claim(&request).await.expect("the store answers");
    let claiming = start.elapsed().as_secs_f64() * 1000.0;
    assert_eq!(claimed.deliveries.len() as u64, ENDPOINTS);
    let settlements: Vec<_> = claimed
        .deliveries
        .iter()
        .map(|delivery| {
            let mut attempt = Attempt::new(delivery.held, 2000);
            attempt.status = Some(204);
            let endpoint = delivery.endpoint.endpoint.id.clone();
            let health = HealthEffect::Success;
            Settlement::new(attempt, endpoint, Next::Delivered, health, 2000)
        })
        .collect();
    let start = Instant::now();
    store.settle(&settlements).await.expect("the store answers");
    [claiming, start.elapsed().as_secs_f64() * 1000.0]
}

/// Two stores in turn, one of them with retries that are due in years.
async fn parked(pool: &PgPool, scale: &Scale) {
    let empty = fresh(pool).await;
    let full = PostgresOutbox::with_schema(pool.clone(), PARKED).await;
    let full = full.expect("the tables are made");
    for store in [&empty, &full] {
        endpoints(store, ENDPOINTS).await;
    }
    let park = format!(
        "INSERT INTO {PARKED}.outbox_deliveries
             (event, endpoint, state, due_at, leased, attempt, failed, manual, created_at, changed_at)
         SELECT -number, e.id, 0, 1000000000 + number, false, 1, 1, false, 0, 0
         FROM {PARKED}.outbox_endpoints e, generate_series(1, {}) number",
        scale.parked / ENDPOINTS
    );
    run(pool, park).await;
    for schema in [SCHEMA, PARKED] {
        run(pool, format!("VACUUM ANALYZE {schema}.outbox_deliveries")).await;
    }
    run(pool, "CHECKPOINT".to_owned()).await;
    // The first ones find caches cold, and write pages whole after the checkpoint.
    for _ in 0..scale.claims / 4 {
        claim(&empty).await;
        claim(&full).await;
    }
    let [mut claims, mut settlements] = [(); 2].map(|()| [Vec::new(), Vec::new()]);
    for _ in 0..scale.claims {
        for (number, store) in [&empty, &full].into_iter().enumerate() {
            let [claiming, settling] = claim(store).await;
            claims[number].push(claiming);
            settlements[number].push(settling);
        }
    }
    let ratio = |of: &[Vec<f64>; 2]| {
        let [empty, full] = of;
        median(
            empty
                .iter()
                .zip(full)
                .map(|(one, other)| other / one)
                .collect(),
        )
    };
    let (claiming, settling) = (ratio(&claims), ratio(&settlements));
    let [[claim, late], [settle, after]] = [claims, settlements].map(|both| both.map(median));
    println!(
        "postgres: claim of 50 {claim:.2} ms, with {} retries parked {late:.2} ms ({claiming:.2}x); settlement {settle:.2} ms, then {after:.2} ms ({settling:.2}x)",
        scale.parked
    );
    run(pool, format!("DROP SCHEMA {PARKED} CASCADE")).await;
}
