//! The outbox in a file: transactions, power, two processes, indices.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use sqlx::{AssertSqlSafe, Row as _};
use tower::service_fn;
use tower_webhook::BoxError;
use tower_webhook::outbound::endpoint::{EndpointId, NewEndpoint};
use tower_webhook::outbound::event::{Event, EventId};
use tower_webhook::outbound::store::conformance::run;
use tower_webhook::outbound::store::*;
use tower_webhook::outbound::{DeliveryBody, OutboundStore, SealingKey, Sender, SqliteOutbox};
use tower_webhook::store::ConnectErrorKind;
use tower_webhook::time::ManualClock;

use crate::store::servers;

/// A directory that is removed with its owner.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        let path = std::env::temp_dir().join(servers::unique("outbox"));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn url(&self, name: &str) -> String {
        format!("sqlite://{}", self.0.join(name).display())
    }

    async fn pool(&self, name: &str) -> SqlitePool {
        let options: SqliteConnectOptions = self.url(name).parse().unwrap();
        let options = options.create_if_missing(true);
        SqlitePool::connect_with(options).await.unwrap()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Keeps an endpoint that wants everything.
async fn endpoint(store: &SqliteOutbox) -> EndpointId {
    let sender = Sender::builder(store.clone(), SealingKey::generate())
        .build()
        .unwrap();
    let new = NewEndpoint::new("https://receiver.example/hooks");
    sender.endpoints().create(new).await.unwrap().endpoint.id
}

fn event(id: &str) -> Event {
    let event = Event::new("order.created", r#"{"number":7}"#).unwrap();
    event.id(EventId::new(id).unwrap()).api_version("2")
}

async fn claim(store: &SqliteOutbox, now: i64) -> Vec<ClaimedDelivery> {
    let mut request = ClaimRequest::new(now, now + 60, 100);
    request.concurrent = 100;
    store.claim(&request).await.unwrap().deliveries
}

fn arrived(claimed: &ClaimedDelivery, at: i64) -> Settlement {
    let mut attempt = Attempt::new(claimed.held, at - 1);
    attempt.status = Some(204);
    let endpoint = claimed.endpoint.endpoint.id.clone();
    Settlement::new(
        attempt,
        endpoint,
        Next::Delivered,
        HealthEffect::Success,
        at,
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_in_memory_conforms() {
    let facts = run(async || SqliteOutbox::connect("sqlite::memory:").await.unwrap()).await;
    println!("{facts} facts on SQLite in memory");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_in_a_file_conforms() {
    let (directory, next) = (Directory::new(), AtomicUsize::new(0));
    let facts = run(async || {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let url = directory.url(&number.to_string());
        SqliteOutbox::connect(&url).await.unwrap()
    })
    .await;
    println!("{facts} facts on SQLite in a file");
}

#[tokio::test]
async fn what_is_emitted_in_a_transaction_is_there_where_it_is_committed() {
    let directory = Directory::new();
    for url in [directory.url("file"), "sqlite::memory:".into()] {
        let store = SqliteOutbox::connect(&url).await.unwrap();
        endpoint(&store).await;
        for commits in [false, true] {
            let mut transaction = store.pool().begin_with("BEGIN IMMEDIATE").await.unwrap();
            for (emitted, count) in [("1", Some(1)), ("2", Some(1)), ("1", None)] {
                let done = store.emit_in(&mut transaction, &event(emitted), 10).await;
                assert_eq!(done.unwrap(), count);
            }
            match commits {
                true => transaction.commit().await.unwrap(),
                false => transaction.rollback().await.unwrap(),
            }
            let claimed = claim(&store, 10).await;
            let ids: Vec<_> = claimed
                .iter()
                .map(|one| one.event.event_id().as_str())
                .collect();
            assert_eq!(ids, ["1", "2"][..if commits { 2 } else { 0 }]);
        }
        assert_eq!(store.emit(&event("1"), 10).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_file_that_is_opened_again_has_everything() {
    let directory = Directory::new();
    let url = directory.url("file");
    let store = SqliteOutbox::connect(&url).await.unwrap();
    let id = endpoint(&store).await;
    let record = store.endpoint(&id).await.unwrap().unwrap();
    for name in ["1", "2", "3"] {
        assert_eq!(store.emit(&event(name), 10).await.unwrap(), Some(1));
    }
    let claimed = claim(&store, 10).await;
    let settled = store.settle(&[arrived(&claimed[0], 12)]).await.unwrap();
    assert_eq!(settled.held, [true]);
    let next = Next::Retry { due_at: 500 };
    let failed = Attempt::new(claimed[1].held, 11);
    let failed = Settlement::new(failed, id.clone(), next, HealthEffect::Failure, 12);
    let settled = store.settle(&[failed]).await.unwrap();
    assert_eq!(settled.endpoints[0].health.failures, 1);
    let asked = DeliveryQuery::new(id.clone());
    let before = store.deliveries(&asked).await.unwrap();
    let ids: Vec<_> = before.iter().map(|delivery| delivery.id).collect();
    let attempts = store.attempts(&ids).await.unwrap();
    assert_eq!((before.len(), attempts.len()), (3, 2));
    store.close().await;
    assert!(store.deliveries(&asked).await.is_err());

    let store = SqliteOutbox::connect(&url).await.unwrap();
    assert_eq!(store.deliveries(&asked).await.unwrap(), before);
    assert_eq!(store.attempts(&ids).await.unwrap(), attempts);
    let again = store.endpoint(&id).await.unwrap().unwrap();
    assert_eq!(again.sealed, record.sealed);
    assert_eq!(again.endpoint.url, record.endpoint.url);
    assert_eq!(again.endpoint.health.failing_since, Some(12));
    // The lease of the third ended without a word.
    let left = claim(&store, 100).await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].held.attempt, 2);
    assert_eq!(left[0].event.body(), event("3").body());
    let lost = store.attempts(&[left[0].held.delivery]).await.unwrap();
    assert_eq!(
        lost[0].error.as_ref().unwrap().code,
        AttemptError::LEASE_EXPIRED
    );
    assert_eq!(lost[0].at, 70);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_may_open_a_new_file_at_once() {
    let directory = Directory::new();
    for number in 0..30 {
        let url = directory.url(&number.to_string());
        let mut opening = tokio::task::JoinSet::new();
        for _ in 0..6 {
            let url = url.clone();
            opening.spawn(async move { SqliteOutbox::connect(&url).await.map(drop) });
        }
        for opened in opening.join_all().await {
            opened.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_stores_on_one_file_never_take_the_same() {
    const EVENTS: usize = 200;
    let directory = Directory::new();
    let url = directory.url("file");
    let stores = [&url, &url, &url].map(|url| SqliteOutbox::connect(url));
    let [one, two, three] = futures_util::future::join_all(stores)
        .await
        .try_into()
        .unwrap();
    let id = endpoint(one.as_ref().unwrap()).await;
    let taken = Arc::new(AtomicUsize::new(0));
    let emits = three.unwrap();
    let emitting = tokio::spawn(async move {
        for number in 0..EVENTS {
            let event = event(&number.to_string());
            assert_eq!(emits.emit(&event, 10).await.unwrap(), Some(1));
        }
    });
    let taking = [one, two].map(|store| {
        let (store, taken) = (store.unwrap(), Arc::clone(&taken));
        tokio::spawn(async move {
            let mut mine = Vec::new();
            while taken.load(Ordering::Relaxed) < EVENTS {
                let mut request = ClaimRequest::new(10, 100, 7);
                request.concurrent = 7;
                let claimed = store.claim(&request).await.unwrap().deliveries;
                taken.fetch_add(claimed.len(), Ordering::Relaxed);
                let settled: Vec<_> = claimed.iter().map(|one| arrived(one, 12)).collect();
                let settled = store.settle(&settled).await.unwrap();
                assert!(settled.held.iter().all(|held| *held));
                mine.extend(claimed.into_iter().map(|one| one.held));
            }
            (store, mine)
        })
    });
    emitting.await.unwrap();
    let mut all = HashSet::new();
    for ended in futures_util::future::join_all(taking).await {
        let (store, mine) = ended.unwrap();
        all.extend(mine);
        let mut asked = DeliveryQuery::new(id.clone());
        (asked.state, asked.limit) = (Some("delivered".into()), 1000);
        assert_eq!(store.deliveries(&asked).await.unwrap().len(), EVENTS);
    }
    assert_eq!(all.len(), EVENTS);
    assert_eq!(taken.load(Ordering::Relaxed), EVENTS);
}

#[tokio::test]
async fn a_sender_tries_again_from_a_file() {
    let directory = Directory::new();
    let store = SqliteOutbox::connect(&directory.url("file")).await.unwrap();
    let (clock, calls) = (
        Arc::new(ManualClock::new(1_800_000_000)),
        AtomicUsize::new(0),
    );
    let calls = Arc::new(calls);
    let counted = Arc::clone(&calls);
    let client = service_fn(move |_: Request<DeliveryBody>| {
        let status = [500, 503, 204][counted.fetch_add(1, Ordering::Relaxed)];
        let answer = Response::builder()
            .status(status)
            .body(Full::from("an answer"));
        async move { Ok::<Response<Full<Bytes>>, BoxError>(answer?) }
    });
    let sender = Sender::builder(store.clone(), SealingKey::generate()).client(client);
    let sender = sender.clock(Arc::clone(&clock)).build().unwrap();
    let new = NewEndpoint::new("https://receiver.example/hooks");
    let id = sender.endpoints().create(new).await.unwrap().endpoint.id;
    sender.emit(event("1")).await.unwrap();
    while let Some(next) = sender.dispatcher().run_due().await.unwrap() {
        clock.set_millis(next);
    }
    let delivery = store
        .deliveries(&DeliveryQuery::new(id))
        .await
        .unwrap()
        .remove(0);
    assert_eq!(delivery.state, DeliveryState::Delivered);
    assert_eq!((delivery.attempts, delivery.failed), (3, 2));
    let attempts = store.attempts(&[delivery.id]).await.unwrap();
    let statuses: Vec<_> = attempts.iter().map(|attempt| attempt.status).collect();
    assert_eq!(statuses, [Some(500), Some(503), Some(204)]);
    assert_eq!(&attempts[2].response[..], b"an answer");
}

#[tokio::test]
async fn what_is_no_file_of_ours_is_refused() {
    let directory = Directory::new();
    let pool = directory.pool("later").await;
    SqliteOutbox::with_pool(pool.clone()).await.unwrap();
    let later = "INSERT INTO tower_webhook_outbox_version VALUES (99)";
    sqlx::query(later).execute(&pool).await.unwrap();
    let refused = SqliteOutbox::with_pool(pool).await.unwrap_err();
    assert_eq!(refused.config().unwrap().field(), "outbox");
    for url in [
        "",
        "sqlite",
        "sqlite://",
        "sqlite:///?mode=rwc",
        "sqlite://file?mode=any",
    ] {
        let refused = SqliteOutbox::connect(url).await.unwrap_err();
        assert_eq!(refused.config().unwrap().field(), "outbox", "{url}");
    }
    std::fs::write(directory.0.join("text"), "not a database. ".repeat(100)).unwrap();
    for name in ["missing/file", "text"] {
        let refused = SqliteOutbox::connect(&directory.url(name)).await;
        assert_eq!(refused.unwrap_err().kind(), ConnectErrorKind::Unreachable);
    }
}

#[tokio::test]
async fn an_emitted_event_survives_a_power_cut() {
    let directory = Directory::new();
    let store = SqliteOutbox::connect(&directory.url("file")).await.unwrap();
    let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous")
        .fetch_one(store.pool())
        .await
        .unwrap();
    assert_eq!(synchronous, 2); // FULL
}

#[tokio::test]
async fn what_is_purged_is_forgotten_in_lots() {
    let store = SqliteOutbox::connect("sqlite::memory:").await.unwrap();
    let id = endpoint(&store).await;
    let fill = format!(
        "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n LIMIT 2500)
         INSERT INTO tower_webhook_outbox_events SELECT n, 'e' || n, '', 'a.b', NULL, 'x', n, '{{}}' FROM n;
         INSERT INTO tower_webhook_outbox_deliveries
         SELECT place, place, '{id}', 1 + place % 2, 'exhausted', 1, 0, 1, 0, 0, place, place
         FROM tower_webhook_outbox_events;
         INSERT INTO tower_webhook_outbox_attempts
         SELECT id, 1, 1, 1, 204, NULL, NULL, x'', 0 FROM tower_webhook_outbox_deliveries"
    )
    .replace("'{}'", "x''");
    sqlx::raw_sql(AssertSqlSafe(fill))
        .execute(store.pool())
        .await
        .unwrap();
    let purge = Purge {
        delivered_before: 2401,
        dead_before: 101,
    };
    assert_eq!(store.purge(&purge).await.unwrap(), 1200 + 50);
    for table in ["deliveries", "events", "attempts"] {
        let count = format!("SELECT count(*) FROM tower_webhook_outbox_{table}");
        let count = sqlx::query_scalar(AssertSqlSafe(count));
        let count: i64 = count.fetch_one(store.pool()).await.unwrap();
        assert_eq!(count, 1250, "{table}");
    }
    assert_eq!(store.purge(&purge).await.unwrap(), 0);
}

#[tokio::test]
async fn each_question_has_an_index() {
    let store = SqliteOutbox::connect("sqlite::memory:").await.unwrap();
    let deliveries = "FROM tower_webhook_outbox_deliveries WHERE";
    for (question, index) in [
        (
            format!(
                "SELECT endpoint {deliveries} state = 0 AND endpoint > 'a' ORDER BY endpoint LIMIT 1"
            ),
            "deliveries_due (endpoint>?)",
        ),
        (
            format!(
                "SELECT id, event {deliveries} state = 0 AND endpoint = 'a' AND due_at <= 9 ORDER BY due_at, id LIMIT 9"
            ),
            "deliveries_due (endpoint=? AND due_at<?)",
        ),
        (
            format!("SELECT * {deliveries} endpoint = 'a' AND id < 9 ORDER BY id DESC LIMIT 50"),
            "deliveries_audit (endpoint=? AND id<?)",
        ),
        (
            format!("SELECT * {deliveries} endpoint = 'a' AND state = 2 ORDER BY id DESC LIMIT 50"),
            "deliveries_dead (endpoint=?)",
        ),
        (
            format!(
                "SELECT id {deliveries} state <> 0 AND state = 1 AND changed_at < 9 ORDER BY changed_at LIMIT 9"
            ),
            "deliveries_over (state=? AND changed_at<?)",
        ),
    ] {
        let plan = plan(&store, &question).await;
        assert!(plan.contains(index), "{question}\n{plan}");
        assert!(
            !plan.contains("SCAN") && !plan.contains("TEMP B-TREE"),
            "{question}\n{plan}"
        );
    }
}

async fn plan(store: &SqliteOutbox, question: &str) -> String {
    let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {question}"));
    let rows = sqlx::query(explain).fetch_all(store.pool()).await.unwrap();
    let lines = rows.iter().map(|row| row.get::<String, _>("detail"));
    lines.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn a_memory_has_one_connection_with_which_it_would_end() {
    for url in ["sqlite::memory:", "sqlite:shared?mode=memory"] {
        let store = SqliteOutbox::connect(url).await.unwrap();
        assert_eq!(store.pool().options().get_max_connections(), 1, "{url}");
    }
}
