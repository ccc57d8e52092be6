//! What the sender delivers: `cargo bench --bench outbound --all-features [-- memory sqlite postgres]`.
//!
//! 50 endpoints on a receiver behind a loopback socket in the same process, 1 KiB of payload, an attempt row a
//! delivery. Deliveries are counted where they arrive, from the start of the dispatcher to the last one. Then one of the
//! 50 hangs for 2 s on each delivery, and only the other 49 are counted. PostgreSQL is the one of `DATABASE_URL`, or
//! the local one, in a schema of its own; what is missing is skipped. All ratios are of one run.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use sqlx::postgres::PgPool;
use sqlx::{AssertSqlSafe, raw_sql};
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};
use tower_webhook::outbound::egress::Egress;
use tower_webhook::outbound::endpoint::NewEndpoint;
use tower_webhook::outbound::event::Event;
use tower_webhook::outbound::store::{
    Attempt, ClaimRequest, HealthEffect, Next, Settlement, TransactionalOutbox,
};
use tower_webhook::outbound::{
    MemoryOutbox, OutboundStore, PostgresOutbox, SealingKey, Sender, SqliteOutbox,
};

const ENDPOINTS: u64 = 50;
const HANG: Duration = Duration::from_secs(2);
const SCHEMA: &str = "tower_webhook_outbound_bench";

/// How much is done: all of it, or just enough to see that it works.
struct Scale {
    events: u64,
    emissions: u64,
    parked: u64,
    claims: u64,
}

const FULL: Scale = Scale {
    events: 600,
    emissions: 2000,
    parked: 1_000_000,
    claims: 200,
};

const TEST: Scale = Scale {
    events: 4,
    emissions: 10,
    parked: 1000,
    claims: 3,
};

struct Receiver {
    addr: SocketAddr,
    arrived: AtomicU64,
    expected: AtomicU64,
    done: Notify,
}

impl Receiver {
    async fn start() -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port is free");
        let receiver = Arc::new(Self {
            addr: listener.local_addr().expect("it is bound"),
            arrived: AtomicU64::new(0),
            expected: AtomicU64::new(u64::MAX),
            done: Notify::new(),
        });
        let shared = Arc::clone(&receiver);
        tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else {
                    continue;
                };
                let _ = stream.set_nodelay(true);
                let receiver = Arc::clone(&shared);
                let service = hyper::service::service_fn(move |request| {
                    let receiver = Arc::clone(&receiver);
                    async move { receiver.take(request).await }
                });
                tokio::spawn(async move {
                    let server = auto::Builder::new(TokioExecutor::new());
                    let _ = server.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        receiver
    }

    async fn take(
        &self,
        request: Request<hyper::body::Incoming>,
    ) -> Result<Response<Empty<Bytes>>, Infallible> {
        let hangs = request.uri().path() == "/hang";
        let _ = request.into_body().collect().await;
        if hangs {
            tokio::time::sleep(HANG).await;
        } else if self.arrived.fetch_add(1, Ordering::Relaxed) + 1
            == self.expected.load(Ordering::Relaxed)
        {
            self.done.notify_one();
        }
        Ok(Response::new(Empty::new()))
    }
}

fn payload() -> Bytes {
    let filler = "x".repeat(1000);
    format!(r#"{{"order":7,"filler":"{filler}"}}"#).into()
}

fn event() -> Event {
    Event::new("order.created", payload()).expect("it is an event type")
}

fn sender<S: OutboundStore>(store: S) -> Sender<S> {
    let egress = Egress::public()
        .allow("127.0.0.0/8")
        .expect("it is a network");
    let builder = Sender::builder(store, SealingKey::new([7; 32])).egress(egress.allow_http());
    builder.build().expect("the settings are safe")
}

/// Deliveries a second that arrive, of those that do not hang.
async fn throughput<S: OutboundStore>(store: S, scale: &Scale, hanging: u64) -> f64 {
    let receiver = Receiver::start().await;
    let sender = sender(store);
    for number in 0..ENDPOINTS {
        let path = if number < hanging { "hang" } else { "take" };
        let new = NewEndpoint::new(format!("http://{}/{path}", receiver.addr));
        sender.endpoints().create(new).await.expect("it is made");
    }
    for _ in 0..scale.events {
        sender.emit(event()).await.expect("it is stored");
    }
    let expected = scale.events * (ENDPOINTS - hanging);
    receiver.expected.store(expected, Ordering::Relaxed);
    let (stop, stopped) = oneshot::channel::<()>();
    let start = Instant::now();
    let running = tokio::spawn(sender.dispatcher().run_until(async { drop(stopped.await) }));
    let waited = tokio::time::timeout(Duration::from_secs(300), receiver.done.notified()).await;
    let took = start.elapsed();
    waited.expect("all arrive");
    if hanging == 0 {
        drop(stop);
        running.await.expect("it drains");
    } else {
        running.abort();
    }
    expected as f64 / took.as_secs_f64()
}

/// Events a second that are emitted one after the other, and from 8 tasks.
async fn emissions<S: OutboundStore>(store: S, scale: &Scale) -> (f64, f64) {
    let sender = sender(store);
    let new = NewEndpoint::new("http://127.0.0.1:9999/take");
    sender.endpoints().create(new).await.expect("it is made");
    let emit = async |count: u64| {
        for _ in 0..count {
            sender.emit(event()).await.expect("it is stored");
        }
    };
    let start = Instant::now();
    emit(scale.emissions).await;
    let alone = scale.emissions as f64 / start.elapsed().as_secs_f64();
    let start = Instant::now();
    let share = scale.emissions / 8 + 1;
    let all: Vec<_> = (0..8).map(|_| emit(share)).collect();
    futures_util::future::join_all(all).await;
    (alone, 8.0 * share as f64 / start.elapsed().as_secs_f64())
}

/// Milliseconds of a claim of 64 deliveries and their settlement.
async fn claims<S: OutboundStore>(store: &S, scale: &Scale) -> f64 {
    let mut took = Vec::new();
    for _ in 0..scale.claims {
        for _ in 0..2 {
            store.emit(&event(), 1000).await.expect("it is stored");
        }
        let start = Instant::now();
        let request = ClaimRequest::new(2000, 60_000, 64);
        let claimed = store.claim(&request).await.expect("the store answers");
        let settle = claimed.deliveries.iter().map(|delivery| {
            let mut attempt = Attempt::new(delivery.held, 2000);
            attempt.status = Some(204);
            let endpoint = delivery.endpoint.endpoint.id.clone();
            Settlement::new(
                attempt,
                endpoint,
                Next::Delivered,
                HealthEffect::Success,
                2000,
            )
        });
        let settle: Vec<_> = settle.collect();
        assert!(!settle.is_empty());
        store.settle(&settle).await.expect("the store answers");
        took.push(start.elapsed().as_secs_f64() * 1000.0);
    }
    took.sort_by(f64::total_cmp);
    took[took.len() / 2]
}

async fn report<S: OutboundStore>(name: &str, scale: &Scale, fresh: impl AsyncFn() -> S) {
    let healthy = throughput(fresh().await, scale, 0).await;
    println!("{name}: 50 healthy endpoints: {healthy:.0} deliveries/s");
    let rest = throughput(fresh().await, scale, 1).await;
    println!(
        "{name}: one of 50 hangs: the others {rest:.0}/s, {:.0} % of what 49 of 50 had",
        100.0 * rest / (healthy * 49.0 / 50.0)
    );
    let (alone, together) = emissions(fresh().await, scale).await;
    println!("{name}: emit: {alone:.0}/s one after the other, {together:.0}/s from 8 tasks");
}

/// What emitting adds to a transaction of the caller's, in milliseconds.
async fn transactions(pool: &PgPool, store: &PostgresOutbox, scale: &Scale) {
    let setup = format!(
        "CREATE TABLE {SCHEMA}.orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY)"
    );
    raw_sql(AssertSqlSafe(setup))
        .execute(pool)
        .await
        .expect("the server answers");
    let insert = format!("INSERT INTO {SCHEMA}.orders DEFAULT VALUES");
    let mut medians = Vec::new();
    for emits in [false, true] {
        let mut took = Vec::new();
        for _ in 0..scale.emissions / 4 + 1 {
            let start = Instant::now();
            let mut tx = pool.begin().await.expect("the server answers");
            let order = sqlx::query(AssertSqlSafe(insert.clone()));
            order.execute(&mut *tx).await.expect("the server answers");
            if emits {
                store
                    .emit_in(&mut tx, &event(), 1000)
                    .await
                    .expect("the server answers");
            }
            tx.commit().await.expect("the server answers");
            took.push(start.elapsed().as_secs_f64() * 1000.0);
        }
        took.sort_by(f64::total_cmp);
        medians.push(took[took.len() / 2]);
    }
    println!(
        "postgres: a transaction of one order: {:.2} ms, with an event {:.2} ms",
        medians[0], medians[1]
    );
}

async fn parked(pool: &PgPool, store: &PostgresOutbox, scale: &Scale) {
    let sender = sender(store.clone());
    for _ in 1..ENDPOINTS {
        let new = NewEndpoint::new("http://127.0.0.1:9999/take");
        sender.endpoints().create(new).await.expect("it is made");
    }
    let before = claims(store, scale).await;
    let park = format!(
        "INSERT INTO {SCHEMA}.outbox_deliveries
             (event, endpoint, state, due_at, leased, attempt, failed, manual, created_at, changed_at)
         SELECT -number, e.id, 0, 1000000000 + number, false, 1, 1, false, 0, 0
         FROM {SCHEMA}.outbox_endpoints e, generate_series(1, {}) number;
         ANALYZE {SCHEMA}.outbox_deliveries",
        scale.parked / ENDPOINTS
    );
    raw_sql(AssertSqlSafe(park))
        .execute(pool)
        .await
        .expect("the server answers");
    let after = claims(store, scale).await;
    println!(
        "postgres: claim and settlement of 64: {before:.2} ms, with {} retries parked {after:.2} ms ({:.2}x)",
        scale.parked,
        after / before
    );
}

async fn on_postgres(pool: &PgPool) -> PostgresOutbox {
    let drop = format!("DROP SCHEMA IF EXISTS {SCHEMA} CASCADE");
    raw_sql(AssertSqlSafe(drop))
        .execute(pool)
        .await
        .expect("the server answers");
    let store = PostgresOutbox::with_schema(pool.clone(), SCHEMA).await;
    store.expect("the tables are made")
}

async fn postgres(scale: &Scale) {
    let url = std::env::var("DATABASE_URL");
    let url = url.unwrap_or_else(|_| "postgres://postgres@127.0.0.1:5432/test".into());
    let options = sqlx::postgres::PgPoolOptions::new().max_connections(10);
    let Ok(pool) = options.test_before_acquire(false).connect(&url).await else {
        return println!("skipped: no server at {url}");
    };
    report("postgres", scale, async || on_postgres(&pool).await).await;
    let store = on_postgres(&pool).await;
    let new = NewEndpoint::new("http://127.0.0.1:9999/take");
    sender(store.clone())
        .endpoints()
        .create(new)
        .await
        .expect("it is made");
    transactions(&pool, &store, scale).await;
    parked(&pool, &on_postgres(&pool).await, scale).await;
    let drop = format!("DROP SCHEMA {SCHEMA} CASCADE");
    raw_sql(AssertSqlSafe(drop))
        .execute(&pool)
        .await
        .expect("the server answers");
}

async fn on_sqlite() -> SqliteOutbox {
    let path = std::env::temp_dir().join("tower_webhook_outbound_bench.db");
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", path.display()));
    }
    let store = SqliteOutbox::connect(&format!("sqlite://{}", path.display())).await;
    store.expect("the file is made")
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_test = arguments.iter().any(|argument| argument == "--test");
    let scale = if is_test { TEST } else { FULL };
    let named: Vec<_> = arguments
        .iter()
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    let is_meant = |name: &str| named.is_empty() || named.iter().any(|named| *named == name);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    runtime.expect("the runtime starts").block_on(async {
        if is_meant("memory") {
            report("memory", &scale, async || MemoryOutbox::new()).await;
        }
        if is_meant("sqlite") {
            report("sqlite", &scale, on_sqlite).await;
        }
        if is_meant("postgres") {
            postgres(&scale).await;
        }
    });
}
