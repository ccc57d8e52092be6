//! However much there is, each statement finds what it needs by an index.

use tower_webhook::outbound::event::EventId;
use tower_webhook::outbound::store::{
    DeliveryQuery, EndpointChange, Next, OutboundStore as _, Purge, Revival, Revive,
};

use super::{Outbox, PATIENCE, another_pool, ended, event};

/// A plan is made for the values of each of the first five times, and for all values afterwards.
const TIMES: i64 = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_statement_reads_a_whole_table() {
    let Some(outbox) = Outbox::new().await else {
        return;
    };
    let mut endpoints = Vec::new();
    for _ in 0..30 {
        endpoints.push(outbox.endpoint().await);
    }
    // Parked, arrived and dead, 150,000 in all, with an attempt each.
    outbox
        .run(
            "INSERT INTO {}.outbox_events (tenant, id, type, content_type, body, created_at)
             SELECT 'other', number, 'order.created', 'application/json', '7', 1000 + number FROM generate_series(1, 5000) number;
             INSERT INTO {}.outbox_deliveries
                 (event, endpoint, state, reason, due_at, leased, attempt, failed, manual, created_at, changed_at)
             SELECT n.place, e.id, (n.place % 3)::smallint, CASE n.place % 3 WHEN 2 THEN 'exhausted' END,
                    1000000 + n.place, false, 1, 1, false, 1000 + n.place, 1000 + n.place
             FROM {}.outbox_events n, {}.outbox_endpoints e;
             INSERT INTO {}.outbox_attempts (delivery, number, at, took, status, response, late)
             SELECT id, 1, 10, 1, 500, '', false FROM {}.outbox_deliveries",
        )
        .await;
    outbox.run("ANALYZE").await;
    let scans = "SELECT sum(seq_scan)::bigint FROM pg_stat_user_tables
                 WHERE schemaname = '{}' AND relname IN ('outbox_deliveries', 'outbox_attempts', 'outbox_events')";
    // What was counted is told when a connection ends.
    let fresh = Outbox::on(another_pool().await.unwrap(), &outbox.schema).await;
    outbox.pool.close().await;
    let before = fresh.ask(scans).await;

    let working = Outbox::on(another_pool().await.unwrap(), &outbox.schema).await;
    for time in 0..TIMES {
        let at = 2000 + time;
        let emitted = working.store.emit(&event(&format!("e{time}")), at).await;
        assert_eq!(emitted.unwrap(), Some(30));
        let claimed = working.claim(at).await;
        assert_eq!(claimed.len(), 30);
        let held: Vec<_> = claimed.iter().map(|claimed| claimed.held).collect();
        working.store.renew(&held, at + 500).await.unwrap();
        let settlements = claimed
            .iter()
            .map(|claimed| ended(claimed, Next::Delivered, at));
        let settlements: Vec<_> = settlements.collect();
        working.store.settle(&settlements).await.unwrap();
        // Once more: what does not hold any more is looked for.
        working.store.settle(&settlements).await.unwrap();
        for state in [None, Some("pending"), Some("delivered"), Some("dead")] {
            let mut query = DeliveryQuery::new(endpoints[1].clone());
            query.state = state.map(str::to_owned);
            let found = working.store.deliveries(&query).await.unwrap();
            assert_eq!(found.len(), 50);
            let ids: Vec<_> = found.iter().map(|delivery| delivery.id).collect();
            working.store.attempts(&ids).await.unwrap();
        }
        let event = EventId::new(format!("e{time}")).unwrap();
        let all = Revival::Since {
            time: 5990,
            delivered: true,
        };
        for which in [Revival::Event(event), all] {
            let endpoint = endpoints[2].clone();
            let revive = Revive { endpoint, which };
            working.store.revive(&revive, 900_000).await.unwrap();
        }
        let purge = Purge {
            delivered_before: 1001 + time,
            dead_before: 1001 + time,
        };
        working.store.purge(&purge).await.unwrap();
        let endpoint = &endpoints[20 + time as usize];
        let (reason, failures) = ("gone", 0);
        let disable = EndpointChange::Disable { reason, failures };
        let disabled = working.store.change_endpoint(endpoint, &disable, at).await;
        assert!(disabled.unwrap());
        assert!(working.store.delete_endpoint(endpoint).await.unwrap());
        working.endpoint().await;
    }
    working.pool.close().await;
    let after = fresh.ask(scans).await;
    assert_eq!(after - before, 0, "tables were read whole");
    fresh.drop().await;
}

#[tokio::test]
async fn a_claim_that_was_planned_while_there_was_nothing_reads_what_it_needs_and_no_more() {
    let Some(outbox) = Outbox::new().await else {
        return;
    };
    for _ in 0..20 {
        outbox.endpoint().await;
    }
    // Of one connection, which claims before there is anything, more often than a plan is made for.
    let url = crate::store::servers::postgres().unwrap();
    let one = sqlx::postgres::PgPoolOptions::new().max_connections(1);
    let pool = one.acquire_timeout(PATIENCE).connect(&url).await.unwrap();
    let dispatcher = Outbox::on(pool, &outbox.schema).await;
    for _ in 0..TIMES {
        assert!(dispatcher.claim(1000).await.is_empty());
    }
    let read = "SELECT (sum(seq_tup_read) + sum(idx_tup_fetch))::bigint FROM pg_stat_user_tables
                WHERE schemaname = '{}'";
    outbox
        .run(
            "INSERT INTO {}.outbox_events (tenant, id, type, content_type, body, created_at)
             SELECT 'other', number, 'order.created', 'application/json', '7', 1000 + number FROM generate_series(1, 5000) number;
             INSERT INTO {}.outbox_deliveries
                 (event, endpoint, state, due_at, leased, attempt, failed, manual, created_at, changed_at)
             SELECT n.place, e.id, 0, 1000000 + n.place, false, 1, 1, false, 0, 0
             FROM {}.outbox_events n, {}.outbox_endpoints e",
        )
        .await;
    assert_eq!(
        outbox.store.emit(&event("due"), 10).await.unwrap(),
        Some(20)
    );
    // What was counted is told when a connection ends.
    outbox.pool.close().await;
    let after = Outbox::on(another_pool().await.unwrap(), &outbox.schema).await;
    let before = after.ask(read).await;
    assert_eq!(dispatcher.claim(1000).await.len(), 20);
    dispatcher.pool.close().await;
    let rows = after.ask(read).await - before;
    assert!(rows < 500, "{rows} rows for 20 deliveries");
    after.drop().await;
}
