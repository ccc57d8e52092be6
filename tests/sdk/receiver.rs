//! A receiver with a route for each scheme, by the catalog.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::IntoResponse;
use axum::routing::any;
use http::StatusCode;
use tower_webhook::Inbound;
use tower_webhook::delivery::{Delivery, DeliveryId};
use tower_webhook::envelope::RawWebhook;
use tower_webhook::scheme::catalog::Options;
use tower_webhook::time::Clock;

use crate::providers::PROVIDERS;

/// Where the providers were told to deliver. The receiver does not see it: it stands behind a proxy.
pub(super) fn public_url(scheme: &str) -> String {
    format!("https://hooks.example.com/{scheme}")
}

pub(super) fn receiver(clock: &Arc<dyn Clock>) -> Router {
    let mut app = Router::new();
    for provider in PROVIDERS {
        let entry = provider.entry();
        let options = Options::new()
            .secret(provider.verifying().as_str())
            .public_url(public_url(provider.scheme));
        let mut inbound = Inbound::builder(entry.build(&options).unwrap())
            .connection(provider.scheme)
            .clock(Arc::clone(clock));
        if let Some(tolerance) = entry.tolerance {
            inbound = inbound.replay_window(Duration::from_secs(tolerance));
        }
        let path = format!("/{}", provider.scheme);
        app = app.route(&path, any(handle).layer(inbound.build().unwrap()));
    }
    app
}

async fn handle(RawWebhook(_, delivery): RawWebhook) -> impl IntoResponse {
    (StatusCode::NO_CONTENT, [("x-delivery-id", id(&delivery))])
}

fn id(delivery: &Delivery) -> String {
    match &delivery.id {
        DeliveryId::Signed(id) | DeliveryId::Unsigned(id) => id.to_string(),
        _ => String::new(),
    }
}
