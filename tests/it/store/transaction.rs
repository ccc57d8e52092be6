//! A handler below the layer that completes its claim in its own transaction.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, query, query_scalar, raw_sql};
use tower::{ServiceBuilder, ServiceExt as _, service_fn};
use tower_webhook::Inbound;
use tower_webhook::idempotency::{ClaimedBody, Grant};
use tower_webhook::scheme::HmacScheme;
use tower_webhook::secret::Secret;
use tower_webhook::store::{PostgresStore, StoreError};

use super::servers;

const KEY: &str = "0123456789abcdef";

/// A handler that writes an order and completes its claim, and a sender to it.
#[derive(Clone)]
struct Shop {
    pool: PgPool,
    store: PostgresStore,
    schema: String,
    /// Whether the handler fails after it completed, before it committed.
    fails: Arc<AtomicBool>,
}

impl Shop {
    async fn start() -> Option<Self> {
        let url = servers::postgres()?;
        let pool = PgPoolOptions::new()
            .connect(&url)
            .await
            .expect("the server is there");
        let schema = servers::unique("test");
        let builder = PostgresStore::builder()
            .schema(&schema)
            .timeout(Duration::from_secs(30));
        let shop = Self {
            store: builder.with_pool(pool.clone()).await.unwrap(),
            pool,
            schema,
            fails: Arc::default(),
        };
        shop.execute("CREATE TABLE {schema}.orders (id int)").await;
        Some(shop)
    }

    async fn execute(&self, text: &str) {
        let text = text.replace("{schema}", &self.schema);
        raw_sql(AssertSqlSafe(text))
            .execute(&self.pool)
            .await
            .unwrap();
    }

    async fn orders(&self) -> i64 {
        let text = format!("SELECT count(*) FROM {}.orders", self.schema);
        query_scalar(AssertSqlSafe(text))
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }

    async fn book(&self, grant: &Grant) -> Result<(), StoreError> {
        let mut tx = self.pool.begin().await.unwrap();
        let order = format!("INSERT INTO {}.orders VALUES (1)", self.schema);
        query(AssertSqlSafe(order)).execute(&mut *tx).await.unwrap();
        let (key, fence, keep) = (grant.key(), grant.fence(), grant.retention());
        let answer = grant.answer(StatusCode::CREATED);
        self.store
            .complete_in(&mut tx, key, fence, &answer, keep)
            .await?;
        if !self.fails.load(Ordering::Relaxed) {
            tx.commit().await.unwrap();
        }
        Ok(())
    }

    async fn handle(self, req: Request<ClaimedBody>) -> Result<Response<Full<Bytes>>, Infallible> {
        let grant = req.extensions().get::<Grant>().unwrap();
        assert_eq!(grant.key(), req.body().key());
        assert_eq!(grant.fence(), req.body().fence());
        self.book(req.body().grant()).await.unwrap();
        let mut response = Response::new(Full::default());
        *response.status_mut() = match self.fails.load(Ordering::Relaxed) {
            true => StatusCode::INTERNAL_SERVER_ERROR,
            false => StatusCode::CREATED,
        };
        Ok(response)
    }

    /// Sends the one delivery; says its status, and whether it was a duplicate.
    async fn deliver(&self) -> (u16, bool) {
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(KEY.as_bytes()).unwrap();
        mac.update(b"{}");
        let signature = const_hex::encode(mac.finalize().into_bytes());
        let req = Request::post("/")
            .header("content-type", "application/json")
            .header("x-github-delivery", "1")
            .header("x-github-event", "order")
            .header("x-hub-signature-256", format!("sha256={signature}"))
            .body(Full::new(Bytes::from_static(b"{}")));
        let scheme = HmacScheme::github(Secret::new(KEY).unwrap());
        let inbound = Inbound::builder_with_store(scheme, self.store.clone()).build();
        let shop = self.clone();
        let stack = ServiceBuilder::new()
            .layer(inbound.unwrap())
            .service(service_fn(move |req| shop.clone().handle(req)));
        let Ok(response) = stack.oneshot(req.unwrap()).await;
        let is_duplicate = response.headers().contains_key("webhook-duplicate");
        (response.status().as_u16(), is_duplicate)
    }
}

#[tokio::test]
async fn a_handler_commits_its_effect_and_its_claim_at_once() {
    let Some(shop) = Shop::start().await else {
        return;
    };
    shop.fails.store(true, Ordering::Relaxed);
    assert_eq!(shop.deliver().await, (500, false));
    assert_eq!(shop.orders().await, 0);
    // What was rolled back runs again, once.
    shop.fails.store(false, Ordering::Relaxed);
    assert_eq!(shop.deliver().await, (201, false));
    for _ in 0..3 {
        assert_eq!(shop.deliver().await, (201, true));
    }
    assert_eq!(shop.orders().await, 1);
    shop.execute("DROP SCHEMA {schema} CASCADE").await;
}
