//! What the program answers.

use axum::Router;
use axum::extract::{Query, State};
use axum::routing::get;
use http::{HeaderName, StatusCode, header};
use serde::Deserialize;
use serde_json::Value;
use tower_webhook::config::ConfigError;
use tower_webhook::dispatch::Dispatch;
use tower_webhook::scheme::HmacScheme;
use tower_webhook::store::BoxStore;
use tower_webhook::{Inbound, envelope};

use crate::accounts;
use crate::database::Database;
use crate::push::PushService;

pub(crate) type Github = Inbound<HmacScheme, BoxStore>;
type Event = envelope::Envelope<Value>;

/// Where GitHub delivers to.
const PATH: &str = "/v1/webhooks/connectors/github";

/// 202 for what was handled, 200 for what is valid and nobody's business, `ping` among it.
pub(crate) fn dispatch(database: &Database, pushes: PushService) -> Result<Dispatch, ConfigError> {
    let [one, two, three] = [database.clone(), database.clone(), database.clone()];
    Dispatch::github()
        .on_service("push", pushes)?
        .on("installation", move |event: Event| {
            accounts::installation(one.clone(), event)
        })?
        .on("installation_repositories", move |event: Event| {
            accounts::installation_repositories(two.clone(), event)
        })?
        .on("repository", move |event: Event| {
            accounts::repository(three.clone(), event)
        })
}

pub(crate) fn app(inbound: Github, dispatch: Dispatch, database: Database) -> Router {
    Router::new()
        .route_service(PATH, dispatch)
        .layer(inbound)
        .route("/jobs", get(jobs))
        .route("/accounts", get(all_accounts))
        .route("/health", get(async || "ok"))
        .with_state(database)
}

#[derive(Deserialize)]
struct Page {
    limit: Option<u32>,
    offset: Option<u32>,
}

type Json = ([(HeaderName, &'static str); 1], String);

fn json(found: Result<Value, sqlx::Error>) -> Result<Json, StatusCode> {
    match found {
        Ok(value) => Ok((
            [(header::CONTENT_TYPE, "application/json")],
            value.to_string(),
        )),
        Err(_) => Err(StatusCode::SERVICE_UNAVAILABLE),
    }
}

async fn jobs(
    State(database): State<Database>,
    Query(page): Query<Page>,
) -> Result<Json, StatusCode> {
    let limit = page.limit.unwrap_or(50).min(1000);
    let jobs = database.jobs(limit, page.offset.unwrap_or(0)).await;
    json(jobs.map(Value::from))
}

async fn all_accounts(State(database): State<Database>) -> Result<Json, StatusCode> {
    json(database.accounts().await)
}
