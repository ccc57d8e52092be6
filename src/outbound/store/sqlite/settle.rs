//! How attempts ended, and what becomes of their deliveries.

use sqlx::{SqliteConnection, query, query_scalar};

use super::super::health::HealthFold;
use super::super::{AttemptError, ENDPOINT_DISABLED, HealthNow, Held, Next, Settled, Settlement};
use super::rows;

const RENEW: &str = "
    UPDATE tower_webhook_outbox_deliveries AS mine SET due_at = $2
    FROM (SELECT value ->> 0 AS id, value ->> 1 AS attempt FROM json_each($1)) AS held
    WHERE mine.id = held.id AND mine.attempt = held.attempt AND state = 0 AND leased";

/// Only for the attempt that holds the delivery; where it arrived, also when its endpoint was disabled meanwhile.
const MOVE: &str = "
    UPDATE tower_webhook_outbox_deliveries
    SET state = $3, reason = $4, due_at = coalesce($5, due_at), failed = failed + $6, changed_at = $7, leased = 0
    WHERE id = $1 AND attempt = $2 AND leased AND (state = 0 OR $3 = 1 AND state = 2 AND reason = $8)";

/// What is written stays, but for the guess that its process died.
const WRITE: &str = "
    INSERT INTO tower_webhook_outbox_attempts (delivery, number, at, took, status, code, message, response, late)
    SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9
    WHERE EXISTS (SELECT 1 FROM tower_webhook_outbox_deliveries WHERE id = $1)
    ON CONFLICT (delivery, number) DO UPDATE
    SET at = excluded.at, took = excluded.took, status = excluded.status, code = excluded.code,
        message = excluded.message, response = excluded.response, late = excluded.late
    WHERE code = $10";

pub(super) async fn renew(
    on: &mut SqliteConnection,
    held: &[Held],
    until: i64,
) -> sqlx::Result<()> {
    let held: Vec<_> = held
        .iter()
        .map(|held| (held.delivery.0, held.attempt))
        .collect();
    let renew = query(RENEW).bind(serde_json::json!(held).to_string());
    renew.bind(until).execute(on).await.map(drop)
}

pub(super) async fn settle(
    on: &mut SqliteConnection,
    settlements: &[Settlement],
) -> sqlx::Result<Settled> {
    let mut held = Vec::with_capacity(settlements.len());
    let mut counted = Vec::new();
    for settlement in settlements {
        let holds = move_on(on, settlement).await?;
        if holds {
            counted.push(settlement);
        }
        held.push(write(on, settlement, holds).await?);
    }
    let mut endpoints = Vec::new();
    for fold in HealthFold::of(counted) {
        endpoints.extend(count(on, fold).await?);
    }
    Ok(Settled::new(held, endpoints))
}

/// Says whether the attempt held its delivery.
async fn move_on(on: &mut SqliteConnection, settlement: &Settlement) -> sqlx::Result<bool> {
    let (state, reason, due_at, failed) = match settlement.next {
        Next::Delivered => (1, None, None, 0),
        Next::Retry { due_at } => (0, None, Some(due_at), 1),
        Next::Released { due_at } => (0, None, Some(due_at), 0),
        Next::Dead { reason } => (2, Some(reason), None, 1),
    };
    let done = query(MOVE)
        .bind(settlement.attempt.delivery.0)
        .bind(settlement.attempt.number)
        .bind(state)
        .bind(reason)
        .bind(due_at)
        .bind(failed)
        .bind(settlement.at)
        .bind(ENDPOINT_DISABLED)
        .execute(on)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// Writes an attempt down once; says whether it held its delivery then.
async fn write(
    on: &mut SqliteConnection,
    settlement: &Settlement,
    holds: bool,
) -> sqlx::Result<bool> {
    if matches!(settlement.next, Next::Released { .. }) {
        return Ok(holds);
    }
    let attempt = &settlement.attempt;
    let error = attempt.error.clone();
    let (code, message) = error.map(|error| (error.code, error.message)).unzip();
    let done = query(WRITE)
        .bind(attempt.delivery.0)
        .bind(attempt.number)
        .bind(attempt.at)
        .bind(attempt.took)
        .bind(attempt.status)
        .bind(code)
        .bind(message)
        .bind(attempt.response.to_vec())
        .bind(!holds)
        .bind(AttemptError::LEASE_EXPIRED)
        .execute(&mut *on)
        .await?;
    if done.rows_affected() > 0 {
        return Ok(holds);
    }
    let late = "SELECT late FROM tower_webhook_outbox_attempts WHERE delivery = $1 AND number = $2";
    let late = query_scalar(late)
        .bind(attempt.delivery.0)
        .bind(attempt.number);
    let late: Option<bool> = late.fetch_optional(on).await?;
    Ok(late.map_or(holds, |late| !late))
}

/// Changes the health of an endpoint; `None` where it stays as it is.
async fn count(on: &mut SqliteConnection, fold: HealthFold) -> sqlx::Result<Option<HealthNow>> {
    let before = "SELECT failures, failing_since, paused_until FROM tower_webhook_outbox_endpoints
                  WHERE id = $1";
    let before = query(before).bind(fold.endpoint.to_string());
    let Some(row) = before.fetch_optional(&mut *on).await? else {
        return Ok(None);
    };
    let before = rows::health(&row)?;
    let health = fold.apply(before);
    if health == before {
        return Ok(None);
    }
    let change = "UPDATE tower_webhook_outbox_endpoints
                  SET failures = $2, failing_since = $3, paused_until = $4 WHERE id = $1";
    let change = query(change)
        .bind(fold.endpoint.to_string())
        .bind(health.failures)
        .bind(health.failing_since)
        .bind(health.paused_until);
    change.execute(on).await?;
    Ok(Some(HealthNow::new(fold.endpoint, before.failures, health)))
}
