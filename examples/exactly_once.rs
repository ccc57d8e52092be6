//! A handler whose effect and whose claim are committed in one transaction of PostgreSQL, so that a
//! process that dies in between leaves both or neither: `cargo run --example exactly_once`.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Extension, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Router, body::Body};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sqlx::postgres::{PgPool, PgPoolOptions};
use tower::ServiceExt as _;
use tower_webhook::idempotency::Grant;
use tower_webhook::scheme::HmacScheme;
use tower_webhook::secret::Secret;
use tower_webhook::store::PostgresStore;
use tower_webhook::{BoxError, Inbound};

const KEY: &str = "an example secret";
const PATIENCE: Duration = Duration::from_secs(3);

#[derive(Clone)]
struct Shop {
    pool: PgPool,
    store: PostgresStore,
}

/// Books the order and completes the claim. Every `?` rolls both back, and the sender tries again.
async fn book(shop: &Shop, grant: &Grant, dies: bool) -> Result<StatusCode, BoxError> {
    let mut tx = shop.pool.begin().await?;
    sqlx::query("INSERT INTO exactly_once_example.orders (placed) VALUES (now())")
        .execute(&mut *tx)
        .await?;
    if dies {
        return Err("the process died here".into());
    }
    let answer = grant.answer(StatusCode::CREATED);
    shop.store
        .complete_in(
            &mut tx,
            grant.key(),
            grant.fence(),
            &answer,
            grant.retention(),
        )
        .await?;
    tx.commit().await?;
    Ok(StatusCode::CREATED)
}

async fn handle(
    State(shop): State<Shop>,
    Extension(grant): Extension<Grant>,
    headers: HeaderMap,
    _: Bytes,
) -> StatusCode {
    let booked = book(&shop, &grant, headers.contains_key("x-dies")).await;
    booked.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn delivery(id: &str) -> axum::http::request::Builder {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(KEY.as_bytes()).expect("any length");
    mac.update(b"{}");
    let signature = const_hex::encode(mac.finalize().into_bytes());
    Request::post("/")
        .header("content-type", "application/json")
        .header("x-github-delivery", id)
        .header("x-github-event", "order")
        .header("x-hub-signature-256", format!("sha256={signature}"))
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let default = "postgres://postgres@127.0.0.1:5432/test";
    let url = std::env::var("DATABASE_URL").unwrap_or_else(|_| default.to_owned());
    let Ok(pool) = PgPoolOptions::new()
        .acquire_timeout(PATIENCE)
        .connect(&url)
        .await
    else {
        println!("skipped: no PostgreSQL; set DATABASE_URL to one");
        return Ok(());
    };
    for statement in [
        "DROP SCHEMA IF EXISTS exactly_once_example CASCADE",
        "CREATE SCHEMA exactly_once_example",
        "CREATE TABLE exactly_once_example.orders (placed timestamptz)",
    ] {
        sqlx::query(statement).execute(&pool).await?;
    }
    // The claims stand beside the orders: one transaction holds both.
    let builder = PostgresStore::builder().schema("exactly_once_example");
    let store = builder.with_pool(pool.clone()).await?;
    let shop = Shop {
        pool: pool.clone(),
        store: store.clone(),
    };
    let scheme = HmacScheme::github(Secret::new(KEY)?);
    let inbound = Inbound::builder_with_store(scheme, store).build()?;
    let app = Router::new()
        .route("/", post(handle))
        .layer(inbound)
        .with_state(shop);

    let dies = delivery("1").header("x-dies", "1");
    for (attempt, request) in [dies, delivery("1"), delivery("1")].into_iter().enumerate() {
        let response = app.clone().oneshot(request.body(Body::from("{}"))?).await?;
        let orders: i64 = sqlx::query_scalar("SELECT count(*) FROM exactly_once_example.orders")
            .fetch_one(&pool)
            .await?;
        let status = response.status();
        println!(
            "attempt {}: {status}, orders in the table: {orders}",
            attempt + 1
        );
        let expected = [(500, 0), (201, 1), (201, 1)][attempt];
        assert_eq!((status.as_u16(), orders), expected);
    }
    sqlx::query("DROP SCHEMA exactly_once_example CASCADE")
        .execute(&pool)
        .await?;
    Ok(())
}
