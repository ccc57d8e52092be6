//! Rows are locked in one order, that of their ids, so that no two statements wait for each other.

use std::time::Instant;

use tower_webhook::outbound::store::{Next, OutboundStore as _};

use super::{Outbox, PATIENCE, ended, event};

/// Waits until some statement waits for a lock of this transaction.
async fn waited_for(outbox: &Outbox, holder: i64) {
    let deadline = Instant::now() + PATIENCE;
    let waiting = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE {holder} = ANY (pg_blocking_pids(pid))"
    );
    while outbox.ask(&waiting).await == 0 {
        assert!(Instant::now() < deadline, "nobody waits");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

/// While one holds the first row, `asking` waits for it and holds none of the others.
async fn waits_for_the_first(outbox: &Outbox, table: &str, asking: impl Future + Send) {
    let mut holder = outbox.pool.begin().await.unwrap();
    let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()")
        .fetch_one(&mut *holder)
        .await
        .unwrap();
    let text = format!(
        "SELECT FROM {}.{table} ORDER BY id LIMIT 1 FOR UPDATE",
        outbox.schema
    );
    let first = sqlx::raw_sql(sqlx::AssertSqlSafe(text));
    first.execute(&mut *holder).await.unwrap();
    let holding = async {
        waited_for(outbox, pid.into()).await;
        let text = format!("SELECT FROM {}.{table} FOR UPDATE NOWAIT", outbox.schema);
        let all = sqlx::raw_sql(sqlx::AssertSqlSafe(text));
        let all = all.execute(&mut *holder).await;
        holder.rollback().await.unwrap();
        all.expect("the others are free");
    };
    tokio::join!(holding, asking);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_health_of_endpoints_is_written_in_the_order_of_their_ids() {
    let Some(outbox) = Outbox::new().await else {
        return;
    };
    for id in ["c", "a", "b"] {
        outbox.named(id).await;
    }
    outbox.store.emit(&event("1"), 10).await.unwrap();
    let mut settlements: Vec<_> = outbox
        .claim(10)
        .await
        .iter()
        .map(|claimed| ended(claimed, Next::Retry { due_at: 50 }, 20))
        .collect();
    settlements.reverse();
    let settling = outbox.store.settle(&settlements);
    let settled = async { assert_eq!(settling.await.unwrap().endpoints.len(), 3) };
    waits_for_the_first(&outbox, "outbox_endpoints", settled).await;
    outbox.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deliveries_are_written_in_the_order_of_their_ids() {
    let Some(outbox) = Outbox::new().await else {
        return;
    };
    outbox.endpoint().await;
    for id in ["1", "2", "3"] {
        outbox.store.emit(&event(id), 10).await.unwrap();
    }
    let mut claimed = outbox.claim(10).await;
    claimed.reverse();
    // The table has them in this order too, whichever way it is read.
    for id in [3, 2, 1] {
        let again = format!("UPDATE {{}}.outbox_deliveries SET leased = true WHERE id = {id}");
        outbox.run(&again).await;
    }
    let held: Vec<_> = claimed.iter().map(|claimed| claimed.held).collect();
    let renewed = async { outbox.store.renew(&held, 5000).await.unwrap() };
    waits_for_the_first(&outbox, "outbox_deliveries", renewed).await;
    let settlements = claimed
        .iter()
        .map(|claimed| ended(claimed, Next::Delivered, 20));
    let settlements: Vec<_> = settlements.collect();
    let settled = async {
        let settled = outbox.store.settle(&settlements).await.unwrap();
        assert_eq!(settled.held, [true; 3]);
    };
    waits_for_the_first(&outbox, "outbox_deliveries", settled).await;
    outbox.drop().await;
}
