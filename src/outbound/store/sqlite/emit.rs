//! Events become deliveries.

use sqlx::{Row as _, SqliteConnection, query};

use super::super::patterns::wants;
use super::rows;
use crate::outbound::endpoint::EndpointId;
use crate::outbound::event::Event;

pub(super) async fn emit(
    on: &mut SqliteConnection,
    event: &Event,
    now: i64,
) -> sqlx::Result<Option<u64>> {
    let Some(place) = keep(on, event, now).await? else {
        return Ok(None);
    };
    let active = "SELECT id, events FROM tower_webhook_outbox_endpoints
                  WHERE tenant = $1 AND disabled IS NULL ORDER BY place";
    let active = query(active).bind(event.tenant.to_string());
    let mut wanted = Vec::new();
    for row in active.fetch_all(&mut *on).await? {
        let patterns = rows::patterns(row.try_get("events")?)?;
        if wants(patterns.iter().map(String::as_str), &event.event_type) {
            wanted.push(row.try_get::<String, _>("id")?);
        }
    }
    if !wanted.is_empty() {
        deliver(on, place, &wanted, false, now).await?;
    }
    Ok(Some(wanted.len() as u64))
}

pub(super) async fn emit_to(
    on: &mut SqliteConnection,
    event: &Event,
    endpoint: &EndpointId,
    now: i64,
) -> sqlx::Result<bool> {
    let active = "SELECT 1 FROM tower_webhook_outbox_endpoints
                  WHERE id = $1 AND tenant = $2 AND disabled IS NULL";
    let active = query(active)
        .bind(endpoint.to_string())
        .bind(event.tenant.to_string());
    if active.fetch_optional(&mut *on).await?.is_none() {
        return Ok(false);
    }
    let Some(place) = keep(on, event, now).await? else {
        return Ok(false);
    };
    deliver(on, place, &[endpoint.to_string()], true, now).await?;
    Ok(true)
}

/// Keeps an event, and says where; `None` where it is known.
async fn keep(on: &mut SqliteConnection, event: &Event, now: i64) -> sqlx::Result<Option<i64>> {
    let insert = "INSERT INTO tower_webhook_outbox_events
                      (id, tenant, event_type, api_version, content_type, emitted_at, body)
                  VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id, tenant) DO NOTHING";
    let insert = query(insert)
        .bind(event.id.to_string())
        .bind(event.tenant.to_string())
        .bind(event.event_type.clone())
        .bind(event.api_version.clone())
        .bind(event.content_type.clone())
        .bind(now)
        .bind(event.body.to_vec());
    let done = insert.execute(on).await?;
    Ok((done.rows_affected() > 0).then(|| done.last_insert_rowid()))
}

async fn deliver(
    on: &mut SqliteConnection,
    place: i64,
    endpoints: &[String],
    manual: bool,
    now: i64,
) -> sqlx::Result<()> {
    let insert = "INSERT INTO tower_webhook_outbox_deliveries
                      (event, endpoint, state, due_at, leased, attempt, failed, manual, created_at, changed_at)
                  SELECT $1, value, 0, $4, 0, 0, 0, $3, $4, $4 FROM json_each($2) ORDER BY key";
    let insert = query(insert)
        .bind(place)
        .bind(serde_json::json!(endpoints).to_string())
        .bind(manual)
        .bind(now);
    insert.execute(on).await.map(drop)
}
