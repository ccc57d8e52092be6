//! What the gateway answers.

use axum::Router;
use axum::extract::{Query, State};
use axum::routing::{get, post};
use http::{StatusCode, header};
use metrics_exporter_prometheus::PrometheusHandle;
use serde::Deserialize;
use tower_webhook::Inbound;
use tower_webhook::connection::{ConnectionMap, Connections};
use tower_webhook::envelope::RawWebhook;
use tower_webhook::receipt::{Receipt, ReceiptLayer, ReceiptQuery};
use tower_webhook::store::BoxStore;

type Gateway = Inbound<Connections<ConnectionMap>, BoxStore>;

pub(crate) fn app(
    inbound: Gateway,
    receipts: ReceiptLayer,
    recorder: PrometheusHandle,
    is_enabled: bool,
) -> Router {
    let webhooks = Router::new()
        .route("/webhooks/{type}/{name}", post(handle).fallback(handle))
        .layer(inbound);
    if !is_enabled {
        return webhooks; // and 404 to all else
    }
    webhooks
        .route("/health", get(async || "ok"))
        .route("/metrics", get(async move || recorder.render()))
        .route("/receipts", get(query).with_state(receipts))
}

/// Here deliveries would go on to whoever wants them. Each comes once.
async fn handle(RawWebhook(_payload, _delivery): RawWebhook) -> StatusCode {
    StatusCode::NO_CONTENT
}

/// What `/receipts` is asked. A name that is misspelt would otherwise give all of them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// As `type/name`.
    connection: Option<String>,
    state: Option<String>,
    key: Option<String>,
    limit: Option<u32>,
    offset: Option<u32>,
}

const STATES: [&str; 5] = [
    "received",
    "dispatched",
    "acknowledged",
    "duplicate",
    "rejected",
];

async fn query(
    State(receipts): State<ReceiptLayer>,
    Query(asked): Query<Asked>,
) -> Result<([(header::HeaderName, &'static str); 1], String), (StatusCode, &'static str)> {
    let state = asked.state.as_deref();
    if state.is_some_and(|state| !STATES.contains(&state)) {
        return Err((StatusCode::BAD_REQUEST, "no such state"));
    }
    let query = ReceiptQuery {
        connection: asked.connection,
        state: asked.state,
        key: asked.key,
        limit: asked.limit.unwrap_or(50),
        offset: asked.offset.unwrap_or(0),
        ..ReceiptQuery::default()
    };
    let found = receipts.query(&query).await;
    let found = found.map_err(|_| (StatusCode::SERVICE_UNAVAILABLE, "the store is unavailable"))?;
    let rows: Vec<_> = found.iter().map(row).collect();
    let json = serde_json::Value::from(rows).to_string();
    Ok(([(header::CONTENT_TYPE, "application/json")], json))
}

fn row(receipt: &Receipt) -> serde_json::Value {
    serde_json::json!({
        "id": receipt.id.to_string(),
        "connection": receipt.connection,
        "key": receipt.key,
        "delivery_id": receipt.delivery_id,
        "event_type": receipt.event_type,
        "state": receipt.state.name(),
        "reason": receipt.state.reason(),
        "received_at": receipt.received_at,
        "changed_at": receipt.changed_at,
    })
}
