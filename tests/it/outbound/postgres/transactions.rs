use tower_webhook::outbound::PostgresOutbox;
use tower_webhook::outbound::store::{OutboundStore as _, TransactionalOutbox as _};

use super::{Outbox, another_pool, event};
use crate::store::servers;

#[tokio::test]
async fn what_is_emitted_in_a_transaction_is_there_where_it_is_committed() {
    let Some(outbox) = Outbox::new().await else {
        return;
    };
    outbox.endpoint().await;
    for commits in [false, true] {
        let mut transaction = outbox.pool.begin().await.unwrap();
        for (emitted, count) in [("1", Some(1)), ("2", Some(1)), ("1", None)] {
            let event = event(emitted);
            let done = outbox.store.emit_in(&mut transaction, &event, 10);
            assert_eq!(done.await.unwrap(), count);
        }
        assert!(outbox.claim(10).await.is_empty());
        match commits {
            true => transaction.commit().await.unwrap(),
            false => transaction.rollback().await.unwrap(),
        }
        let claimed = outbox.claim(10).await;
        let ids = claimed.iter().map(|one| one.event.event_id().as_str());
        let expected = ["1", "2"];
        assert_eq!(
            ids.collect::<Vec<_>>(),
            expected[..if commits { 2 } else { 0 }]
        );
        // Nothing is left of what was rolled back, not even the event.
        let rows = outbox.ask("SELECT count(*) FROM {}.outbox_events").await;
        assert_eq!(rows, if commits { 2 } else { 0 });
        let rows = outbox
            .ask("SELECT count(*) FROM {}.outbox_deliveries")
            .await;
        assert_eq!(rows, if commits { 2 } else { 0 });
    }
    assert_eq!(outbox.store.emit(&event("1"), 10).await.unwrap(), None);
    outbox.drop().await;
}

/// As processes do: each with a pool of its own, all at once, on a schema that is not there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_may_make_the_tables_at_once() {
    let schema = servers::unique("outbox");
    let mut pools = Vec::new();
    for _ in 0..12 {
        let Some(pool) = another_pool().await else {
            return;
        };
        pools.push(pool);
    }
    let starting = pools
        .iter()
        .map(|pool| PostgresOutbox::with_schema(pool.clone(), &schema));
    for started in futures_util::future::join_all(starting).await {
        started.unwrap();
    }
    let outbox = Outbox::on(pools.remove(0), &schema).await;
    let versions = "SELECT count(*) - max(version) FROM {}.outbox_migrations";
    assert_eq!(outbox.ask(versions).await, 0);
    outbox.endpoint().await;
    assert_eq!(outbox.store.emit(&event("1"), 10).await.unwrap(), Some(1));
    outbox.drop().await;
}

#[tokio::test]
async fn tables_of_the_first_version_are_brought_to_the_present_one() {
    let Some(outbox) = Outbox::new().await else {
        return;
    };
    outbox.endpoint().await;
    assert_eq!(outbox.store.emit(&event("1"), 10).await.unwrap(), Some(1));
    outbox
        .run(
            "DROP FUNCTION {}.outbox_claim;
             DELETE FROM {}.outbox_migrations WHERE version = 2",
        )
        .await;
    let outbox = Outbox::on(outbox.pool.clone(), &outbox.schema).await;
    assert_eq!(outbox.claim(20).await.len(), 1);
    outbox.drop().await;
}
