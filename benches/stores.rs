//! What each store costs, beside the tools of its server: `cargo bench --bench stores --all-features`.
//!
//! Redis is a `redis-server` of its own, without persistence; PostgreSQL is the one of `DATABASE_URL`,
//! or the local one, in a schema of its own. What is missing is skipped. Rates are of 32 tasks at once.
//! Round trips are counted by a proxy, one call at a time; on PostgreSQL they include the ping with
//! which the pool takes a connection back, after the caller has its answer.

mod common;

use std::future::Future;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use http::StatusCode;
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, query_scalar, raw_sql};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tower_webhook::store::{
    BoxStore, Claim, Claimant, Fingerprint, IdemKey, IdempotencyStore, LayeredStore, MokaStore,
    PostgresStore, RedisStore, Retention, StoredAnswer,
};

use self::common::table::TableStore;

const TASKS: usize = 32;
const ROUNDS: usize = 5;
const PATIENCE: Duration = Duration::from_secs(30);
const SCHEMA: &str = "tower_webhook_bench";

fn key(number: usize) -> IdemKey {
    IdemKey::compose(
        "github",
        Some("push"),
        &format!("72d3162e-cc78-11e3-81ab-{number:012}"),
    )
}

/// A claim, and its completion where it is granted.
async fn deliver<S: IdempotencyStore>(store: &S, number: usize) {
    let (key, payload, lease) = (
        key(number),
        Fingerprint::of(b"{}"),
        Duration::from_secs(300),
    );
    let claim = store.claim(&key, Claimant::unique(), &payload, lease).await;
    if let Claim::Acquired { fence, .. } = claim.expect("the store answers") {
        let keep = Retention::new(Duration::from_secs(86_400), Duration::from_secs(7 * 86_400));
        let answer = StoredAnswer::new(StatusCode::NO_CONTENT, 1_763_724_670);
        store
            .complete(&key, fence, &answer, keep)
            .await
            .expect("the store answers");
    }
}

/// Deliveries a second, of `count` from `first` on, from 32 tasks.
async fn rate<S: IdempotencyStore>(store: &Arc<S>, first: usize, count: usize) -> f64 {
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let store = Arc::clone(store);
        tasks.spawn(async move {
            for number in (first + task..first + count).step_by(TASKS) {
                deliver(&*store, number).await;
            }
        });
    }
    tasks.join_all().await;
    count as f64 / start.elapsed().as_secs_f64()
}

/// A rate of claims and completions, and one of duplicates.
type Rates = [f64; 2];

/// Measures the store and `raw` in turn, so that a busy machine slows them alike; prints the medians of
/// the rates and of the ratios.
async fn measure<S: IdempotencyStore>(
    name: &str,
    store: S,
    count: usize,
    raw: impl Fn() -> Option<Rates>,
) {
    let store = Arc::new(store);
    let (mut ours, mut theirs) = ([vec![], vec![]], [vec![], vec![]]);
    for round in 0..ROUNDS {
        let (first, count) = (round * count / ROUNDS, count / ROUNDS);
        let raw = raw();
        for (index, (ours, theirs)) in ours.iter_mut().zip(&mut theirs).enumerate() {
            // The second time, the same keys are completed.
            ours.push(rate(&store, first, count).await);
            theirs.extend(raw.map(|raw| raw[index]));
        }
    }
    let names = ["claim + complete/s", "duplicates/s"];
    for ((what, ours), theirs) in names.into_iter().zip(ours).zip(theirs) {
        let ratios = ours.iter().zip(&theirs).map(|(ours, raw)| ours / raw);
        let ratio = median(ratios.collect()).map_or_else(String::new, |ratio| {
            let raw = median(theirs.clone()).unwrap_or_default();
            format!("{raw:>10.0} raw  ours / raw {ratio:>5.2}")
        });
        let ours = median(ours).unwrap_or_default();
        println!("{name:<26} {ours:>10.0} {what:<20} {ratio}");
    }
}

fn median(mut figures: Vec<f64>) -> Option<f64> {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied()
}

/// Passes bytes on, and counts how often a client spoke after the server had.
struct Proxy {
    address: SocketAddr,
    trips: Arc<AtomicU64>,
}

impl Proxy {
    async fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let trips = Arc::<AtomicU64>::default();
        let counter = Arc::clone(&trips);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let upstream = TcpStream::connect(server)
                    .await
                    .expect("the server is there");
                tokio::spawn(pass(client, upstream, Arc::clone(&counter)));
            }
        });
        Self { address, trips }
    }

    async fn count(&self, what: &str, call: impl Future<Output = ()>) {
        let before = self.trips.load(Ordering::Relaxed);
        call.await;
        settle().await;
        let trips = self.trips.load(Ordering::Relaxed) - before;
        println!("  round trips of a {what:<28} {trips}");
    }
}

async fn pass(mut client: TcpStream, mut server: TcpStream, trips: Arc<AtomicU64>) {
    let (mut question, mut answer) = ([0; 65_536], [0; 65_536]);
    let mut is_answered = true;
    loop {
        tokio::select! {
            read = client.read(&mut question) => {
                let Ok(length @ 1..) = read else { return };
                trips.fetch_add(u64::from(is_answered), Ordering::Relaxed);
                is_answered = false;
                if server.write_all(&question[..length]).await.is_err() { return }
            }
            read = server.read(&mut answer) => {
                let Ok(length @ 1..) = read else { return };
                is_answered = true;
                if client.write_all(&answer[..length]).await.is_err() { return }
            }
        }
    }
}

/// Waits until nobody speaks any more: a pool takes its connections back in tasks of its own.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(100)).await;
}

/// Counts the trips of a delivery that is new, and of its duplicate, on a connection in use.
async fn count_trips<S: IdempotencyStore>(proxy: &Proxy, store: &S, first: usize) {
    // Scripts are loaded and statements prepared once a connection.
    for number in [first, first] {
        deliver(store, number).await;
    }
    settle().await;
    let next = first + 1;
    proxy.count("claim + complete", deliver(store, next)).await;
    proxy.count("duplicate", deliver(store, next)).await;
}

struct Server {
    process: Child,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

async fn redis_server() -> Option<Server> {
    let free = TcpListener::bind("127.0.0.1:0").await.ok()?;
    let number = free.local_addr().ok()?.port();
    drop(free);
    let port = number.to_string();
    let process = Command::new("redis-server")
        .args([
            "--port",
            &port,
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
        ])
        .stdout(Stdio::null())
        .spawn();
    let server = Server {
        process: process.ok()?,
        port: number,
    };
    while TcpStream::connect(("127.0.0.1", number)).await.is_err() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Some(server)
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

async fn redis(count: usize) {
    let Some(server) = redis_server().await else {
        println!("skipped: no redis-server");
        return;
    };
    let number = server.port;
    let connect = async |port: u16| {
        let builder = RedisStore::builder(&format!("redis://127.0.0.1:{port}"));
        builder
            .timeout(PATIENCE)
            .connect()
            .await
            .expect("the server is there")
    };
    let store = connect(number).await;
    let memory = || {
        let facts = output("redis-cli", &["-p", &number.to_string(), "info", "memory"])?;
        let line = facts
            .lines()
            .find_map(|line| line.strip_prefix("used_memory:"))?;
        line.trim().parse::<f64>().ok()
    };
    let before = memory();
    let (port, calls) = (number.to_string(), (count / ROUNDS).to_string());
    let raw = || {
        let arguments = [
            "-p", &port, "-c", "32", "-n", &calls, "-t", "set,get", "--csv",
        ];
        let figures = output("redis-benchmark", &arguments)?;
        let rate = |name: &str| -> Option<f64> {
            let line = figures.lines().find(|line| line.starts_with(name))?;
            line.split(',').nth(1)?.trim_matches('"').parse().ok()
        };
        // Two SET are to a claim and its completion what one GET is to a duplicate.
        Some([rate("\"SET\"")? / 2.0, rate("\"GET\"")?])
    };
    measure("RedisStore", store.clone(), count, raw).await;
    if let (Some(before), Some(after)) = (before, memory()) {
        println!("  bytes a record {:>5.0}", (after - before) / count as f64);
    }
    let proxy = Proxy::start(([127, 0, 0, 1], number).into()).await;
    count_trips(&proxy, &connect(proxy.address.port()).await, 1_000_000).await;
    let store = RedisStore::builder(&format!("redis://127.0.0.1:{number}")).prefix("layered:");
    let store = store
        .timeout(PATIENCE)
        .connect()
        .await
        .expect("the server is there");
    let layered = LayeredStore::with_capacity(store, 1 << 20);
    measure("LayeredStore<RedisStore>", layered, count, || None).await;
    let store = LayeredStore::new(connect(proxy.address.port()).await);
    count_trips(&proxy, &store, 2_000_000).await;
}

async fn postgres(count: usize, is_test: bool) {
    let default = "postgres://postgres@127.0.0.1:5432/test";
    let url = std::env::var("DATABASE_URL").unwrap_or_else(|_| default.to_owned());
    let options = PgPoolOptions::new().acquire_timeout(Duration::from_secs(3));
    let Ok(pool) = options.connect(&url).await else {
        println!("skipped: no PostgreSQL");
        return;
    };
    let prepare = format!("DROP SCHEMA IF EXISTS {SCHEMA} CASCADE");
    execute(&pool, &prepare).await;
    let builder = || PostgresStore::builder().schema(SCHEMA).timeout(PATIENCE);
    let store = builder().connect(&url).await.expect("the server is there");
    execute(
        &pool,
        &format!("CREATE TABLE {SCHEMA}.raw (k text PRIMARY KEY, v bytea)"),
    )
    .await;
    let write = format!(
        "\\set k random(1, 1000000000)\n\
         INSERT INTO {SCHEMA}.raw VALUES (:k::text, repeat('a', 64)::bytea) ON CONFLICT DO NOTHING;\n\
         UPDATE {SCHEMA}.raw SET v = repeat('b', 64)::bytea WHERE k = :k::text;\n"
    );
    let read =
        format!("\\set k random(1, 1000000000)\nSELECT v FROM {SCHEMA}.raw WHERE k = :k::text;\n");
    let seconds = if is_test { "1" } else { "2" };
    let pgbench = |script: &str| -> Option<f64> {
        let file = std::env::temp_dir().join(format!("{SCHEMA}_{}.sql", std::process::id()));
        std::fs::write(&file, script).ok()?;
        let path = file.to_str()?;
        let arguments = [
            "-n", "-M", "prepared", "-c", "10", "-j", "2", "-T", seconds, "-f", path, &url,
        ];
        let figures = output("pgbench", &arguments)?;
        std::fs::remove_file(&file).ok()?;
        let line = figures
            .lines()
            .find_map(|line| line.strip_prefix("tps = "))?;
        line.split(' ').next()?.parse().ok()
    };
    // One INSERT and one UPDATE by ten clients; one SELECT by ten clients.
    let raw = || Some([pgbench(&write)?, pgbench(&read)?]);
    measure("PostgresStore", store.clone(), count, raw).await;
    let size = format!("SELECT pg_total_relation_size('{SCHEMA}.deliveries')");
    let size: i64 = query_scalar(AssertSqlSafe(size))
        .fetch_one(&pool)
        .await
        .expect("a size");
    println!("  bytes a record {:>5.0}", size as f64 / count as f64);
    let address = pool.connect_options();
    let server = (address.get_host(), address.get_port());
    let server = tokio::net::lookup_host(server)
        .await
        .ok()
        .and_then(|mut found| found.next());
    if let Some(server) = server {
        let proxy = Proxy::start(server).await;
        let through = (*address)
            .clone()
            .host("127.0.0.1")
            .port(proxy.address.port());
        let one = PgPoolOptions::new()
            .max_connections(1)
            .test_before_acquire(false);
        let one = one
            .connect_with(through)
            .await
            .expect("the server is there");
        let store = builder().with_pool(one).await.expect("it is made");
        count_trips(&proxy, &store, 1_000_000).await;
    }
    execute(&pool, &format!("DROP SCHEMA {SCHEMA} CASCADE")).await;
}

async fn execute(pool: &PgPool, text: &str) {
    raw_sql(AssertSqlSafe(text))
        .execute(pool)
        .await
        .expect("it is allowed");
}

/// Resident memory of this process, in bytes, where the system says it.
fn resident() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: f64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib * 1024.0)
}

#[tokio::main(worker_threads = 2)]
async fn main() {
    // `cargo test --benches` only asks whether this runs.
    let is_test = std::env::args().any(|arg| arg == "--test");
    let scale = if is_test { 100 } else { 1 };
    // First, while the process holds nothing else.
    let count = 262_144 / scale;
    let (store, before) = (Arc::new(MokaStore::with_capacity(count)), resident());
    rate(&store, 0, count).await;
    if let (Some(before), Some(after)) = (before, resident()) {
        println!(
            "MokaStore, bytes a record {:>5.0}",
            (after - before) / count as f64
        );
    }
    drop(store);
    let store = MokaStore::with_capacity(count);
    measure("MokaStore", store, count, || None).await;
    // The least that a store can be, for comparison.
    measure("a table under a lock", TableStore::new(), count, || None).await;
    let store = BoxStore::new(MokaStore::with_capacity(count));
    measure("BoxStore of MokaStore", store, count, || None).await;
    redis(100_000 / scale).await;
    postgres(10_000 / scale, is_test).await;
}
