//! SIGKILL between verification and the answer: the sender's retry finds nothing lost, and nothing twice.

use std::io::{BufRead as _, BufReader, Lines, Read as _};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use apalis_postgres::PgPool;
use axum::Router;
use bytes::Bytes;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tower_webhook::Inbound;
use tower_webhook::handoff::{Enqueued, Handoff, JetStreamQueue, Job, Queue, QueueError};
use tower_webhook::store::RedisStore;

use super::apalis::Database;
use super::nats::{Stream, nats};
use super::{apalis, delivery, scheme};
use crate::store::servers::{redis, unique};

/// A receiver as a process of its own: this binary, started again.
struct Receiver {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
    port: u16,
}

impl Receiver {
    fn start(orders: &[(&str, &str)], stall: &str) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args([
                "handoff::kill::receive",
                "--exact",
                "--ignored",
                "--nocapture",
            ])
            .envs(orders.iter().copied())
            .env("HANDOFF_STALL", stall)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let port = wait_for(&mut lines, "listening on ").parse().unwrap();
        Self {
            process,
            lines,
            port,
        }
    }

    /// SIGKILL, once the receiver stands still.
    fn kill_when_stalled(mut self) {
        wait_for(&mut self.lines, "stalled");
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn wait_for(lines: &mut Lines<BufReader<ChildStdout>>, said: &str) -> String {
    let mut lines = lines.map_while(Result::ok);
    let rest = lines.find_map(|line| Some(line.split_once(said)?.1.to_owned()));
    rest.expect("the receiver says so")
}

/// One try. `None` where the connection broke.
async fn post(port: u16) -> Option<(u16, u64)> {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let mut req = delivery::<Full<Bytes>>("a", "{}");
    *req.uri_mut() = format!("http://127.0.0.1:{port}/").parse().unwrap();
    let response = client.request(req).await.ok()?;
    let wait = response.headers().get("retry-after");
    let wait = wait.map_or(0, |wait| wait.to_str().unwrap().parse().unwrap());
    Some((response.status().as_u16(), wait))
}

/// A sender whose first try meets a receiver that dies, and that then does as `Retry-After` says.
async fn deliver(orders: &[(&str, &str)], stall: &str) {
    let dying = Receiver::start(orders, stall);
    let first = tokio::spawn(post(dying.port));
    tokio::task::spawn_blocking(|| dying.kill_when_stalled())
        .await
        .unwrap();
    assert_eq!(first.await.unwrap(), None);
    let next = Receiver::start(orders, "nowhere");
    let retries = async {
        loop {
            match post(next.port).await {
                Some((202, _)) => return,
                Some((503, wait)) => tokio::time::sleep(Duration::from_secs(wait)).await,
                other => panic!("{other:?}"),
            }
        }
    };
    let retried = tokio::time::timeout(Duration::from_secs(60), retries).await;
    retried.expect("the retry is accepted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_on_jetstream_that_is_killed_loses_nothing() {
    let (Some(redis), Some(nats)) = (redis(), nats()) else {
        return;
    };
    for stall in ["before", "after"] {
        let stream = Stream::new(&nats, |_| {}).await;
        let orders = [
            ("HANDOFF_REDIS", &*redis),
            ("HANDOFF_NAME", &*stream.name),
            ("HANDOFF_NATS", &nats),
        ];
        deliver(&orders, stall).await;
        assert_eq!(stream.jobs().await.len(), 1, "{stall}");
        stream.delete().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_on_apalis_that_is_killed_loses_nothing() {
    let Some(redis) = redis() else { return };
    let Some(database) = Database::new().await else {
        return;
    };
    for stall in ["before", "after"] {
        let name = unique("handoff");
        let orders = [
            ("HANDOFF_REDIS", &*redis),
            ("HANDOFF_NAME", &*name),
            ("HANDOFF_POSTGRES", &database.url),
        ];
        deliver(&orders, stall).await;
        assert_eq!(database.jobs().await.len(), 1, "{stall}");
        let emptied = sqlx::query("DELETE FROM apalis.jobs").execute(&database.pool);
        emptied.await.unwrap();
    }
    database.delete().await;
}

/// A queue that stands still for ever, before or after it has the job.
struct Stalling<Q>(Q, String);

impl<Q: Queue> Stalling<Q> {
    async fn at(&self, place: &str) {
        if self.1 == place {
            println!("stalled");
            std::future::pending().await
        }
    }
}

impl<Q: Queue> Queue for Stalling<Q> {
    async fn enqueue(&self, job: &Job) -> Result<Enqueued, QueueError> {
        self.at("before").await;
        let enqueued = self.0.enqueue(job).await?;
        self.at("after").await;
        Ok(enqueued)
    }
}

async fn serve<Q: Queue>(queue: Q, stall: String) {
    let variable = |name| std::env::var(name).unwrap();
    let store = RedisStore::builder(&variable("HANDOFF_REDIS")).prefix(variable("HANDOFF_NAME"));
    let inbound = Inbound::builder_with_store(scheme(), store.connect().await.unwrap())
        .lease(Duration::from_secs(1));
    let app: Router = Router::new()
        .route_service("/", Handoff::new(Stalling(queue, stall)))
        .layer(inbound.build().unwrap());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("listening on {}", listener.local_addr().unwrap().port());
    axum::serve(listener, app).await.unwrap();
}

/// A process: it listens until it is killed, or until who started it is gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "what the other tests start as a process"]
async fn receive() {
    let Ok(stall) = std::env::var("HANDOFF_STALL") else {
        return;
    };
    std::thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
    if let Ok(url) = std::env::var("HANDOFF_NATS") {
        let name = std::env::var("HANDOFF_NAME").unwrap();
        let queue = JetStreamQueue::builder(&name, &name).connect(&url).await;
        serve(queue.unwrap(), stall).await;
    } else {
        let url = std::env::var("HANDOFF_POSTGRES").unwrap();
        let pool = PgPool::connect(&url).await.unwrap();
        serve(apalis::queue(&pool), stall).await;
    }
}
