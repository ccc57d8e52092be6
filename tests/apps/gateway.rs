//! The gateway, end to end.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use sqlx::Connection as _;
use tokio::time::{Instant, sleep};
use tower_webhook::testing::Delivery;

use crate::flow::{flow, least};
use crate::history::{self, Histories};
use crate::places::{Directory, Schema};
use crate::process::App;
use crate::proxy::Proxy;
use crate::sender::{KEY, Sender, github, is_duplicate};
use crate::{number, recorded};

const STRIPE_KEY: &str = "whsec_an example secret";
const STANDARD_KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A configuration with a connection of each of three kinds.
pub(crate) fn config(settings: &str) -> String {
    let connections = [
        ("github", "primary", KEY),
        ("stripe", "live", STRIPE_KEY),
        ("standard_webhooks", "partner", STANDARD_KEY),
    ];
    let connections = connections.map(|(scheme, name, key)| {
        format!("[[connection]]\ntype = \"{scheme}\"\nname = \"{name}\"\nsigning_secrets = [\"{key}\"]\n")
    });
    let settings =
        format!("[integrations.webhooks]\nenabled = true\nlease_seconds = 2\n{settings}\n");
    settings + &connections.concat()
}

fn start(directory: &Directory, settings: &str) -> Arc<App> {
    let file = directory.write("gateway.toml", &config(settings));
    Arc::new(App::start("gateway", &["--config", &file]))
}

/// The event of a number, by one of the three in turn, signed now.
fn mixed(number: u64) -> (&'static str, Delivery) {
    let id = format!("event-{number}");
    let (path, scheme, key) = match number % 3 {
        0 => ("/webhooks/github/primary", "github.sha256", KEY),
        1 => ("/webhooks/stripe/live", "stripe.v1", STRIPE_KEY),
        _ => (
            "/webhooks/standard_webhooks/partner",
            "standard_webhooks.v1",
            STANDARD_KEY,
        ),
    };
    let body = json!({ "id": id, "type": "order.paid", "number": number });
    let delivery = Delivery::of(scheme, key).id(&id).event_type("order.paid");
    (path, delivery.body(body.to_string()))
}

fn stores(claims: &str, receipts: &str) -> String {
    format!("store = \"{claims}\"\nreceipts = \"{receipts}\"")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_recorded_event_is_acknowledged_once() {
    let Some(events) = recorded::recorded() else {
        return;
    };
    let directory = Directory::new();
    let file = directory.file("receipts.db");
    let app = start(&directory, &stores("moka://", &format!("sqlite://{file}")));
    history::watch_file(&file).await;
    let sender = Sender::new();
    for round in ["new", "again"] {
        for (number, (name, payload)) in events.iter().enumerate() {
            let delivery = github(&format!("delivery-{number}"), name, payload);
            let url = app.url("/webhooks/github/primary");
            let answer = sender.send(&url, &delivery).await.unwrap();
            assert_eq!(answer.status(), 204, "{name}");
            assert_eq!(is_duplicate(&answer), round == "again", "{name}");
            let answer = sender.send(&url, &delivery.tampered()).await.unwrap();
            assert_eq!(answer.status(), 401, "{name}");
        }
    }
    let (status, lines) = app.terminate();
    assert!(status.success(), "{lines:?}");
    let events = events.len() as u64;
    let histories = history::of_file(&file).await;
    assert_eq!(histories.judge("recorded events", events), 0);
    assert_eq!(histories.receipts as u64, 2 * events);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_full_speed_each_key_is_acknowledged_once() {
    let directory = Directory::new();
    let file = directory.file("receipts.db");
    let app = start(&directory, &stores("moka://", &format!("sqlite://{file}")));
    history::watch_file(&file).await;
    let begun = Instant::now();
    let done = flow(&app, mixed, least(), async {}).await;
    let rate = 3 * done.events / begun.elapsed().as_secs().max(1);
    let (status, _) = app.terminate();
    assert!(status.success());
    println!("full speed: {rate} deliveries a second, {done:?}");
    let histories = history::of_file(&file).await;
    assert_eq!(histories.judge("full speed", done.events), 0);
    assert_eq!(done.forgotten, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_gateway_loses_nothing_and_acknowledges_once() {
    let Some(schema) = Schema::new().await else {
        return;
    };
    let directory = Directory::new();
    let file = directory.file("receipts.db");
    let receipts = format!("sqlite://{file}");
    let app = start(&directory, &stores(&schema.url(), &receipts));
    history::watch_file(&file).await;
    let kills = number("KILLS", 4);
    let killed = Arc::clone(&app);
    let breakage = async {
        for round in 0..kills as u64 {
            // Times that meet a delivery in each of its states, over many kills.
            sleep(Duration::from_millis(200 + (round * 37) % 211)).await;
            let app = Arc::clone(&killed);
            tokio::task::spawn_blocking(move || app.kill())
                .await
                .unwrap();
        }
    };
    let done = flow(&app, mixed, least(), breakage).await;
    app.terminate();
    let histories = history::of_file(&file).await;
    let missing = histories.judge("gateway killed", done.events);
    println!("gateway killed {kills} times: {done:?}");
    assert_eq!(done.forgotten, 0);
    assert!(missing <= kills * 16);
    schema.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receipts_on_a_server_that_is_down_cost_no_delivery() {
    let Some(schema) = Schema::new().await else {
        return;
    };
    let directory = Directory::new();
    let proxy = Proxy::to(schema.address()).await;
    let app = start(&directory, &stores("moka://", &schema.url_by(proxy.port)));
    history::watch_schema(&schema).await;
    let done = flow(&app, mixed, least(), outages(&proxy)).await;
    settled(&app, async || history::of_schema(&schema).await).await;
    let (status, _) = app.terminate();
    assert!(status.success());
    let histories = history::of_schema(&schema).await;
    println!("receipts down: {done:?}");
    assert_eq!(histories.judge("receipts down", done.events), 0);
    assert_eq!(done.forgotten, 0);
    assert!(done.refusals > 0, "nothing was refused");
    schema.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn claims_on_a_server_that_is_down_cost_no_delivery() {
    let Some(schema) = Schema::new().await else {
        return;
    };
    let directory = Directory::new();
    let file = directory.file("receipts.db");
    let proxy = Proxy::to(schema.address()).await;
    let receipts = format!("sqlite://{file}");
    let app = start(&directory, &stores(&schema.url_by(proxy.port), &receipts));
    history::watch_file(&file).await;
    let done = flow(&app, mixed, least(), outages(&proxy)).await;
    settled(&app, async || history::of_file(&file).await).await;
    app.terminate();
    println!("claims down: {done:?}");
    let histories = history::of_file(&file).await;
    assert_eq!(histories.judge("claims down", done.events), 0);
    assert_eq!(done.forgotten, 0);
    assert!(done.refusals > 0, "nothing was refused");
    schema.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_file_of_receipts_costs_no_delivery() {
    let directory = Directory::new();
    let file = directory.file("receipts.db");
    let app = start(&directory, &stores("moka://", &format!("sqlite://{file}")));
    history::watch_file(&file).await;
    let pool = history::open(&file).await;
    let breakage = async {
        for _ in 0..3 {
            sleep(Duration::from_millis(300)).await;
            let mut lock = pool.acquire().await.unwrap();
            let lock = lock.begin_with("BEGIN EXCLUSIVE").await.unwrap();
            sleep(Duration::from_millis(1500)).await;
            lock.rollback().await.unwrap();
        }
    };
    let done = flow(&app, mixed, least(), breakage).await;
    settled(&app, async || history::of_file(&file).await).await;
    app.terminate();
    println!("receipts locked: {done:?}");
    let histories = history::of_file(&file).await;
    assert_eq!(histories.judge("receipts locked", done.events), 0);
    assert_eq!(done.forgotten, 0);
    assert!(done.refusals > 0, "nothing was refused");
}

/// Three times not there for a second.
async fn outages(proxy: &Proxy) {
    for _ in 0..3 {
        sleep(Duration::from_millis(500)).await;
        proxy.cut();
        sleep(Duration::from_secs(1)).await;
        proxy.mend();
    }
}

/// Until what was completed after its answer is written too.
async fn settled(app: &App, histories: impl AsyncFn() -> Histories) {
    for _ in 0..100 {
        if !histories().await.is_open() {
            return;
        }
        sleep(Duration::from_millis(100)).await;
    }
    panic!("receipts stay open behind {}", app.url(""));
}

#[tokio::test]
async fn a_gateway_that_is_not_enabled_is_not_there() {
    let directory = Directory::new();
    let text = config("").replace("enabled = true", "enabled = false");
    let file = directory.write("gateway.toml", &text);
    let app = App::start("gateway", &["--config", &file]);
    let sender = Sender::new();
    let (path, delivery) = mixed(0);
    for path in [
        path,
        "/webhooks/github/unknown",
        "/receipts",
        "/health",
        "/metrics",
    ] {
        let answer = sender.send(&app.url(path), &delivery).await.unwrap();
        assert_eq!(answer.status(), 404, "{path}");
    }
}
