//! The outbox on a server: transactions, wakes, lots, locks, plans.

mod locks;
mod lots;
mod plans;
mod transactions;
mod trips;
mod waking;

use std::time::Duration;

use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, query_scalar, raw_sql};
use tower_webhook::outbound::endpoint::{EndpointId, NewEndpoint};
use tower_webhook::outbound::event::{Event, EventId};
use tower_webhook::outbound::store::{
    Attempt, ClaimRequest, ClaimedDelivery, DeliveryQuery, HealthEffect, Next, OutboundStore as _,
    Settlement,
};
use tower_webhook::outbound::{PostgresOutbox, SealingKey, Sender};

use crate::store::servers;

/// How long anything may take that is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// A store in a schema of its own.
struct Outbox {
    store: PostgresOutbox,
    pool: PgPool,
    schema: String,
    key: SealingKey,
}

impl Outbox {
    /// `None` where there is no server.
    async fn new() -> Option<Self> {
        let pool = another_pool().await?;
        Some(Self::on(pool, &servers::unique("outbox")).await)
    }

    async fn on(pool: PgPool, schema: &str) -> Self {
        let store = PostgresOutbox::with_schema(pool.clone(), schema).await;
        Self {
            store: store.unwrap(),
            pool,
            schema: schema.to_owned(),
            key: SealingKey::new([7; 32]),
        }
    }

    /// Keeps an endpoint that wants everything.
    async fn endpoint(&self) -> EndpointId {
        let sender = Sender::builder(self.store.clone(), self.key.clone()).build();
        let new = NewEndpoint::new("https://receiver.example/hooks");
        let created = sender.unwrap().endpoints().create(new).await;
        created.unwrap().endpoint.id
    }

    /// Keeps an endpoint with an id of the test's, which wants everything.
    async fn named(&self, id: &str) -> EndpointId {
        let made = self.endpoint().await;
        let rename = format!("UPDATE {{}}.outbox_endpoints SET id = '{id}' WHERE id = '{made}'");
        self.run(&rename).await;
        id.into()
    }

    async fn claim(&self, now: i64) -> Vec<ClaimedDelivery> {
        let mut request = ClaimRequest::new(now, now + 1000, 100);
        request.concurrent = 100;
        self.store.claim(&request).await.unwrap().deliveries
    }

    /// How many deliveries of an endpoint are in a state.
    async fn count(&self, endpoint: &EndpointId, state: &str) -> usize {
        let mut query = DeliveryQuery::new(endpoint.clone());
        (query.state, query.limit) = (Some(state.to_owned()), 1000);
        let mut count = 0;
        loop {
            let page = self.store.deliveries(&query).await.unwrap();
            query.before = page.last().map(|delivery| delivery.id);
            count += page.len();
            if page.is_empty() {
                return count;
            }
        }
    }

    /// Runs statements, with `{}` for the schema.
    async fn run(&self, statements: &str) {
        let text = statements.replace("{}", &self.schema);
        raw_sql(AssertSqlSafe(text))
            .execute(&self.pool)
            .await
            .unwrap();
    }

    async fn ask(&self, question: &str) -> i64 {
        let text = question.replace("{}", &self.schema);
        let answer = query_scalar(AssertSqlSafe(text)).fetch_one(&self.pool);
        answer.await.unwrap()
    }

    /// A dispatcher that has not ended may be in its way: of two that wait for each other the server refuses one.
    async fn drop(self) {
        let text = format!("DROP SCHEMA {} CASCADE", self.schema);
        for _ in 0..5 {
            let dropped = raw_sql(AssertSqlSafe(text.clone())).execute(&self.pool);
            let Err(err) = dropped.await else { return };
            let code = err.as_database_error().and_then(|said| said.code());
            assert_eq!(code.as_deref(), Some("40P01"), "{err}");
        }
        panic!("{} cannot be dropped", self.schema);
    }
}

async fn another_pool() -> Option<PgPool> {
    let url = servers::postgres()?;
    let options = PgPoolOptions::new().max_connections(8);
    let pool = options.acquire_timeout(PATIENCE).connect(&url).await;
    Some(pool.unwrap())
}

fn event(id: &str) -> Event {
    let event = Event::new("order.created", r#"{"number":7}"#).unwrap();
    event.id(EventId::new(id).unwrap())
}

fn ended(claimed: &ClaimedDelivery, next: Next, at: i64) -> Settlement {
    let health = match next {
        Next::Delivered => HealthEffect::Success,
        _ => HealthEffect::Failure,
    };
    let attempt = Attempt::new(claimed.held, at);
    let endpoint = claimed.endpoint.endpoint.id.clone();
    Settlement::new(attempt, endpoint, next, health, at)
}
