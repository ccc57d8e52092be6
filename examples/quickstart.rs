//! A receiver for GitHub webhooks on axum: `cargo run --example quickstart`.

use std::time::Duration;

use axum::Router;
use axum::routing::post;
use http::StatusCode;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use serde::Deserialize;
use tower_webhook::envelope::Webhook;
use tower_webhook::outcome::Outcome;
use tower_webhook::scheme::HmacScheme;
use tower_webhook::secret::Secret;
use tower_webhook::{BoxError, Inbound};

#[derive(Debug, Deserialize)]
struct Event {
    #[serde(default)]
    action: Option<String>,
    #[serde(default)]
    number: Option<u64>,
}

// Runs once for each delivery; what it answers is remembered.
async fn handle(Webhook(event, delivery): Webhook<Event>) -> StatusCode {
    println!(
        "{:?} {:?} #{:?}",
        delivery.event_type, event.action, event.number
    );
    StatusCode::NO_CONTENT
}

fn app(secret: Secret, window: Duration) -> Result<Router, BoxError> {
    let inbound = Inbound::builder(HmacScheme::github(secret))
        .connection("primary")
        .replay_window(window)
        .observer(|outcome: Outcome| println!("outcome: {outcome}"))
        .build()?;
    Ok(Router::new()
        .route("/webhooks/github/primary", post(handle))
        .layer(inbound))
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let var = |name, other: &str| std::env::var(name).unwrap_or(other.to_owned());
    let port: u16 = var("PORT", "8000").parse()?;
    let window: u64 = var("REPLAY_WINDOW_SECONDS", "300").parse()?;
    let secret = var("WEBHOOK_SECRET", "quickstart-secret");
    let app = app(Secret::new(&secret)?, Duration::from_secs(window))?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!(
        "# listening on http://{}; to try it:",
        listener.local_addr()?
    );
    println!(
        "{}",
        include_str!("quickstart.sh")
            .replace("8000", &port.to_string())
            .replace("quickstart-secret", &secret)
    );
    loop {
        let (stream, _) = listener.accept().await?;
        let app = TowerToHyperService::new(app.clone());
        tokio::spawn(async move {
            // `axum::serve` sets no time-outs: a silent client would stay for ever.
            let mut server = auto::Builder::new(TokioExecutor::new());
            let head = Duration::from_secs(10);
            server
                .http1()
                .timer(TokioTimer::new())
                .header_read_timeout(head);
            server
                .http2()
                .timer(TokioTimer::new())
                .keep_alive_interval(head);
            if let Err(err) = server.serve_connection(TokioIo::new(stream), app).await {
                eprintln!("connection: {err}");
            }
        });
    }
}
