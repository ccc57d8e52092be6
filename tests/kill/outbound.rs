//! SIGKILL while the sending wing sends: what was committed arrives, what was rolled back never does, and what comes
//! twice is told by its id.

use std::collections::{HashMap, HashSet};
use std::io::Read as _;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sqlx::postgres::PgPoolOptions;
use sqlx::{Database, Pool};
use tokio::task::{JoinSet, block_in_place};
use tokio::time::{Instant, sleep};
use tower_webhook::BoxError;
use tower_webhook::outbound::egress::Egress;
use tower_webhook::outbound::endpoint::{EndpointId, NewEndpoint};
use tower_webhook::outbound::event::{Event, EventId};
use tower_webhook::outbound::policy::{AutoDisable, Breaker, Schedule};
use tower_webhook::outbound::sign::{SigningKey, SigningKeys};
use tower_webhook::outbound::store::{
    Delivery, DeliveryQuery, DeliveryState, OutboundStore, TransactionalOutbox,
};
use tower_webhook::outbound::{Emitted, PostgresOutbox, SealingKey, Sender, SqliteOutbox};

use crate::fleet::{Effects, Worker, end, workers};
use crate::kills::Ledger;
use crate::number;
use crate::servers::{self, Server};
use crate::worker::{Orders, Subscription};

const TIMEOUT: Duration = Duration::from_secs(1);
/// The shortest that a sender may have.
const LEASE: Duration = Duration::from_secs(6);
const POLL: Duration = Duration::from_secs(1);
/// For the next process to start, to open its store and to send, on a machine that is busy.
const START: Duration = Duration::from_secs(4);
/// How long the end may take: an outage leaves much behind.
const PATIENCE: Duration = Duration::from_secs(120);
/// So many that a kill of PostgreSQL meets some of them at work.
const EMITTERS: usize = 8;
/// So many pending deliveries are sent long before a lease ends.
const BACKLOG: usize = 50;
const PAUSE: Duration = Duration::from_millis(70);
const SEALING_KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

fn sender<S: OutboundStore>(store: S) -> Sender<S> {
    let egress = Egress::public().allow("127.0.0.0/8").unwrap().allow_http();
    // It tries again soon, for as long as the test takes: nothing may become a dead letter.
    let schedule = Schedule::list([Duration::from_millis(200)].repeat(2000));
    let breaker = Breaker::after(5).pauses(Duration::from_millis(200), Duration::from_millis(500));
    Sender::builder(store, SealingKey::hex(SEALING_KEY).unwrap())
        .egress(egress)
        .schedule(schedule)
        .breaker(breaker)
        .auto_disable(AutoDisable::never())
        .timeout(TIMEOUT)
        .lease(LEASE)
        .build()
        .unwrap()
}

/// A process that sends, and those that take its place.
struct Dispatching {
    url: String,
    process: Child,
}

impl Dispatching {
    fn start(url: &str) -> Self {
        let process = Self::process(url);
        let url = url.to_owned();
        Self { url, process }
    }

    fn process(url: &str) -> Child {
        Command::new(std::env::current_exe().unwrap())
            .args(["outbound::dispatch", "--exact", "--ignored"])
            .env("SENDER_STORE", url)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    }

    fn kill(&mut self) {
        end(&mut self.process);
    }

    fn restart(&mut self) {
        self.process = Self::process(&self.url);
    }
}

impl Drop for Dispatching {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The process: it sends until it is killed, or until who started it is gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "what the other tests start as a process"]
async fn dispatch() {
    let Ok(url) = std::env::var("SENDER_STORE") else {
        return;
    };
    std::thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
    if url.starts_with("sqlite") {
        run(SqliteOutbox::connect(&url).await.unwrap()).await;
    } else {
        run(PostgresOutbox::connect(&url).await.unwrap()).await;
    }
}

async fn run<S: OutboundStore>(store: S) {
    let dispatcher = sender(store).dispatcher().poll(POLL);
    dispatcher.run_until(std::future::pending()).await;
}

/// Who emits, beside the process that sends.
struct Emitter<S, D: Database> {
    sender: Sender<S>,
    pool: Pool<D>,
    begin: &'static str,
    next: AtomicUsize,
    is_over: AtomicBool,
    is_paused: AtomicBool,
    committed: Mutex<HashSet<String>>,
    rolled_back: Mutex<HashSet<String>>,
    /// How often something was said again as it was not acknowledged.
    repeated: AtomicUsize,
    /// How often the store had it already then.
    known: AtomicUsize,
}

impl<S, D> Emitter<S, D>
where
    D: Database,
    S: TransactionalOutbox<Connection = D::Connection>,
{
    fn new(store: S, pool: Pool<D>, begin: &'static str) -> Arc<Self> {
        Arc::new(Self {
            sender: sender(store),
            pool,
            begin,
            next: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
            is_paused: AtomicBool::new(false),
            committed: Mutex::default(),
            rolled_back: Mutex::default(),
            repeated: AtomicUsize::new(0),
            known: AtomicUsize::new(0),
        })
    }

    async fn emit(&self) {
        while !self.is_over.load(Ordering::SeqCst) {
            if self.is_paused.load(Ordering::SeqCst) {
                sleep(PAUSE).await;
                continue;
            }
            let number = self.next.fetch_add(1, Ordering::SeqCst);
            let id = format!("evt_{number}");
            let body = format!(r#"{{"type":"order.created","event":{number}}}"#);
            let event = Event::new("order.created", body).unwrap();
            let event = event.id(EventId::new(&*id).unwrap());
            if number % 5 == 4 {
                // Whether it fails before that or not: it was never committed.
                let _ = self.within(event, false).await;
                self.rolled_back.lock().unwrap().insert(id);
            } else {
                self.until_acknowledged(&event, number.is_multiple_of(2))
                    .await;
                self.committed.lock().unwrap().insert(id);
            }
            sleep(PAUSE).await;
        }
    }

    async fn until_acknowledged(&self, event: &Event, in_transaction: bool) {
        let deadline = Instant::now() + PATIENCE;
        let mut is_first = true;
        loop {
            let emitted = match in_transaction {
                true => self.within(event.clone(), true).await,
                false => self.sender.emit(event.clone()).await.map_err(Into::into),
            };
            match emitted {
                Ok(emitted) if emitted.is_duplicate => {
                    assert!(!is_first, "{event:?} was known before it was emitted");
                    self.known.fetch_add(1, Ordering::SeqCst);
                    return;
                }
                Ok(emitted) => return assert_eq!(emitted.deliveries, 1),
                Err(err) => assert!(Instant::now() < deadline, "{err}"),
            }
            is_first = false;
            self.repeated.fetch_add(1, Ordering::SeqCst);
            sleep(Duration::from_millis(100)).await;
        }
    }

    async fn within(&self, event: Event, commits: bool) -> Result<Emitted, BoxError> {
        let mut transaction = self.pool.begin_with(self.begin).await?;
        let emitted = self.sender.emit(event).within(&mut *transaction).await?;
        match commits {
            true => transaction.commit().await?,
            false => transaction.rollback().await?,
        }
        Ok(emitted)
    }

    /// All deliveries in a state.
    async fn deliveries(&self, endpoint: &EndpointId, state: Option<&str>) -> Vec<Delivery> {
        let mut query = DeliveryQuery::new(endpoint.clone());
        (query.state, query.limit) = (state.map(Into::into), 1000);
        let mut all = Vec::new();
        loop {
            let page = self.sender.store().deliveries(&query).await.unwrap();
            query.before = page.last().map(|delivery| delivery.id);
            if page.is_empty() {
                return all;
            }
            all.extend(page);
        }
    }

    /// Emits nothing while much is pending. What a dead process held stands in line when its lease has ended, behind
    /// all that was due before: with a long line, it would be the line that is measured.
    async fn let_drain(&self, endpoint: &EndpointId) {
        let deadline = Instant::now() + PATIENCE;
        while self.deliveries(endpoint, Some("pending")).await.len() > BACKLOG {
            assert!(Instant::now() < deadline, "much is pending still");
            self.is_paused.store(true, Ordering::SeqCst);
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// How long it takes until what a dead process holds has arrived.
    async fn recover(&self, endpoint: &EndpointId, since: Instant, held: &[Delivery]) -> Duration {
        for held in held {
            let mut query = DeliveryQuery::new(endpoint.clone());
            query.event = Some(held.event.clone());
            loop {
                let found = self.sender.store().deliveries(&query).await.unwrap();
                if found[0].state == DeliveryState::Delivered {
                    break;
                }
                let waited = since.elapsed();
                if waited >= LEASE + POLL + START {
                    let pending = self.deliveries(endpoint, Some("pending")).await.len();
                    panic!("{found:?} after {waited:?}, {pending} are pending");
                }
                sleep(Duration::from_millis(20)).await;
            }
        }
        since.elapsed()
    }
}

/// What was killed, and what came of it.
struct Toll {
    kills: usize,
    endpoint: EndpointId,
    held: usize,
    slowest: Duration,
}

/// Emits while the sender is killed; where there is a server, in turn with it and the receiver.
async fn flow<S, D>(
    emitter: &Arc<Emitter<S, D>>,
    url: &str,
    orders: Orders,
    mut server: Option<&mut Server>,
) -> Toll
where
    D: Database,
    S: TransactionalOutbox<Connection = D::Connection>,
{
    let subscription = orders.subscription.as_ref().unwrap();
    let keys = SigningKeys::new(SigningKey::new(&*subscription.secret).unwrap());
    let target = NewEndpoint::new(format!("http://127.0.0.1:{}/", subscription.port)).keys(keys);
    let endpoint = emitter.sender.endpoints().create(target).await.unwrap();
    let receiver: Vec<Worker> = workers(&orders, 1);
    let mut dispatching = Dispatching::start(url);
    let mut toll = Toll {
        kills: number("KILLS", 6),
        endpoint: endpoint.endpoint.id,
        held: 0,
        slowest: Duration::ZERO,
    };
    let mut emitting = JoinSet::new();
    for _ in 0..EMITTERS {
        let emitter = Arc::clone(emitter);
        emitting.spawn(async move { emitter.emit().await });
    }
    for number in 0..toll.kills {
        // Times that meet a delivery in each of its states, over many kills.
        sleep(Duration::from_millis(800 + (number as u64 * 37) % 211)).await;
        match (number % 3, server.as_deref_mut()) {
            (1, Some(server)) => {
                let down = Duration::from_millis((number as u64 * 53) % 307);
                block_in_place(|| server.kill(down));
            }
            (2, Some(_)) => block_in_place(|| receiver[0].kill()),
            _ => {
                emitter.let_drain(&toll.endpoint).await;
                block_in_place(|| dispatching.kill());
                emitter.is_paused.store(true, Ordering::SeqCst);
                let since = Instant::now();
                let pending = emitter.deliveries(&toll.endpoint, Some("pending")).await;
                let is_held = |delivery: &Delivery| {
                    matches!(delivery.state, DeliveryState::Pending { leased: true, .. })
                };
                let held: Vec<_> = pending.into_iter().filter(is_held).collect();
                dispatching.restart();
                let took = emitter.recover(&toll.endpoint, since, &held).await;
                emitter.is_paused.store(false, Ordering::SeqCst);
                toll.held += held.len();
                toll.slowest = toll.slowest.max(took);
            }
        }
    }
    emitter.is_over.store(true, Ordering::SeqCst);
    emitting.join_all().await;
    let deadline = Instant::now() + PATIENCE;
    loop {
        let pending = emitter.deliveries(&toll.endpoint, Some("pending")).await;
        if pending.is_empty() {
            return toll;
        }
        assert!(Instant::now() < deadline, "{} are pending", pending.len());
        sleep(Duration::from_millis(100)).await;
    }
}

/// Everything that was committed has arrived and taken effect once, and nothing else has.
async fn judge<S, D>(
    name: &str,
    emitter: &Emitter<S, D>,
    toll: &Toll,
    arrivals: &Effects,
    effects: &HashMap<u64, usize>,
) where
    D: Database,
    S: TransactionalOutbox<Connection = D::Connection>,
{
    let committed = emitter.committed.lock().unwrap().clone();
    let rolled_back = emitter.rolled_back.lock().unwrap().clone();
    let text = std::fs::read_to_string(&arrivals.0).unwrap();
    let arrived: HashSet<&str> = text.lines().collect();
    let duplicates = text.lines().count() - arrived.len();
    let rows = emitter.deliveries(&toll.endpoint, None).await;
    let states: HashMap<_, _> = rows
        .iter()
        .map(|row| (row.event.as_str().to_owned(), row.state.name()))
        .collect();
    let has_effect = |id: &&String| effects.contains_key(&id["evt_".len()..].parse().unwrap());
    let lost = committed.iter().filter(|id| !has_effect(id)).count();
    let double: usize = effects.values().map(|times| times - 1).sum();
    println!(
        "{name}: {} kills, {} events, {lost} lost, {duplicates} came again and were known by their ids, {double} double \
         effects; {} rolled back; {} emitted again, {} of them known; {} held by the dead, sent within {:.1} s",
        toll.kills,
        committed.len(),
        rolled_back.len(),
        emitter.repeated.load(Ordering::SeqCst),
        emitter.known.load(Ordering::SeqCst),
        toll.held,
        toll.slowest.as_secs_f64(),
    );
    // Else it was not shown how they recover.
    assert!(toll.held > 0);
    assert_eq!(lost, 0);
    assert_eq!(double, 0);
    assert!(committed.iter().all(|id| states[id] == "delivered"));
    assert_eq!(rows.len(), committed.len());
    // Nothing came that was not committed, duplicates included.
    assert!(arrived.iter().all(|id| committed.contains(*id)));
    assert_eq!(effects.len(), committed.len());
    assert!(!rolled_back.is_empty() && committed.len() > toll.kills);
}

fn orders(url: &str, name: &str, effects: Option<&Effects>, arrivals: &Effects) -> Orders {
    Orders {
        url: url.to_owned(),
        name: name.to_owned(),
        effects: effects.map(|effects| effects.0.clone()),
        lease: Duration::from_secs(2),
        subscription: Some(Subscription {
            port: servers::free_port(),
            secret: SigningKey::generate().reveal().to_owned(),
            arrivals: arrivals.0.clone(),
        }),
    }
}

/// In turn the sender, PostgreSQL, the receiver. The receiver's effects are in the transaction of its claim, so none
/// may be had twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_sender_its_postgres_and_its_receiver_lose_nothing() {
    let Some(mut server) = Server::postgres() else {
        return;
    };
    let name = servers::unique("kill");
    let arrivals = Effects::new(&format!("{name}_arrivals"));
    let (url, ledger) = (server.url.clone(), Ledger::new(&server.url, &name).await);
    let pool = PgPoolOptions::new().acquire_timeout(Duration::from_secs(5));
    let pool = pool.connect(&url).await.unwrap();
    let store = PostgresOutbox::with_schema(pool.clone(), &name).await;
    let emitter = Emitter::new(store.unwrap(), pool, "BEGIN");
    let orders = orders(&url, &name, None, &arrivals);
    let url = format!("{url}?schema={name}");
    let toll = flow(&emitter, &url, orders, Some(&mut server)).await;
    let effects = ledger.count().await;
    judge("sender on postgres", &emitter, &toll, &arrivals, &effects).await;
}

/// Only the sender is killed: the receiver's claims, on Redis, know what came before, so nothing may be had twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_sender_loses_nothing_that_its_file_holds() {
    let Some(redis) = servers::redis() else {
        return;
    };
    let name = servers::unique("kill");
    let arrivals = Effects::new(&format!("{name}_arrivals"));
    let effects = Effects::new(&name);
    let directory = servers::directory("outbox");
    let url = format!("sqlite://{}", directory.join("outbox.db").display());
    let store = SqliteOutbox::connect(&url).await.unwrap();
    let pool = store.pool().clone();
    let emitter = Emitter::new(store, pool, "BEGIN IMMEDIATE");
    let orders = orders(&redis, &name, Some(&effects), &arrivals);
    let toll = flow(&emitter, &url, orders, None).await;
    let counted = effects.count();
    judge("sender on a file", &emitter, &toll, &arrivals, &counted).await;
    let _ = std::fs::remove_dir_all(directory);
}
