//! The receiver as a process of its own: this binary, started again with a store to use.

use std::fs::OpenOptions;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::extract::{Extension, Request, State};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Router, http::StatusCode};
use serde::Deserialize;
use sqlx::postgres::{PgPool, PgPoolOptions};
use tower_webhook::envelope::Webhook;
use tower_webhook::idempotency::Grant;
use tower_webhook::scheme::HmacScheme;
use tower_webhook::secret::Secret;
use tower_webhook::store::{BoxStore, PostgresStore, RedisStore};
use tower_webhook::{BoxError, Inbound};

pub(crate) const KEY: &str = "0123456789abcdef";

/// What a worker is told, by its environment.
#[derive(Clone, Debug)]
pub(crate) struct Orders {
    pub(crate) url: String,
    /// The prefix of keys, or the schema.
    pub(crate) name: String,
    /// Where effects are noted. In the transaction of the claim, where there is no file.
    pub(crate) effects: Option<PathBuf>,
    pub(crate) lease: Duration,
    /// Whose events it gets, where they come from the sending wing.
    pub(crate) subscription: Option<Subscription>,
}

/// An endpoint of the sending wing.
#[derive(Clone, Debug)]
pub(crate) struct Subscription {
    /// Where it listens, in each of its lives.
    pub(crate) port: u16,
    pub(crate) secret: String,
    /// Where the id of each delivery is noted as it comes, before anything is asked.
    pub(crate) arrivals: PathBuf,
}

impl Orders {
    pub(crate) fn variables(&self) -> Vec<(&'static str, String)> {
        let mut variables = vec![
            ("WORKER_STORE", self.url.clone()),
            ("WORKER_NAME", self.name.clone()),
            ("WORKER_LEASE", self.lease.as_secs().to_string()),
        ];
        if let Some(file) = &self.effects {
            variables.push(("WORKER_EFFECTS", file.display().to_string()));
        }
        if let Some(subscription) = &self.subscription {
            let arrivals = subscription.arrivals.display().to_string();
            variables.extend([
                ("WORKER_PORT", subscription.port.to_string()),
                ("WORKER_SECRET", subscription.secret.clone()),
                ("WORKER_ARRIVALS", arrivals),
            ]);
        }
        variables
    }

    fn read() -> Option<Self> {
        let variable = |name| std::env::var(name).ok();
        let subscription = variable("WORKER_PORT").map(|port| Subscription {
            port: port.parse().unwrap(),
            secret: variable("WORKER_SECRET").unwrap(),
            arrivals: variable("WORKER_ARRIVALS").unwrap().into(),
        });
        Some(Self {
            subscription,
            url: variable("WORKER_STORE")?,
            name: variable("WORKER_NAME")?,
            effects: variable("WORKER_EFFECTS").map(PathBuf::from),
            lease: Duration::from_secs(variable("WORKER_LEASE")?.parse().ok()?),
        })
    }
}

#[derive(Deserialize)]
struct Event {
    event: u64,
}

#[derive(Clone)]
struct Shop {
    orders: Orders,
    /// Where the claims are on PostgreSQL.
    postgres: Option<(PgPool, PostgresStore)>,
}

impl Shop {
    /// The effect, which must not be had twice.
    async fn book(&self, event: u64, grant: &Grant) -> Result<(), BoxError> {
        // Like any handler, it takes a moment before and after; longer where a kill of the sender is to meet deliveries
        // that are under way.
        let moment = self.orders.subscription.as_ref().map_or(3, |_| 40);
        tokio::time::sleep(Duration::from_millis(moment)).await;
        if let Some(file) = &self.orders.effects {
            note(file, &event.to_string())?;
        } else {
            let (pool, store) = self
                .postgres
                .as_ref()
                .ok_or("no transaction without PostgreSQL")?;
            let mut transaction = pool.begin().await?;
            let text = format!("INSERT INTO {}.effects VALUES ($1)", self.orders.name);
            sqlx::query(sqlx::AssertSqlSafe(text))
                .bind(event.cast_signed())
                .execute(&mut *transaction)
                .await?;
            let answer = grant
                .answer(StatusCode::CREATED)
                .with_body(made(event).into(), None);
            store
                .complete_in(
                    &mut transaction,
                    grant.key(),
                    grant.fence(),
                    &answer,
                    grant.retention(),
                )
                .await?;
            transaction.commit().await?;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
        Ok(())
    }
}

fn note(file: &Path, line: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).open(file)?;
    // One write: a kill leaves the whole line or nothing.
    file.write_all(format!("{line}\n").as_bytes())
}

/// The answer to an event.
pub(crate) fn made(event: u64) -> String {
    format!("made {event}")
}

async fn handle(
    State(shop): State<Shop>,
    Extension(grant): Extension<Grant>,
    Webhook(Event { event }, _): Webhook<Event>,
) -> Response {
    match shop.book(event, &grant).await {
        Ok(()) => (StatusCode::CREATED, made(event)).into_response(),
        Err(err) => (StatusCode::INTERNAL_SERVER_ERROR, err.to_string()).into_response(),
    }
}

/// The store, and where the effect is of its transaction, both it and its pool.
async fn stand_on(orders: &Orders) -> (BoxStore, Option<(PgPool, PostgresStore)>) {
    if orders.url.starts_with("redis") {
        let builder = RedisStore::builder(&orders.url).prefix(&orders.name);
        return (BoxStore::new(builder.connect().await.unwrap()), None);
    }
    let builder = PostgresStore::builder().schema(&orders.name);
    if orders.effects.is_some() {
        let store = builder.connect(&orders.url).await.unwrap();
        return (BoxStore::new(store), None);
    }
    // Patience like that of the store: a handler that waits for long keeps its sender waiting.
    let pool = PgPoolOptions::new()
        .max_connections(10)
        .acquire_timeout(Duration::from_secs(5))
        .after_connect(|connection, _| {
            Box::pin(async move {
                let limit = sqlx::raw_sql("SET statement_timeout = '5s'");
                limit.execute(connection).await.map(drop)
            })
        });
    let pool = pool.connect(&orders.url).await.unwrap();
    let store = builder.with_pool(pool.clone()).await.unwrap();
    (BoxStore::new(store.clone()), Some((pool, store)))
}

/// A process: it listens until it is killed, or until who started it is gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "what the other tests start as a process"]
async fn receive() {
    let Some(orders) = Orders::read() else {
        return;
    };
    std::thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
    let (store, postgres) = stand_on(&orders).await;
    let scheme = match &orders.subscription {
        Some(subscription) => {
            HmacScheme::standard_webhooks(Secret::standard_webhooks(&subscription.secret).unwrap())
        }
        None => HmacScheme::github(Secret::new(KEY).unwrap()),
    };
    let subscription = orders.subscription.clone();
    let port = subscription.as_ref().map_or(0, |it| it.port);
    // A long run sends everything once more after the window that is usual.
    let inbound = Inbound::builder_with_store(scheme, store)
        .lease(orders.lease)
        .replay_window(Duration::from_secs(3600));
    let app = Router::new()
        .route("/", post(handle))
        .layer(inbound.build().unwrap())
        .with_state(Shop { orders, postgres })
        .layer(from_fn(move |req: Request, next: Next| {
            if let Some(subscription) = &subscription {
                let id = req.headers()["webhook-id"].to_str().unwrap();
                note(&subscription.arrivals, id).unwrap();
            }
            next.run(req)
        }));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port));
    let listener = listener.await.unwrap();
    println!("listening on {}", listener.local_addr().unwrap().port());
    axum::serve(listener, app).await.unwrap();
}
