//! Two processes of the stack over one store, sent the same at the same time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::fleet::{Effects, Worker, workers};
use crate::number;
use crate::sender::{Sender, is_duplicate};
use crate::servers;
use crate::worker::{Orders, made};

const SENDERS: usize = 16;

/// How the deliveries were answered.
#[derive(Debug, Default)]
struct Tally {
    first: AtomicUsize,
    recorded: AtomicUsize,
    in_progress: AtomicUsize,
    /// The store did not answer in 500 ms: the sender comes again.
    outages: AtomicUsize,
}

impl Tally {
    /// Whether the answer was the last.
    fn take(&self, event: u64, answer: &Response<Bytes>) -> bool {
        let count = match answer.status().as_u16() {
            201 => {
                assert_eq!(answer.body(), &made(event));
                match is_duplicate(answer) {
                    true => &self.recorded,
                    false => &self.first,
                }
            }
            503 => {
                assert!(answer.headers().contains_key("retry-after"));
                let text = String::from_utf8_lossy(answer.body());
                match text.contains("processing") {
                    true => &self.in_progress,
                    false => &self.outages,
                }
            }
            other => panic!("{event}: {other}"),
        };
        count.fetch_add(1, Ordering::SeqCst);
        answer.status() == 201
    }
}

/// Until the delivery is accepted.
async fn deliver(sender: &Sender, worker: &Worker, event: u64, tally: &Tally) {
    for _ in 0..1000 {
        let answer = sender.send(worker.port(), event).await;
        if tally.take(event, &answer.expect("nobody is killed")) {
            return;
        }
        sleep(Duration::from_millis(20)).await;
    }
    panic!("{event} is not accepted");
}

async fn share(name: &str, orders: &Orders, effects: &Effects) {
    let deliveries = number("DELIVERIES", 1000) as u64;
    // Three of ten deliveries repeat one that is under way.
    let (events, doubled) = (deliveries - deliveries * 3 / 10, deliveries * 3 / 10);
    let pair: Arc<[Worker]> = workers(orders, 2).into();
    let (next, tally) = (Arc::new(AtomicU64::new(0)), Arc::new(Tally::default()));
    let sender = Sender::new();
    let mut senders = JoinSet::new();
    for _ in 0..SENDERS {
        let (pair, sender) = (Arc::clone(&pair), sender.clone());
        let (next, tally) = (Arc::clone(&next), Arc::clone(&tally));
        senders.spawn(async move {
            loop {
                let event = next.fetch_add(1, Ordering::SeqCst);
                if event >= events {
                    return;
                }
                let one = deliver(&sender, &pair[event as usize % 2], event, &tally);
                if event < doubled {
                    let two = deliver(&sender, &pair[1 - event as usize % 2], event, &tally);
                    tokio::join!(one, two);
                } else {
                    one.await;
                }
            }
        });
    }
    senders.join_all().await;
    let effects = effects.count();
    println!("{name}: {deliveries} deliveries of {events} events, {tally:?}");
    assert_eq!(effects.len() as u64, events);
    assert!(effects.values().all(|times| *times == 1));
    assert_eq!(tally.first.load(Ordering::SeqCst) as u64, events);
    assert_eq!(tally.recorded.load(Ordering::SeqCst) as u64, doubled);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_on_one_redis_handle_each_delivery_once() {
    let Some(url) = servers::redis() else {
        return;
    };
    two_processes("redis", url).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_on_one_postgres_handle_each_delivery_once() {
    let Some(url) = servers::postgres() else {
        return;
    };
    let schema = two_processes("postgres", url.clone()).await;
    let pool = sqlx::PgPool::connect(&url).await.unwrap();
    let drop = format!("DROP SCHEMA {schema} CASCADE");
    let drop = sqlx::raw_sql(sqlx::AssertSqlSafe(drop))
        .execute(&pool)
        .await;
    drop.unwrap();
}

async fn two_processes(store: &str, url: String) -> String {
    let name = servers::unique("pair");
    let effects = Effects::new(&name);
    let orders = Orders {
        url,
        name: name.clone(),
        effects: Some(effects.0.clone()),
        lease: Duration::from_secs(30),
        subscription: None,
    };
    share(store, &orders, &effects).await;
    name
}
