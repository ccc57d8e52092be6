//! SIGKILL while deliveries flow: what was accepted has taken effect, and hardly anything twice.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sqlx::{AssertSqlSafe, PgPool};
use tokio::task::JoinSet;

use crate::fleet::{Effects, Worker, count, workers};
use crate::number;
use crate::sender::Sender;
use crate::servers::{self, Server};
use crate::worker::Orders;

const WORKERS: usize = 4;
/// More than workers: who waits for a lease to end keeps nobody from sending.
const SENDERS: u64 = 16;

/// Sends events to workers of `orders` while `kill` is called `kills` times, then all of them again.
/// How many there were.
async fn flow(
    orders: &Orders,
    kills: usize,
    mut kill: impl FnMut(&[Worker], usize) + Send + 'static,
) -> u64 {
    let workers: Arc<[Worker]> = workers(orders, WORKERS).into();
    let (next, is_over) = (
        Arc::new(AtomicU64::new(0)),
        Arc::new(AtomicBool::new(false)),
    );
    let sender = Sender::new();
    let mut senders = JoinSet::new();
    for _ in 0..SENDERS {
        let (next, is_over) = (Arc::clone(&next), Arc::clone(&is_over));
        let (workers, sender) = (Arc::clone(&workers), sender.clone());
        senders.spawn(async move {
            while !is_over.load(Ordering::SeqCst) {
                let event = next.fetch_add(1, Ordering::SeqCst);
                sender.deliver(&workers, event).await;
            }
        });
    }
    let killed = Arc::clone(&workers);
    let killing = tokio::task::spawn_blocking(move || {
        for number in 0..kills {
            // Times that meet a delivery in each of its states, over many kills.
            std::thread::sleep(Duration::from_millis(200 + (number as u64 * 37) % 211));
            kill(&killed, number);
        }
    });
    killing.await.unwrap();
    is_over.store(true, Ordering::SeqCst);
    senders.join_all().await;
    // Everything once more: what is not remembered runs again, and is seen.
    let events = next.load(Ordering::SeqCst);
    let repeated = Arc::new(AtomicU64::new(0));
    let again = Arc::new(AtomicUsize::new(0));
    let mut senders = JoinSet::new();
    for _ in 0..SENDERS {
        let (next, again) = (Arc::clone(&repeated), Arc::clone(&again));
        let (workers, sender) = (Arc::clone(&workers), sender.clone());
        senders.spawn(async move {
            loop {
                let event = next.fetch_add(1, Ordering::SeqCst);
                if event >= events {
                    return;
                }
                let is_new = !sender.deliver(&workers, event).await;
                again.fetch_add(usize::from(is_new), Ordering::SeqCst);
            }
        });
    }
    senders.join_all().await;
    println!(
        "{} of {events} were not known any more",
        again.load(Ordering::SeqCst)
    );
    events
}

/// Every accepted event has taken effect, and at most so many took effect once more.
fn judge(name: &str, events: u64, kills: usize, effects: &HashMap<u64, usize>, most: usize) {
    let lost = (0..events)
        .filter(|event| !effects.contains_key(event))
        .count();
    let double: usize = effects.values().map(|times| times - 1).sum();
    println!("{name}: {kills} kills, {events} events, {lost} lost, {double} double effects");
    assert_eq!(lost, 0);
    assert!(double <= most, "{double} double effects");
    assert!(events > kills as u64);
}

fn kill_worker(workers: &[Worker], number: usize) {
    workers[number % workers.len()].kill();
}

fn orders(url: &str, name: &str, effects: Option<&Effects>, lease: u64) -> Orders {
    Orders {
        url: url.to_owned(),
        name: name.to_owned(),
        effects: effects.map(|effects| effects.0.clone()),
        lease: Duration::from_secs(lease),
        subscription: None,
    }
}

/// A schema with a table of effects.
pub(crate) struct Ledger {
    pool: PgPool,
    schema: String,
}

impl Ledger {
    pub(crate) async fn new(url: &str, schema: &str) -> Self {
        let pool = PgPool::connect(url).await.unwrap();
        let ledger = Self {
            pool,
            schema: schema.to_owned(),
        };
        ledger.execute("CREATE SCHEMA {}").await;
        ledger
            .execute("CREATE TABLE {}.effects (event bigint NOT NULL)")
            .await;
        ledger
    }

    pub(crate) async fn count(&self) -> HashMap<u64, usize> {
        let text = format!("SELECT event FROM {}.effects", self.schema);
        let events: Vec<i64> = sqlx::query_scalar(AssertSqlSafe(text))
            .fetch_all(&self.pool)
            .await
            .unwrap();
        count(events.into_iter().map(i64::cast_unsigned))
    }

    async fn execute(&self, text: &str) {
        let text = text.replace("{}", &self.schema);
        let done = sqlx::raw_sql(AssertSqlSafe(text)).execute(&self.pool).await;
        done.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_workers_lose_nothing_that_redis_holds() {
    let Some(url) = servers::redis() else {
        return;
    };
    let (name, kills) = (servers::unique("kill"), number("KILLS", 6));
    let effects = Effects::new(&name);
    let events = flow(&orders(&url, &name, Some(&effects), 1), kills, kill_worker).await;
    judge("workers on redis", events, kills, &effects.count(), kills);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_workers_lose_nothing_that_postgres_holds() {
    let Some(url) = servers::postgres() else {
        return;
    };
    let (name, kills) = (servers::unique("kill"), number("KILLS", 6));
    let (effects, ledger) = (Effects::new(&name), Ledger::new(&url, &name).await);
    let events = flow(&orders(&url, &name, Some(&effects), 1), kills, kill_worker).await;
    judge(
        "workers on postgres",
        events,
        kills,
        &effects.count(),
        kills,
    );
    ledger.execute("DROP SCHEMA {} CASCADE").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_workers_in_transactions_do_nothing_twice() {
    let Some(url) = servers::postgres() else {
        return;
    };
    let (name, kills) = (servers::unique("kill"), number("KILLS", 6));
    let ledger = Ledger::new(&url, &name).await;
    let events = flow(&orders(&url, &name, None, 1), kills, kill_worker).await;
    judge(
        "workers in transactions",
        events,
        kills,
        &ledger.count().await,
        0,
    );
    ledger.execute("DROP SCHEMA {} CASCADE").await;
}

/// Kills a server of our own. It is down for a while, and then there for a while.
fn kill_server(server: &Arc<Mutex<Server>>) -> impl FnMut(&[Worker], usize) + Send + use<> {
    let server = Arc::clone(server);
    move |_, number| {
        let down = Duration::from_millis((number as u64 * 53) % 307);
        server.lock().unwrap().kill(down);
        std::thread::sleep(Duration::from_millis(1000));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_redis_loses_nothing() {
    let Some(server) = Server::redis() else {
        return;
    };
    let (name, kills) = (servers::unique("kill"), number("KILLS", 4));
    let (url, effects) = (server.url.clone(), Effects::new(&name));
    let server = Arc::new(Mutex::new(server));
    let orders = orders(&url, &name, Some(&effects), 10);
    let events = flow(&orders, kills, kill_server(&server)).await;
    judge("redis", events, kills, &effects.count(), kills);
}

/// The control: what is forgotten is seen.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_redis_that_writes_nothing_down_is_found_out() {
    let Some(server) = Server::forgetful_redis() else {
        return;
    };
    let name = servers::unique("kill");
    let (url, effects) = (server.url.clone(), Effects::new(&name));
    let server = Arc::new(Mutex::new(server));
    let orders = orders(&url, &name, Some(&effects), 10);
    let events = flow(&orders, 2, kill_server(&server)).await;
    let doubled = effects.count().values().filter(|times| **times > 1).count();
    println!("redis without a file: 2 kills, {events} events, {doubled} had twice");
    assert!(doubled > 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_postgres_loses_nothing() {
    let Some(server) = Server::postgres() else {
        return;
    };
    let (name, kills) = (servers::unique("kill"), number("KILLS", 4));
    let (url, effects) = (server.url.clone(), Effects::new(&name));
    let _ledger = Ledger::new(&url, &name).await;
    let server = Arc::new(Mutex::new(server));
    let orders = orders(&url, &name, Some(&effects), 10);
    let events = flow(&orders, kills, kill_server(&server)).await;
    judge("postgres", events, kills, &effects.count(), kills);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_postgres_does_nothing_twice_in_transactions() {
    let Some(server) = Server::postgres() else {
        return;
    };
    let (name, kills) = (servers::unique("kill"), number("KILLS", 4));
    let url = server.url.clone();
    let ledger = Ledger::new(&url, &name).await;
    let server = Arc::new(Mutex::new(server));
    let events = flow(&orders(&url, &name, None, 10), kills, kill_server(&server)).await;
    judge(
        "postgres in transactions",
        events,
        kills,
        &ledger.count().await,
        0,
    );
}
