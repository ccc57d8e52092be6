//! What became of deliveries, what is sent again, and what is forgotten.

use sqlx::{QueryBuilder, Sqlite, SqliteConnection, query};

use super::super::{Attempt, Delivery, DeliveryId, DeliveryQuery, Purge, Revival, Revive};
use super::rows;

/// Rows that one transaction purges at most: others must come through in between.
pub(super) const LOT: u64 = 1000;

/// Only the filters that are asked for, and states as they are written in the partial indices.
pub(super) async fn deliveries(
    on: &mut SqliteConnection,
    asked: &DeliveryQuery,
) -> sqlx::Result<Vec<Delivery>> {
    let state = match asked.state.as_deref() {
        None => "",
        Some("pending") => " AND deliveries.state = 0",
        Some("delivered") => " AND deliveries.state = 1",
        Some("dead") => " AND deliveries.state = 2",
        Some(_) => return Ok(Vec::new()),
    };
    let mut select = QueryBuilder::<Sqlite>::new(
        "SELECT deliveries.*, events.id AS event_id, events.event_type
         FROM tower_webhook_outbox_deliveries AS deliveries
         JOIN tower_webhook_outbox_events AS events ON events.place = deliveries.event
         WHERE deliveries.endpoint = ",
    );
    select.push_bind(asked.endpoint.to_string()).push(state);
    if let Some(event) = &asked.event {
        select
            .push(
                " AND deliveries.event IN (SELECT place FROM tower_webhook_outbox_events WHERE id = ",
            )
            .push_bind(event.to_string())
            .push(")");
    }
    if let Some(before) = asked.before {
        select.push(" AND deliveries.id < ").push_bind(before.0);
    }
    select
        .push(" ORDER BY deliveries.id DESC LIMIT ")
        .push_bind(asked.limit.min(1000));
    let rows = select.build().fetch_all(on).await?;
    rows.iter().map(rows::delivery).collect()
}

pub(super) async fn attempts(
    on: &mut SqliteConnection,
    deliveries: &[DeliveryId],
) -> sqlx::Result<Vec<Attempt>> {
    let select = "
        SELECT attempts.* FROM json_each($1) AS asked
        JOIN tower_webhook_outbox_attempts AS attempts ON attempts.delivery = asked.value
        WHERE attempts.number >= coalesce(
            (SELECT number FROM tower_webhook_outbox_attempts
             WHERE delivery = asked.value ORDER BY number DESC LIMIT 1 OFFSET 49), 0)
        ORDER BY asked.key, attempts.number";
    let select = query(select).bind(rows::list(deliveries.iter().map(|id| id.0)));
    let rows = select.fetch_all(on).await?;
    rows.iter().map(rows::attempt).collect()
}

pub(super) async fn revive(
    on: &mut SqliteConnection,
    revive: &Revive,
    now: i64,
) -> sqlx::Result<u64> {
    let mut update = QueryBuilder::<Sqlite>::new(
        "UPDATE tower_webhook_outbox_deliveries
         SET state = 0, reason = NULL, leased = 0, failed = 0, manual = 1, due_at = ",
    );
    update.push_bind(now).push(", changed_at = ").push_bind(now);
    let endpoint = revive.endpoint.to_string();
    update
        .push(" WHERE endpoint = ")
        .push_bind(endpoint.clone())
        .push(" AND EXISTS (SELECT 1 FROM tower_webhook_outbox_endpoints WHERE disabled IS NULL AND id = ")
        .push_bind(endpoint)
        .push(")");
    match &revive.which {
        Revival::Event(event) => update
            .push(" AND state <> 0 AND event IN (SELECT place FROM tower_webhook_outbox_events WHERE id = ")
            .push_bind(event.to_string())
            .push(")"),
        Revival::Since { time, delivered } => update
            .push(if *delivered { " AND state <> 0" } else { " AND state = 2" })
            .push(" AND created_at >= ")
            .push_bind(*time),
    };
    Ok(update.build().execute(on).await?.rows_affected())
}

/// Forgets some of the deliveries that ended long ago; says how many.
pub(super) async fn purge(on: &mut SqliteConnection, purge: &Purge) -> sqlx::Result<u64> {
    let mut purged = 0;
    for (old, before) in [
        (
            "SELECT id FROM tower_webhook_outbox_deliveries
             WHERE state <> 0 AND state = 1 AND changed_at < $1 ORDER BY changed_at LIMIT $2",
            purge.delivered_before,
        ),
        (
            "SELECT id FROM tower_webhook_outbox_deliveries
             WHERE state <> 0 AND state = 2 AND changed_at < $1 ORDER BY changed_at LIMIT $2",
            purge.dead_before,
        ),
    ] {
        let old = sqlx::query_scalar(old)
            .bind(before)
            .bind((LOT - purged) as i64);
        let old: Vec<i64> = old.fetch_all(&mut *on).await?;
        if old.is_empty() {
            continue;
        }
        purged += old.len() as u64;
        let old = rows::list(old);
        for forget in [
            "DELETE FROM tower_webhook_outbox_attempts WHERE delivery IN (SELECT value FROM json_each($1))",
            "DELETE FROM tower_webhook_outbox_deliveries WHERE id IN (SELECT value FROM json_each($1))",
        ] {
            query(forget).bind(old.clone()).execute(&mut *on).await?;
        }
    }
    Ok(purged)
}

/// Forgets some of the old events that have no delivery left; says how many.
pub(super) async fn purge_events(on: &mut SqliteConnection, purge: &Purge) -> sqlx::Result<u64> {
    let forget = "
        DELETE FROM tower_webhook_outbox_events WHERE place IN
            (SELECT place FROM tower_webhook_outbox_events AS events
             WHERE emitted_at < $1 AND NOT EXISTS
                 (SELECT 1 FROM tower_webhook_outbox_deliveries AS deliveries
                  WHERE deliveries.event = events.place)
             LIMIT $2)";
    let forget = query(forget).bind(purge.delivered_before).bind(LOT as i64);
    Ok(forget.execute(on).await?.rows_affected())
}
