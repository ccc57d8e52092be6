//! The ingress of a GitHub App that keeps branches in step.
//!
//! ```console
//! GITHUB_WEBHOOK_SECRET=an-example-secret cargo run --example github_sync -- --database sync.db --tracked main
//! ```
//!
//! A delivery at `POST /v1/webhooks/connectors/github` is verified, normalised into an [`envelope`], and
//! dispatched. A push to a tracked branch becomes a job, one a branch and commit, and is answered with 202
//! once the job is on the disk. Lifecycle events change what is known of accounts. All else that is authentic gets
//! 200. A worker does the jobs and tries again by itself, so that nobody must redeliver.
//!
//! Everything is in one file of SQLite: jobs, accounts, files, receipts. `GET /jobs` and `GET /accounts` show it.
//!
//! A branch that is pushed back to a commit it was at before makes no second job: target and commit are known.

mod accounts;
mod arguments;
mod contents;
mod database;
mod envelope;
mod http_api;
mod nats;
mod push;
mod queue;
#[path = "../gateway/server.rs"]
mod server;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tower_webhook::handoff::Handoff;
use tower_webhook::outcome::Outcome;
use tower_webhook::receipt::{BoxReceipts, ReceiptEvent, ReceiptLayer, SqliteReceipts};
use tower_webhook::scheme::HmacScheme;
use tower_webhook::{BoxError, Inbound};

use self::arguments::{Arguments, about};
use self::contents::Contents;
use self::database::Database;
use self::push::Tracked;
use self::queue::JobTable;
use self::worker::Worker;

/// How long deliveries and jobs under way may take at shutdown.
const GRACE: Duration = Duration::from_secs(25);
/// How long a handler may run. All it does is write to the database.
const DEADLINE: Duration = Duration::from_secs(15);
const WORKERS: usize = 2;

#[tokio::main]
async fn main() {
    if let Err(err) = run().await {
        eprintln!("error: {err}");
        std::process::exit(1);
    }
}

async fn run() -> Result<(), BoxError> {
    let arguments = Arguments::read()?;
    let lease = arguments.lease;
    let database = Database::open(&arguments.database).await;
    let database = database.map_err(|err| about("--database", &err))?;
    let receipts = match &arguments.receipts {
        Some(url) => {
            let receipts = tower_webhook::receipt::connect(url).await;
            receipts.map_err(|err| about("--receipts", &err))?
        }
        None => BoxReceipts::new(SqliteReceipts::with_pool(database.pool()).await?),
    };
    let receipts = ReceiptLayer::new(receipts).with_observer(log);
    let store = tower_webhook::store::connect(&arguments.store).await;
    let store = store.map_err(|err| about("--store", &err))?;
    let inbound = Inbound::builder_with_store(HmacScheme::github(arguments.secret), store)
        .connection("github")
        .receipts(receipts.clone())
        .handler_deadline(DEADLINE)
        .lease(lease)
        .observer(|outcome: Outcome| {
            // What was verified has a receipt, which is logged when it is final.
            if let Outcome::Rejected(_) = outcome {
                println!("refused: {outcome}");
            }
        })
        .build()?;
    // What a process that died left open; the first tick is now.
    let abandoned = DEADLINE + lease;
    tokio::spawn(async move {
        let mut minutes = tokio::time::interval(Duration::from_secs(60));
        loop {
            minutes.tick().await;
            if let Err(err) = receipts.sweep(abandoned).await {
                eprintln!("receipts: {err}");
            }
        }
    });

    let bell = Arc::new(Notify::new());
    let table = JobTable::new(database.clone(), Arc::clone(&bell), arguments.backlog);
    let tracked = Tracked::new(arguments.tracked);
    let (tell, stop) = watch::channel(false);
    let mut tasks = JoinSet::new();
    let pushes = match &arguments.queue {
        None => push::pushes(tracked, Handoff::new(table)),
        Some(url) => {
            let connected = nats::connect(url, table, lease).await;
            let (queue, pump) = connected.map_err(|err| about("--queue", &*err))?;
            tasks.spawn(pump.run(stop.clone()));
            push::pushes(tracked, Handoff::new(queue))
        }
    };
    let worker = Worker {
        database: database.clone(),
        contents: Contents::new(arguments.contents),
        bell,
        lease,
    };
    for _ in 0..WORKERS {
        tasks.spawn(worker.clone().run(stop.clone()));
    }

    let dispatch = http_api::dispatch(&database, pushes)?;
    let app = http_api::app(inbound.clone(), dispatch, database.clone());
    let listener = tokio::net::TcpListener::bind(arguments.listen).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let open = server::Open::new();
    tokio::select! {
        () = server::serve(listener, app, &open) => {}
        () = server::told_to_stop() => {}
    }
    println!("draining");
    let drained = async {
        // Both at once: what is still uploaded is refused, and its sender hears so.
        tokio::join!(inbound.drain(), open.finish());
        let _ = tell.send(true);
        while tasks.join_next().await.is_some() {}
    };
    if tokio::time::timeout(GRACE, drained).await.is_err() {
        eprintln!("some work is cut off: it is taken up at the next start");
    }
    database.close().await;
    println!("drained");
    Ok(())
}

/// One line a delivery, when it is over.
fn log(event: &ReceiptEvent) {
    if event.to.is_final() {
        println!("{} {}", event.to, event.id);
    }
}
