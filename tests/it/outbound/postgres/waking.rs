//! What one process emits another one sends at once.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Empty;
use tower::service_fn;
use tower_webhook::outbound::store::{OutboundStore as _, TransactionalOutbox as _};
use tower_webhook::outbound::{DeliveryBody, PostgresOutbox, Sender};

use super::{Outbox, PATIENCE, another_pool, event};
use crate::store::servers;

/// Sends what another process emits, looks for itself once an hour only, and counts what arrives.
struct Other {
    sent: Arc<AtomicUsize>,
    running: tokio::task::JoinHandle<()>,
}

impl Other {
    /// It listens already.
    async fn start(outbox: &Outbox) -> Self {
        let pool = another_pool().await.unwrap();
        let store = PostgresOutbox::with_schema(pool, &outbox.schema)
            .await
            .unwrap();
        let sent = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&sent);
        let client = service_fn(move |_: Request<DeliveryBody>| {
            counted.fetch_add(1, Ordering::SeqCst);
            async { Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new())) }
        });
        let sender = Sender::builder(store, outbox.key.clone()).client(client);
        let dispatcher = sender.build().unwrap().dispatcher();
        let dispatcher = dispatcher.poll(Duration::from_secs(3600));
        let running = tokio::spawn(dispatcher.run_until(std::future::pending()));
        let other = Self { sent, running };
        let listening = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%{}%' AND state = 'idle'",
            outbox.schema
        );
        other
            .until("it listens", async || outbox.ask(&listening).await == 1)
            .await;
        other
    }

    async fn until(&self, what: &str, is_so: impl AsyncFn() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_so().await {
            assert!(Instant::now() < deadline, "not in time: {what}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn has_sent(&self, expected: usize) {
        let what = format!("{expected} are sent");
        let sent = || self.sent.load(Ordering::SeqCst);
        self.until(&what, async || sent() == expected).await;
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        self.running.abort();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_committed_on_one_pool_wakes_a_dispatcher_on_another() {
    let Some(outbox) = Outbox::new().await else {
        return;
    };
    outbox.endpoint().await;
    let other = Other::start(&outbox).await;
    outbox.store.emit(&event("1"), 10).await.unwrap();
    other.has_sent(1).await;
    let mut transaction = outbox.pool.begin().await.unwrap();
    let emitted = outbox
        .store
        .emit_in(&mut transaction, &event("2"), 10)
        .await;
    assert_eq!(emitted.unwrap(), Some(1));
    // Another one that is shorter comes through meanwhile.
    outbox.store.emit(&event("3"), 10).await.unwrap();
    other.has_sent(2).await;
    transaction.commit().await.unwrap();
    other.has_sent(3).await;
    outbox.drop().await;
}

/// None is forgotten, however many there are and however long they take.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_transactions_at_once_wake_a_dispatcher_on_another_pool() {
    let Some(outbox) = Outbox::new().await else {
        return;
    };
    outbox.endpoint().await;
    let other = Other::start(&outbox).await;
    let outbox = Arc::new(outbox);
    let mut emitting = tokio::task::JoinSet::new();
    for task in 0..6_u64 {
        let outbox = Arc::clone(&outbox);
        emitting.spawn(async move {
            for number in 0..15 {
                let mut transaction = outbox.pool.begin().await.unwrap();
                let event = event(&format!("{task}-{number}"));
                let emitted = outbox.store.emit_in(&mut transaction, &event, 10).await;
                assert_eq!(emitted.unwrap(), Some(1));
                tokio::time::sleep(Duration::from_millis(task * number % 37)).await;
                match number % 5 {
                    4 => transaction.rollback().await.unwrap(),
                    _ => transaction.commit().await.unwrap(),
                }
            }
        });
    }
    emitting.join_all().await;
    other.has_sent(6 * 12).await;
    drop(other);
    Arc::into_inner(outbox).unwrap().drop().await;
}

#[tokio::test]
async fn the_name_of_a_schema_leaves_room_for_that_of_its_channel() {
    let Some(pool) = another_pool().await else {
        return;
    };
    let name = |letters: usize| format!("{:x<letters$}", servers::unique("outbox"));
    let long = PostgresOutbox::with_schema(pool.clone(), &name(57)).await;
    let err = long.unwrap_err();
    assert_eq!(err.config().unwrap().field(), "schema");
    Outbox::on(pool, &name(56)).await.drop().await;
}
