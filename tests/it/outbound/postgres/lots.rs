//! What may be many rows is done in lots: no statement is long, and what breaks off in between is finished later.

use tower_webhook::outbound::endpoint::{EndpointId, EndpointState};
use tower_webhook::outbound::store::{
    EndpointChange, OutboundStore as _, Purge, Revival, Revive, TransactionalOutbox as _,
};

use super::{Outbox, event};

const BACKLOG: usize = 2500;

/// A backlog, on a server that refuses statements that write to more than 1,000 deliveries, or attempts.
async fn backlog() -> Option<(Outbox, EndpointId)> {
    let outbox = Outbox::new().await?;
    let endpoint = outbox.endpoint().await;
    outbox
        .run(&format!(
            "INSERT INTO {{}}.outbox_events (tenant, id, type, content_type, body, created_at)
             SELECT '', number, 'order.created', 'application/json', '7', 10 FROM generate_series(1, {BACKLOG}) number;
             INSERT INTO {{}}.outbox_deliveries
                 (event, endpoint, state, due_at, leased, attempt, failed, manual, created_at, changed_at)
             SELECT place, '{endpoint}', 0, 10, false, 1, 1, false, 10, 10 FROM {{}}.outbox_events;
             INSERT INTO {{}}.outbox_attempts (delivery, number, at, took, status, response, late)
             SELECT id, 1, 10, 1, 500, '', false FROM {{}}.outbox_deliveries;
             CREATE FUNCTION {{}}.few() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 IF (SELECT count(*) FROM written) > 1000 THEN RAISE 'too many rows for a statement'; END IF;
                 RETURN NULL;
             END $$;
             CREATE TRIGGER few AFTER UPDATE ON {{}}.outbox_deliveries REFERENCING NEW TABLE AS written
                 FOR EACH STATEMENT EXECUTE FUNCTION {{}}.few();
             CREATE TRIGGER few_gone AFTER DELETE ON {{}}.outbox_deliveries REFERENCING OLD TABLE AS written
                 FOR EACH STATEMENT EXECUTE FUNCTION {{}}.few();
             CREATE TRIGGER few AFTER DELETE ON {{}}.outbox_attempts REFERENCING OLD TABLE AS written
                 FOR EACH STATEMENT EXECUTE FUNCTION {{}}.few()"
        ))
        .await;
    Some((outbox, endpoint))
}

/// From now on every statement fails that writes to a delivery after so many.
async fn break_off(outbox: &Outbox, kind: &str, when: &str) {
    outbox
        .run(&format!(
            "CREATE FUNCTION {{}}.breaks() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 IF {when} THEN RAISE 'it broke off'; END IF;
                 RETURN NULL;
             END $$;
             CREATE TRIGGER breaks BEFORE {kind} ON {{}}.outbox_deliveries
                 FOR EACH STATEMENT EXECUTE FUNCTION {{}}.breaks()"
        ))
        .await;
}

async fn mend(outbox: &Outbox) {
    outbox.run("DROP FUNCTION {}.breaks() CASCADE").await;
}

fn gone() -> EndpointChange {
    EndpointChange::Disable {
        reason: "gone",
        failures: 0,
    }
}

/// Looks for what is due until nothing changes, as a dispatcher does.
async fn look(outbox: &Outbox) {
    for _ in 0..BACKLOG / 1000 + 2 {
        assert!(outbox.claim(20).await.is_empty());
    }
}

async fn are_empty(outbox: &Outbox, tables: [&str; 3]) {
    for table in tables {
        let rows = format!("SELECT count(*) FROM {{}}.outbox_{table}");
        assert_eq!(outbox.ask(&rows).await, 0, "{table}");
    }
}

#[tokio::test]
async fn a_long_backlog_is_buried_in_lots() {
    let Some((outbox, endpoint)) = backlog().await else {
        return;
    };
    let disabled = outbox.store.change_endpoint(&endpoint, &gone(), 20).await;
    assert!(disabled.unwrap());
    assert_eq!(outbox.count(&endpoint, "dead").await, BACKLOG);
    outbox.drop().await;
}

#[tokio::test]
async fn a_long_backlog_is_buried_in_lots_for_its_owner() {
    let Some((outbox, endpoint)) = backlog().await else {
        return;
    };
    let mut record = outbox.store.endpoint(&endpoint).await.unwrap().unwrap();
    record.endpoint.state = EndpointState::disabled("asked");
    let updated = outbox.store.update_endpoint(&record, 1, 20).await;
    assert!(updated.unwrap());
    assert_eq!(outbox.count(&endpoint, "dead").await, BACKLOG);
    outbox.drop().await;
}

#[tokio::test]
async fn a_burial_that_breaks_off_is_finished_by_whoever_looks_for_what_is_due() {
    let Some((outbox, endpoint)) = backlog().await else {
        return;
    };
    let buried = "EXISTS (SELECT FROM {}.outbox_deliveries WHERE state = 2)";
    break_off(&outbox, "UPDATE", buried).await;
    let disabled = outbox.store.change_endpoint(&endpoint, &gone(), 20).await;
    // It is: only its backlog is not yet gone.
    assert!(disabled.unwrap());
    let found = outbox.store.endpoint(&endpoint).await.unwrap().unwrap();
    assert!(!found.endpoint.state.is_active());
    assert_eq!(outbox.count(&endpoint, "dead").await, 1000);
    assert_eq!(outbox.count(&endpoint, "pending").await, BACKLOG - 1000);
    mend(&outbox).await;
    look(&outbox).await;
    assert_eq!(outbox.count(&endpoint, "dead").await, BACKLOG);
    outbox.drop().await;
}

#[tokio::test]
async fn a_claim_does_not_wait_for_the_burials_of_very_many_endpoints() {
    let Some(outbox) = Outbox::new().await else {
        return;
    };
    for _ in 0..20 {
        outbox.endpoint().await;
    }
    assert_eq!(outbox.store.emit(&event("1"), 10).await.unwrap(), Some(20));
    let all = "UPDATE {}.outbox_endpoints SET disabled = 'gone'";
    outbox.run(all).await;
    for dead in [8, 16, 20, 20] {
        assert!(outbox.claim(20).await.is_empty());
        let buried = "SELECT count(*) FROM {}.outbox_deliveries WHERE state = 2";
        assert_eq!(outbox.ask(buried).await, dead);
    }
    outbox.drop().await;
}

#[tokio::test]
async fn what_is_left_of_a_burial_is_sent_where_its_endpoint_is_back() {
    let Some((outbox, endpoint)) = backlog().await else {
        return;
    };
    let buried = "EXISTS (SELECT FROM {}.outbox_deliveries WHERE state = 2)";
    break_off(&outbox, "UPDATE", buried).await;
    let disabled = outbox.store.change_endpoint(&endpoint, &gone(), 20).await;
    assert!(disabled.unwrap());
    mend(&outbox).await;
    let mut record = outbox.store.endpoint(&endpoint).await.unwrap().unwrap();
    record.endpoint.state = EndpointState::Active;
    let updated = outbox.store.update_endpoint(&record, 2, 20).await;
    assert!(updated.unwrap());
    assert_eq!(outbox.claim(20).await.len(), 100);
    assert_eq!(outbox.count(&endpoint, "dead").await, 1000);
    outbox.drop().await;
}

#[tokio::test]
async fn a_long_history_is_forgotten_in_lots() {
    let Some((outbox, endpoint)) = backlog().await else {
        return;
    };
    assert!(outbox.store.delete_endpoint(&endpoint).await.unwrap());
    are_empty(&outbox, ["endpoints", "deliveries", "attempts"]).await;
    outbox.drop().await;
}

#[tokio::test]
async fn what_is_purged_is_forgotten_in_lots() {
    let Some((outbox, endpoint)) = backlog().await else {
        return;
    };
    let disabled = outbox.store.change_endpoint(&endpoint, &gone(), 20).await;
    assert!(disabled.unwrap());
    let purge = Purge {
        delivered_before: 30,
        dead_before: 30,
    };
    let purged = outbox.store.purge(&purge).await.unwrap();
    assert_eq!(purged, BACKLOG as u64);
    are_empty(&outbox, ["deliveries", "attempts", "events"]).await;
    outbox.drop().await;
}

#[tokio::test]
async fn a_deletion_that_breaks_off_sends_nothing_and_can_be_repeated() {
    let Some((outbox, endpoint)) = backlog().await else {
        return;
    };
    let some = format!("(SELECT count(*) FROM {{}}.outbox_deliveries) < {BACKLOG}");
    break_off(&outbox, "DELETE", &some).await;
    assert!(outbox.store.delete_endpoint(&endpoint).await.is_err());
    assert!(outbox.store.endpoint(&endpoint).await.unwrap().is_none());
    assert_eq!(outbox.count(&endpoint, "pending").await, BACKLOG - 1000);
    // Nothing of it is sent, and in the end it is purged as all dead letters are.
    look(&outbox).await;
    assert_eq!(outbox.count(&endpoint, "dead").await, BACKLOG - 1000);
    mend(&outbox).await;
    assert!(!outbox.store.delete_endpoint(&endpoint).await.unwrap());
    for table in ["deliveries", "attempts"] {
        let rows = format!("SELECT count(*) FROM {{}}.outbox_{table}");
        assert_eq!(outbox.ask(&rows).await, 0, "{table}");
    }
    outbox.drop().await;
}

#[tokio::test]
async fn many_dead_letters_are_revived_in_lots() {
    let Some((outbox, endpoint)) = backlog().await else {
        return;
    };
    for (state, delivered) in [(2, false), (2, true), (1, true)] {
        for lot in 0..3 {
            let over = format!(
                "UPDATE {{}}.outbox_deliveries SET state = {state}, reason = 'exhausted' WHERE id % 3 = {lot}"
            );
            outbox.run(&over).await;
        }
        let which = Revival::Since { time: 5, delivered };
        let endpoint = endpoint.clone();
        let revived = outbox.store.revive(&Revive { endpoint, which }, 30).await;
        assert_eq!(revived.unwrap(), BACKLOG as u64);
    }
    assert_eq!(outbox.count(&endpoint, "pending").await, BACKLOG);
    outbox.drop().await;
}

/// The transaction began before, and ends after: nobody saw what the other did.
#[tokio::test]
async fn what_is_emitted_while_its_endpoint_is_disabled_becomes_a_dead_letter() {
    let Some(outbox) = Outbox::new().await else {
        return;
    };
    let (disabled, deleted) = (outbox.endpoint().await, outbox.endpoint().await);
    let mut transaction = outbox.pool.begin().await.unwrap();
    let emitted = outbox
        .store
        .emit_in(&mut transaction, &event("1"), 10)
        .await;
    assert_eq!(emitted.unwrap(), Some(2));
    let done = outbox.store.change_endpoint(&disabled, &gone(), 10).await;
    assert!(done.unwrap());
    assert!(outbox.store.delete_endpoint(&deleted).await.unwrap());
    transaction.commit().await.unwrap();
    assert!(outbox.claim(20).await.is_empty());
    for endpoint in [&disabled, &deleted] {
        assert_eq!(outbox.count(endpoint, "pending").await, 0);
        assert_eq!(outbox.count(endpoint, "dead").await, 1);
    }
    // Afterwards there is nothing to emit to.
    let emitted = outbox.store.emit(&event("2"), 30).await;
    assert_eq!(emitted.unwrap(), Some(0));
    outbox.drop().await;
}
