//! Endpoints, and what becomes of their deliveries with them.

use sqlx::sqlite::SqliteArguments;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection, query};

use super::super::{ENDPOINT_DISABLED, EndpointChange, EndpointQuery};
use super::rows;
use crate::outbound::endpoint::{EndpointId, EndpointRecord};

type Query = sqlx::query::Query<'static, Sqlite, SqliteArguments>;

/// $1 id, $2 tenant, $3 url, $4 description, $5 events, $6 and $7 limits, $8 why it is disabled, $9 and $10 times,
/// $11 secrets.
fn bind(statement: &'static str, record: &EndpointRecord) -> Query {
    let endpoint = &record.endpoint;
    query(statement)
        .bind(endpoint.id.to_string())
        .bind(endpoint.tenant.to_string())
        .bind(endpoint.url.clone())
        .bind(endpoint.description.clone())
        .bind(serde_json::json!(endpoint.events).to_string())
        .bind(endpoint.max_concurrent)
        .bind(endpoint.max_per_second)
        .bind(endpoint.state.reason().map(str::to_owned))
        .bind(endpoint.created_at)
        .bind(endpoint.updated_at)
        .bind(record.sealed.clone())
}

pub(super) async fn insert(
    on: &mut SqliteConnection,
    record: &EndpointRecord,
) -> sqlx::Result<bool> {
    let insert = "INSERT INTO tower_webhook_outbox_endpoints
                      (id, tenant, url, description, events, max_concurrent, max_per_second, disabled,
                       created_at, updated_at, sealed, version, failures, failing_since, paused_until)
                  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
                  ON CONFLICT (id) DO NOTHING";
    let health = record.endpoint.health;
    let insert = bind(insert, record)
        .bind(record.endpoint.version)
        .bind(health.failures)
        .bind(health.failing_since)
        .bind(health.paused_until);
    Ok(insert.execute(on).await?.rows_affected() > 0)
}

pub(super) async fn update(
    on: &mut SqliteConnection,
    record: &EndpointRecord,
    version: i64,
    now: i64,
) -> sqlx::Result<bool> {
    let update = "UPDATE tower_webhook_outbox_endpoints
                  SET tenant = $2, url = $3, description = $4, events = $5, max_concurrent = $6,
                      max_per_second = $7, disabled = $8, created_at = $9, updated_at = $10, sealed = $11,
                      version = $12 + 1
                  WHERE id = $1 AND version = $12";
    let update = bind(update, record).bind(version);
    let is_done = update.execute(&mut *on).await?.rows_affected() > 0;
    if is_done && !record.endpoint.state.is_active() {
        bury(on, &record.endpoint.id, now).await?;
    }
    Ok(is_done)
}

pub(super) async fn change(
    on: &mut SqliteConnection,
    id: &EndpointId,
    change: &EndpointChange,
    now: i64,
) -> sqlx::Result<bool> {
    let (change, disables) = match *change {
        EndpointChange::Pause { until } => {
            let pause = "UPDATE tower_webhook_outbox_endpoints SET paused_until = $2
                         WHERE id = $1 AND (paused_until IS NULL OR paused_until < $2)";
            (query(pause).bind(id.to_string()).bind(until), false)
        }
        EndpointChange::Disable { reason, failures } => {
            let disable = "UPDATE tower_webhook_outbox_endpoints
                           SET disabled = $2, version = version + 1, updated_at = $4
                           WHERE id = $1 AND disabled IS NULL AND failures >= $3";
            let disable = query(disable).bind(id.to_string()).bind(reason);
            (disable.bind(failures).bind(now), true)
        }
    };
    let is_done = change.execute(&mut *on).await?.rows_affected() > 0;
    if is_done && disables {
        bury(on, id, now).await?;
    }
    Ok(is_done)
}

/// Makes what is pending of an endpoint dead letters. An attempt that is under way stays the one that holds it.
async fn bury(on: &mut SqliteConnection, id: &EndpointId, now: i64) -> sqlx::Result<()> {
    let bury = "UPDATE tower_webhook_outbox_deliveries SET state = 2, reason = $2, changed_at = $3
                WHERE endpoint = $1 AND state = 0";
    let bury = query(bury).bind(id.to_string()).bind(ENDPOINT_DISABLED);
    bury.bind(now).execute(on).await.map(drop)
}

pub(super) async fn delete(on: &mut SqliteConnection, id: &EndpointId) -> sqlx::Result<bool> {
    let mut gone = 0;
    for statement in [
        "DELETE FROM tower_webhook_outbox_attempts WHERE delivery IN
             (SELECT id FROM tower_webhook_outbox_deliveries WHERE endpoint = $1)",
        "DELETE FROM tower_webhook_outbox_deliveries WHERE endpoint = $1",
        "DELETE FROM tower_webhook_outbox_endpoints WHERE id = $1",
    ] {
        let done = query(statement).bind(id.to_string()).execute(&mut *on);
        gone = done.await?.rows_affected();
    }
    Ok(gone > 0)
}

pub(super) async fn one(
    on: &mut SqliteConnection,
    id: &EndpointId,
) -> sqlx::Result<Option<EndpointRecord>> {
    let one = "SELECT * FROM tower_webhook_outbox_endpoints WHERE id = $1";
    let row = query(one).bind(id.to_string()).fetch_optional(on).await?;
    row.as_ref().map(rows::endpoint).transpose()
}

/// Only the filters that are asked for: `$1 IS NULL OR …` would keep a plan from its index.
pub(super) async fn list(
    on: &mut SqliteConnection,
    asked: &EndpointQuery,
) -> sqlx::Result<Vec<EndpointRecord>> {
    let mut select =
        QueryBuilder::<Sqlite>::new("SELECT * FROM tower_webhook_outbox_endpoints WHERE true");
    if let Some(tenant) = &asked.tenant {
        select.push(" AND tenant = ").push_bind(tenant.to_string());
    }
    if let Some(after) = &asked.after {
        // Behind one that is gone there is nothing.
        select
            .push(" AND place > (SELECT place FROM tower_webhook_outbox_endpoints WHERE id = ")
            .push_bind(after.to_string())
            .push(")");
    }
    select
        .push(" ORDER BY place LIMIT ")
        .push_bind(asked.limit.min(1000));
    let rows = select.build().fetch_all(on).await?;
    rows.iter().map(rows::endpoint).collect()
}
