//! The store on PostgreSQL.

use std::time::Duration;

use http::StatusCode;
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, query, query_scalar, raw_sql};
use tower_webhook::store::conformance::{Testbed, run};
use tower_webhook::store::{
    Claim, Claimant, ConnectErrorKind, Fence, Fingerprint, Held, IdemKey, IdempotencyStore as _,
    PostgresStore, Retention, StoreErrorKind, StoredAnswer, TestClock,
};

use super::servers;

const LEASE: Duration = Duration::from_secs(300);

struct Bed {
    store: PostgresStore,
    clock: TestClock,
}

impl Testbed for Bed {
    type Store = PostgresStore;

    async fn store(&self) -> PostgresStore {
        self.store.clone()
    }

    async fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }
}

/// A store in a schema of its own.
struct Own {
    store: PostgresStore,
    clock: TestClock,
    schema: String,
    pool: PgPool,
}

impl Own {
    async fn start() -> Option<Self> {
        let pool = pool().await?;
        let (clock, schema) = (TestClock::new(), servers::unique("test"));
        let builder = PostgresStore::builder()
            .schema(&schema)
            .clock(clock.clone());
        // Generous: other tests share the machine and its disk.
        let builder = builder.timeout(Duration::from_secs(30));
        Some(Self {
            store: builder
                .with_pool(pool.clone())
                .await
                .expect("the server is there"),
            clock,
            schema,
            pool,
        })
    }

    async fn claim(&self, nonce: &str) -> Result<Claim, StoreErrorKind> {
        let (key, payload) = (key(nonce), Fingerprint::of(b"{}"));
        let claim = self.store.claim(&key, Claimant::unique(), &payload, LEASE);
        claim.await.map_err(|err| err.kind())
    }

    async fn fence(&self, nonce: &str) -> Fence {
        match self.claim(nonce).await {
            Ok(Claim::Acquired { fence, .. }) => fence,
            other => panic!("{nonce}: {other:?}"),
        }
    }

    async fn complete(&self, nonce: &str, fence: Fence) -> Held {
        let held = self
            .store
            .complete(&key(nonce), fence, &answer(), keep())
            .await;
        held.unwrap()
    }

    async fn count(&self, table: &str, filter: &str) -> i64 {
        let text = format!(
            "SELECT count(*) FROM {}.{table} WHERE {filter}",
            self.schema
        );
        query_scalar(AssertSqlSafe(text))
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }

    async fn execute(&self, text: &str) {
        let text = text.replace("{schema}", &self.schema);
        raw_sql(AssertSqlSafe(text))
            .execute(&self.pool)
            .await
            .unwrap();
    }

    async fn drop_schema(self) {
        self.execute("DROP SCHEMA {schema} CASCADE").await;
    }
}

async fn pool() -> Option<PgPool> {
    let url = servers::postgres()?;
    let options = PgPoolOptions::new().max_connections(16);
    Some(options.connect(&url).await.expect("the server is there"))
}

fn key(nonce: &str) -> IdemKey {
    IdemKey::compose("github", Some("push"), nonce)
}

fn answer() -> StoredAnswer {
    StoredAnswer::new(StatusCode::CREATED, 7).with_body("{\"id\":1}".into(), None)
}

fn keep() -> Retention {
    Retention::new(LEASE, 2 * LEASE)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_conforms() {
    let Some(own) = Own::start().await else {
        return;
    };
    let bed = Bed {
        store: own.store.clone(),
        clock: own.clock.clone(),
    };
    assert!(run(&bed).await >= 60);
    own.drop_schema().await;
}

#[tokio::test]
async fn a_store_by_the_clock_of_postgres_grants_and_remembers() {
    let Some(mut own) = Own::start().await else {
        return;
    };
    let builder = PostgresStore::builder()
        .schema(&own.schema)
        .timeout(Duration::from_secs(30));
    own.store = builder.with_pool(own.pool.clone()).await.unwrap();
    let fence = own.fence("real").await;
    assert!(
        matches!(own.claim("real").await, Ok(Claim::InProgress { retry_after }) if retry_after <= LEASE)
    );
    assert_eq!(own.complete("real", fence).await, Held::Yes);
    assert_eq!(
        own.claim("real").await,
        Ok(Claim::Done { answer: answer() })
    );
    let due = "valid_until BETWEEN now() + interval '590 s' AND now() + interval '600 s'";
    assert_eq!(own.count("deliveries", due).await, 1);
    own.drop_schema().await;
}

#[tokio::test]
async fn two_schemas_share_nothing() {
    let (Some(one), Some(two)) = (Own::start().await, Own::start().await) else {
        return;
    };
    one.fence("same").await;
    two.fence("same").await;
    one.drop_schema().await;
    assert!(matches!(
        two.claim("same").await,
        Ok(Claim::InProgress { .. })
    ));
    two.drop_schema().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_that_start_at_once_one_makes_the_schema() {
    let Some(pool) = pool().await else { return };
    let schema = servers::unique("test");
    let mut starting = tokio::task::JoinSet::new();
    for _ in 0..8 {
        starting.spawn(
            PostgresStore::builder()
                .schema(&schema)
                .with_pool(pool.clone()),
        );
    }
    for started in starting.join_all().await {
        started.unwrap();
    }
    let text = format!("SELECT count(*) FROM {schema}.migrations");
    let versions: i64 = query_scalar(AssertSqlSafe(text))
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(versions, 1);
    raw_sql(AssertSqlSafe(format!("DROP SCHEMA {schema} CASCADE")))
        .execute(&pool)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_schema_of_a_later_version_is_refused() {
    let Some(own) = Own::start().await else {
        return;
    };
    own.execute("INSERT INTO {schema}.migrations (version) VALUES (1000)")
        .await;
    let again = PostgresStore::builder()
        .schema(&own.schema)
        .with_pool(own.pool.clone());
    let refused = again.await.unwrap_err();
    assert_eq!(refused.config().unwrap().field(), "schema");
    own.drop_schema().await;
}

#[tokio::test]
async fn a_schema_that_is_no_plain_name_is_refused() {
    let Some(pool) = pool().await else { return };
    for name in [
        "",
        "1a",
        "a b",
        "Upper",
        "a;drop table b",
        "é",
        "\"q\"",
        &"a".repeat(64),
    ] {
        let refused = PostgresStore::builder()
            .schema(name)
            .with_pool(pool.clone())
            .await;
        let refused = refused.unwrap_err();
        assert_eq!(refused.config().unwrap().field(), "schema", "{name}");
    }
}

#[tokio::test]
async fn an_effect_and_its_memory_are_committed_together() {
    let Some(own) = Own::start().await else {
        return;
    };
    own.execute("CREATE TABLE {schema}.orders (id text)").await;
    let insert = format!("INSERT INTO {}.orders VALUES ('1')", own.schema);
    let fence = own.fence("paid").await;

    let mut tx = own.pool.begin().await.unwrap();
    query(AssertSqlSafe(insert.as_str()))
        .execute(&mut *tx)
        .await
        .unwrap();
    own.store
        .complete_in(&mut tx, &key("paid"), fence, &answer(), keep())
        .await
        .unwrap();
    // Before the commit nobody sees either.
    assert_eq!(own.count("orders", "true").await, 0);
    assert!(matches!(
        own.claim("paid").await,
        Ok(Claim::InProgress { .. })
    ));
    tx.commit().await.unwrap();

    assert_eq!(own.count("orders", "true").await, 1);
    assert_eq!(
        own.claim("paid").await,
        Ok(Claim::Done { answer: answer() })
    );
    // The layer completes again, and the first answer stays.
    let other = StoredAnswer::new(StatusCode::NO_CONTENT, 7);
    let held = own
        .store
        .complete(&key("paid"), fence, &other, keep())
        .await
        .unwrap();
    assert_eq!(held, Held::Yes);
    assert_eq!(
        own.claim("paid").await,
        Ok(Claim::Done { answer: answer() })
    );
    own.drop_schema().await;
}

#[tokio::test]
async fn a_rollback_leaves_no_memory() {
    let Some(own) = Own::start().await else {
        return;
    };
    let fence = own.fence("undone").await;
    let mut tx = own.pool.begin().await.unwrap();
    own.store
        .complete_in(&mut tx, &key("undone"), fence, &answer(), keep())
        .await
        .unwrap();
    tx.rollback().await.unwrap();
    assert!(matches!(
        own.claim("undone").await,
        Ok(Claim::InProgress { .. })
    ));
    let held = own.store.release(&key("undone"), fence).await.unwrap();
    assert_eq!(held, Held::Yes);
    own.fence("undone").await;
    own.drop_schema().await;
}

#[tokio::test]
async fn a_second_effect_is_refused_and_undone() {
    let Some(own) = Own::start().await else {
        return;
    };
    let first = own.fence("taken").await;
    own.clock.advance(LEASE);
    let second = own.fence("taken").await;
    assert_eq!(own.complete("taken", second).await, Held::Yes);
    for late in [first, second] {
        let mut tx = own.pool.begin().await.unwrap();
        let refused = own
            .store
            .complete_in(&mut tx, &key("taken"), late, &answer(), keep())
            .await;
        assert_eq!(refused.unwrap_err().kind(), StoreErrorKind::Lost);
    }
    own.drop_schema().await;
}

#[tokio::test]
async fn a_claim_waits_for_the_transaction_that_completes_a_lapsed_one() {
    let Some(own) = Own::start().await else {
        return;
    };
    let fence = own.fence("late").await;
    own.clock.advance(LEASE);
    let mut tx = own.pool.begin().await.unwrap();
    own.store
        .complete_in(&mut tx, &key("late"), fence, &answer(), keep())
        .await
        .unwrap();
    let (claimed, ()) = tokio::join!(own.claim("late"), async {
        let waiting = "SELECT count(*) FROM pg_stat_activity \
                       WHERE wait_event_type = 'Lock' AND query LIKE '%' || $1 || '.deliveries%'";
        let waits = async || -> i64 {
            query_scalar(waiting)
                .bind(&own.schema)
                .fetch_one(&own.pool)
                .await
                .unwrap()
        };
        while waits().await == 0 {
            tokio::task::yield_now().await;
        }
        tx.commit().await.unwrap();
    });
    // The statement found a row that its snapshot did not show, and was asked again.
    assert_eq!(claimed, Ok(Claim::Done { answer: answer() }));
    own.drop_schema().await;
}

#[tokio::test]
async fn a_purge_removes_what_is_over_and_no_more() {
    let Some(own) = Own::start().await else {
        return;
    };
    let done = own.fence("done").await;
    own.complete("done", done).await;
    own.clock.advance(LEASE);
    let running = own.fence("running").await;
    own.store.purge().await;
    // The body is gone, its tombstone is not.
    assert_eq!(own.count("deliveries", "tail IS NOT NULL").await, 0);
    let bare = answer().to_tombstone();
    assert_eq!(own.claim("done").await, Ok(Claim::Done { answer: bare }));
    own.clock.advance(LEASE);
    own.store.purge().await;
    assert_eq!(own.count("deliveries", "true").await, 1);
    assert_eq!(own.complete("running", running).await, Held::Yes);
    own.clock.advance(2 * LEASE);
    own.store.purge().await;
    assert_eq!(own.count("deliveries", "true").await, 0);
    own.drop_schema().await;
}

#[tokio::test]
async fn a_purge_takes_more_than_one_lot() {
    let Some(own) = Own::start().await else {
        return;
    };
    own.execute(
        "INSERT INTO {schema}.deliveries (key, state, fence, payload, valid_until, purge_after) \
         SELECT i::text, 'D', 1, decode(repeat('00', 32), 'hex'), now(), now() - interval '1 s' \
         FROM generate_series(1, 2500) i",
    )
    .await;
    own.clock.advance(LEASE);
    own.store.purge().await;
    assert_eq!(own.count("deliveries", "true").await, 0);
    own.drop_schema().await;
}

#[tokio::test]
async fn an_answer_of_another_hand_is_corrupt() {
    let Some(own) = Own::start().await else {
        return;
    };
    let fence = own.fence("answer").await;
    own.complete("answer", fence).await;
    own.execute("UPDATE {schema}.deliveries SET head = 'short'")
        .await;
    assert_eq!(own.claim("answer").await, Err(StoreErrorKind::Corrupt));
    own.drop_schema().await;
}

#[tokio::test]
async fn a_call_on_a_terminated_connection_is_made_on_another() {
    let Some(url) = servers::postgres() else {
        return;
    };
    let Some(own) = Own::start().await else {
        return;
    };
    let name = &own.schema;
    let url = format!(
        "{url}{}application_name={name}",
        if url.contains('?') { '&' } else { '?' }
    );
    let builder = PostgresStore::builder()
        .schema(name)
        .timeout(Duration::from_secs(30));
    let store = builder.connect(&url).await.unwrap();
    let killed =
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = $1";
    let killed: i64 = query_scalar(killed)
        .bind(name)
        .fetch_one(&own.pool)
        .await
        .unwrap();
    assert!(killed >= 1);
    let (key, payload) = (key("after"), Fingerprint::of(b"{}"));
    let claim = store.claim(&key, Claimant::unique(), &payload, LEASE).await;
    assert!(matches!(claim, Ok(Claim::Acquired { .. })), "{claim:?}");
    own.drop_schema().await;
}

#[tokio::test]
async fn a_pool_without_a_free_connection_is_an_error_in_time() {
    let Some(url) = servers::postgres() else {
        return;
    };
    let Some(own) = Own::start().await else {
        return;
    };
    let one = PgPoolOptions::new()
        .max_connections(1)
        .connect(&url)
        .await
        .unwrap();
    let builder = PostgresStore::builder()
        .schema(&own.schema)
        .timeout(Duration::from_millis(200));
    let store = builder.with_pool(one.clone()).await.unwrap();
    let _held = one.acquire().await.unwrap();
    let (key, payload) = (key("waits"), Fingerprint::of(b"{}"));
    let err = store
        .claim(&key, Claimant::unique(), &payload, LEASE)
        .await
        .unwrap_err();
    assert_eq!(err.kind(), StoreErrorKind::Unavailable);
    own.drop_schema().await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable_and_no_address_a_configuration_error() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let refused = PostgresStore::connect(&format!("postgres://hidden@{closed}/none")).await;
    assert_eq!(refused.unwrap_err().kind(), ConnectErrorKind::Unreachable);
    for url in ["mysql://127.0.0.1", "postgres://:hidden@[", "nonsense"] {
        let err = PostgresStore::connect(url).await.unwrap_err();
        assert_eq!(err.config().unwrap().field(), "url");
        assert!(!format!("{err} {err:?}").contains("hidden"));
    }
}
