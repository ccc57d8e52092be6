//! An inbound gateway: all connections of a configuration file behind one address.
//!
//! `cargo run --example gateway -- --config examples/gateway/sample.toml`
//!
//! `/receipts`, `/metrics` and `/health` ask nobody who they are: a proxy lets only `/webhooks/` through.

mod config;
mod http_api;
mod server;
mod watch;

use std::net::SocketAddr;
use std::time::Duration;

use tower_webhook::connection::Connections;
use tower_webhook::receipt::{ReceiptError, ReceiptEvent, ReceiptLayer};
use tower_webhook::{BoxError, Inbound};

use self::config::Config;
use self::watch::Watch;

/// How long deliveries under way may take at shutdown.
const GRACE: Duration = Duration::from_secs(25);
/// How long a handler may run.
const DEADLINE: Duration = Duration::from_secs(240);

/// One line a delivery, when it is over.
fn log(event: &ReceiptEvent) {
    if event.to.is_final() {
        println!("{} {} {}", event.connection, event.to, event.id);
    }
}

#[tokio::main]
async fn main() {
    if let Err(err) = run().await {
        eprintln!("error: {}", chain(&*err));
        std::process::exit(1);
    }
}

/// The whole chain: the outer error says which connection, the inner one which field.
fn chain(err: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(err), |err| err.source());
    let causes: Vec<_> = causes.map(ToString::to_string).collect();
    causes.join(": ")
}

/// An error that knows an URL, and not where it came from.
fn in_field(field: &str, err: &(dyn std::error::Error + 'static)) -> BoxError {
    format!("`{field}`: {}", chain(err)).into()
}

async fn run() -> Result<(), BoxError> {
    let (path, listen) = arguments()?;
    let config = Config::read(&path)?;
    let store = tower_webhook::store::connect(&config.store).await;
    let store = store.map_err(|err| in_field("store", &err))?;
    let receipts = tower_webhook::receipt::connect(&config.receipts).await;
    let receipts = receipts.map_err(|err| in_field("receipts", &err))?;
    let receipts = ReceiptLayer::new(receipts).with_observer(log);
    let recorder = watch::recorder()?;

    let inbound = Inbound::builder_with_store(Connections::new(config.connections), store)
        .settings(&config.settings)
        .handler_deadline(DEADLINE)
        .lease(config.lease)
        .receipts(receipts.clone())
        .observer(Watch::new())
        .build()?;
    // After so long an open receipt belongs to a process that died.
    let abandoned = DEADLINE + config.lease;
    let kept = config.receipts_ttl;
    let swept = tidy(&receipts, abandoned, kept).await?;
    if swept > 0 {
        println!("{swept} receipts of a process that died");
    }
    let old = receipts.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(60)).await;
            if let Err(err) = tidy(&old, abandoned, kept).await {
                eprintln!("receipts: {err}");
            }
        }
    });

    let app = http_api::app(inbound.clone(), receipts, recorder, config.settings.enabled);
    let listener = tokio::net::TcpListener::bind(listen).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let open = server::Open::new();
    tokio::select! {
        () = server::serve(listener, app, &open) => {}
        () = server::told_to_stop() => {}
    }
    println!("draining");
    // Both at once: what is still uploaded is refused, and its sender hears so.
    let drained = async { tokio::join!(inbound.drain(), open.finish()) };
    if tokio::time::timeout(GRACE, drained).await.is_err() {
        eprintln!("some deliveries are cut off: their senders try again");
    }
    Ok(())
}

/// Ends what a process that died left open, and forgets what is old. How many were left open.
async fn tidy(
    receipts: &ReceiptLayer,
    abandoned: Duration,
    kept: Option<Duration>,
) -> Result<usize, ReceiptError> {
    if let Some(kept) = kept {
        receipts.purge(kept).await?;
    }
    receipts.sweep(abandoned).await
}

/// `--config FILE [--listen ADDR]`.
fn arguments() -> Result<(String, SocketAddr), BoxError> {
    let mut config = None;
    let mut listen = SocketAddr::from(([127, 0, 0, 1], 8000));
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} wants a value"));
        match argument.as_str() {
            "--config" => config = Some(value()?),
            "--listen" => listen = value()?.parse().map_err(|_| "--listen wants an address")?,
            other => return Err(format!("unknown argument {other}").into()),
        }
    }
    Ok((
        config.ok_or("usage: gateway --config FILE [--listen ADDR]")?,
        listen,
    ))
}
