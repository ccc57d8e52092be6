//! The receiver, in a process of its own: the whole stack over three connections, with metrics and receipts.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::post;
use axum::{Extension, Router};
use http::StatusCode;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::time::{interval, sleep};
use tower_webhook::Inbound;
use tower_webhook::connection::{Connection, ConnectionId, ConnectionMap, Connections};
use tower_webhook::envelope::Webhook;
use tower_webhook::observe::MetricsObserver;
use tower_webhook::receipt::{MemoryReceipts, ReceiptLayer, ReceiptQuery};
use tower_webhook::scheme::catalog;

use super::bodies::LONGEST;
use super::events::{PROVIDERS, WINDOW, blank};
use super::store::Minutes;

/// What a request has that will be hung up on: its number.
pub(crate) const HANGS: &str = "x-soak-hangs";
/// What stands before each line for the senders: the test harness writes lines of its own.
pub(crate) const MARK: &str = "soak: ";

type Stack = Inbound<Connections<ConnectionMap>, Arc<Minutes>>;

fn stack(store: Arc<Minutes>) -> Stack {
    let connection = |provider: &&str| {
        let delivery = blank(provider);
        let scheme = catalog::find(provider).unwrap();
        let scheme = scheme.build(&delivery.options()).unwrap();
        let id = ConnectionId::new(scheme_path(provider), "one");
        Connection::new(id, scheme).with_replay_window(WINDOW)
    };
    let map = ConnectionMap::new(PROVIDERS.iter().map(connection));
    Inbound::builder_with_store(Connections::new(map).with_max_window(WINDOW), store)
        .max_payload_bytes(LONGEST)
        .replay_window(WINDOW)
        .idempotency_ttl(Duration::from_secs(420))
        .lease(Duration::from_secs(10))
        .receipts(ReceiptLayer::new(MemoryReceipts::with_capacity(1_000)))
        .observer(MetricsObserver::new("unknown"))
        .build()
        .unwrap()
}

/// The part of the path that names the provider.
pub(crate) fn scheme_path(provider: &str) -> &str {
    provider.split('.').next().unwrap_or(provider)
}

/// One line for the senders, at once.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{MARK}{line}").unwrap();
    out.flush().unwrap();
}

#[derive(Deserialize)]
struct Event {
    number: u64,
}

/// Tells that the sender has gone, or was answered.
#[derive(Clone, Default)]
struct Gone(Arc<Notify>);

struct Tell(Gone);

impl Drop for Tell {
    fn drop(&mut self) {
        self.0.0.notify_one();
    }
}

/// Says when a request that will be hung up on is in the stack. Outermost, where hyper drops what nobody waits for.
async fn watch(mut request: Request, next: Next) -> Response {
    let Some(number) = request.headers().get(HANGS) else {
        return next.run(request).await;
    };
    let number = number.to_str().unwrap().to_owned();
    let gone = Gone::default();
    request.extensions_mut().insert(gone.clone());
    let _tell = Tell(gone);
    // Nothing waits between this and the first poll of the stack.
    say(&format!("begun {number}"));
    next.run(request).await
}

/// Says what it handles. Where its sender hangs up it runs until that was noticed, else for a few milliseconds.
async fn handle(gone: Option<Extension<Gone>>, Webhook(event, _): Webhook<Event>) -> StatusCode {
    say(&format!("handled {}", event.number));
    match gone {
        Some(Extension(gone)) => gone.0.notified().await,
        None => sleep(Duration::from_millis(event.number % 8)).await,
    }
    StatusCode::NO_CONTENT
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "what the other test starts as a process"]
async fn serve() {
    if std::env::var_os("SOAK_RECEIVER").is_none() {
        return;
    }
    let recorder = PrometheusBuilder::new().install_recorder().unwrap();
    let store = Arc::new(Minutes::new());
    let stack = stack(Arc::clone(&store));
    let app = Router::new()
        .route("/webhooks/{provider}/{name}", post(handle))
        .layer(stack.clone())
        .layer(from_fn(watch));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    say(&format!("listening on {}", listener.local_addr().unwrap()));
    tokio::spawn(async move { axum::serve(listener, app).await });
    let upkeep = recorder.clone();
    tokio::spawn(async move {
        let mut ticks = interval(Duration::from_secs(5));
        loop {
            ticks.tick().await;
            upkeep.run_upkeep();
        }
    });
    let handle = tokio::runtime::Handle::current();
    let obey = move || {
        for order in std::io::stdin().lines() {
            match order.unwrap().as_str() {
                "count" => handle.block_on(count(&stack, &recorder)),
                _ => handle.block_on(population(&stack, &store)),
            }
        }
        // Whoever started this has ended.
        std::process::exit(0);
    };
    tokio::task::spawn_blocking(obey).await.unwrap();
}

/// Everything that was counted, once nothing runs any more.
async fn count(stack: &Stack, recorder: &PrometheusHandle) {
    stack.drain().await;
    let text = recorder.render();
    let counted = |line: &&str| line.starts_with("webhook_") && line.contains("_total");
    text.lines()
        .filter(counted)
        .for_each(|line| say(&format!("told {line}")));
    say("told end");
}

async fn population(stack: &Stack, store: &Minutes) {
    let query = ReceiptQuery {
        limit: 1_000,
        ..ReceiptQuery::default()
    };
    let receipts = stack.receipts().query(&query).await.unwrap();
    let open = receipts.iter().filter(|it| !it.state.is_final()).count();
    say(&format!(
        "told {}; {} receipts, {open} of them open",
        store.story(),
        receipts.len()
    ));
}
