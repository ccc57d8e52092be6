//! What the operator of the gateway sees: `/receipts`, `/metrics` and the log.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use serde_json::json;
use tokio::time::sleep;
use tower_webhook::testing::Delivery;

use crate::gateway::config;
use crate::places::Directory;
use crate::process::App;
use crate::sender::{Sender, github};

const PATH: &str = "/webhooks/github/primary";

fn start(directory: &Directory, settings: &str) -> App {
    let file = directory.write("gateway.toml", &config(settings));
    App::start("gateway", &["--config", &file])
}

fn delivery(id: &str) -> Delivery {
    github(id, "push", &json!({ "id": id }))
}

async fn get(app: &App, path: &str) -> Response<Bytes> {
    let req = Request::get(app.url(path)).body(Full::default());
    Sender::new().ask(req.unwrap()).await.expect("an answer")
}

#[tokio::test]
async fn receipts_are_asked_for_by_connection_state_key_and_number() {
    let directory = Directory::new();
    let app = start(&directory, "");
    let sender = Sender::new();
    for id in ["1", "2", "2"] {
        let sent = sender.send(&app.url(PATH), &delivery(id)).await.unwrap();
        assert_eq!(sent.status(), 204);
    }
    let ids = async |query: &str| {
        let found = sender.json(&app.url(&format!("/receipts?{query}"))).await;
        let found = found.as_array().unwrap().iter();
        let ids = found.map(|row| row["delivery_id"].as_str().unwrap().to_owned());
        ids.collect::<Vec<_>>()
    };
    assert_eq!(ids("").await, ["2", "2", "1"]);
    assert_eq!(ids("connection=github/primary&limit=1").await, ["2"]);
    assert_eq!(ids("limit=1&offset=2").await, ["1"]);
    assert_eq!(ids("state=duplicate").await, ["2"]);
    assert_eq!(ids("state=acknowledged").await, ["2", "1"]);
    let none: [&str; 0] = [];
    assert_eq!(ids("connection=stripe/live").await, none);
    let newest = &sender.json(&app.url("/receipts?limit=1")).await[0];
    let key = newest["key"].as_str().unwrap();
    assert_eq!(ids(&format!("key={key}")).await, ["2", "2"]);
    for wrong in ["state=acknowleged", "conection=github/primary", "limit=x"] {
        let answer = get(&app, &format!("/receipts?{wrong}")).await;
        assert_eq!(answer.status(), 400, "{wrong}");
    }
}

#[tokio::test]
async fn counts_are_in_buckets() {
    let directory = Directory::new();
    let app = start(&directory, "");
    let delivery = Delivery::of("stripe.v1", "whsec_an example secret").id("1");
    let delivery = delivery.body(json!({ "id": "1", "type": "order.paid" }).to_string());
    let url = app.url("/webhooks/stripe/live");
    let sent = Sender::new().send(&url, &delivery).await.unwrap();
    assert_eq!(sent.status(), 204);
    let counts = get(&app, "/metrics").await.into_body();
    let counts = String::from_utf8(counts.to_vec()).unwrap();
    for name in [
        "webhook_signature_skew_seconds",
        "webhook_body_bytes",
        "webhook_handler_seconds",
    ] {
        assert!(
            counts.contains(&format!("# TYPE {name} histogram")),
            "{counts}"
        );
    }
}

#[tokio::test]
async fn a_stranger_is_in_the_log_once_a_second() {
    let directory = Directory::new();
    let app = start(&directory, "");
    let sender = Sender::new();
    for _ in 0..20 {
        let forged = delivery("1").wrong_key();
        let sent = sender.send(&app.url(PATH), &forged).await.unwrap();
        assert_eq!(sent.status(), 401);
    }
    sender.send(&app.url(PATH), &delivery("1")).await.unwrap();
    let (_, lines) = app.terminate();
    let is_there = |beginning: &str| lines.iter().any(|line| line.starts_with(beginning));
    assert!(is_there("refused: unauthenticated"), "{lines:?}");
    assert!(is_there("github/primary acknowledged "), "{lines:?}");
    assert!(lines.len() < 20, "{lines:?}");
}

#[tokio::test]
async fn old_receipts_go_when_it_is_said_how_old() {
    for (settings, left) in [("receipts_ttl_seconds = 1", 0), ("", 1)] {
        let directory = Directory::new();
        let file = directory.file("receipts.db");
        let settings = format!("receipts = \"sqlite://{file}\"\n{settings}");
        let app = start(&directory, &settings);
        let sent = Sender::new().send(&app.url(PATH), &delivery("1")).await;
        assert_eq!(sent.unwrap().status(), 204);
        sleep(Duration::from_millis(2100)).await;
        app.kill();
        // The connection of the one before it is gone.
        let found = Sender::new().json(&app.url("/receipts")).await;
        assert_eq!(found.as_array().unwrap().len(), left, "{settings}");
    }
}
