use bytes::Bytes;
use sqlx::Row as _;
use sqlx::postgres::PgRow;

use crate::outbound::endpoint::{Endpoint, EndpointRecord, EndpointState, Health};
use crate::outbound::event::{Event, EventId};
use crate::outbound::store::{Attempt, AttemptError, Delivery, DeliveryId, DeliveryState, Held};
use crate::outbound::tenant::Tenant;

/// A number of ours in a column that has a sign.
pub(super) fn signed(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn unsigned(number: i32) -> u32 {
    u32::try_from(number).unwrap_or(0)
}

fn number(row: &PgRow, column: &str) -> Result<u32, sqlx::Error> {
    row.try_get(column).map(unsigned)
}

pub(super) fn health(row: &PgRow) -> Result<Health, sqlx::Error> {
    Ok(Health {
        failures: number(row, "failures")?,
        failing_since: row.try_get("failing_since")?,
        paused_until: row.try_get("paused_until")?,
    })
}

pub(super) fn endpoint(row: &PgRow) -> Result<EndpointRecord, sqlx::Error> {
    let limit = |column| {
        row.try_get::<Option<i32>, _>(column)
            .map(|limit| limit.map(unsigned))
    };
    let disabled: Option<String> = row.try_get("disabled")?;
    let endpoint = Endpoint {
        id: row.try_get::<String, _>("id")?.into(),
        tenant: row.try_get::<String, _>("tenant")?.into(),
        url: row.try_get("url")?,
        description: row.try_get("description")?,
        events: row.try_get("events")?,
        max_concurrent: limit("max_concurrent")?,
        max_per_second: limit("max_per_second")?,
        state: disabled.map_or(EndpointState::Active, EndpointState::disabled),
        health: health(row)?,
        created_at: row.try_get("created_at")?,
        updated_at: row.try_get("updated_at")?,
        version: row.try_get("version")?,
    };
    Ok(EndpointRecord::new(endpoint, row.try_get("sealed")?))
}

pub(super) fn event(row: &PgRow, tenant: &Tenant) -> Result<Event, sqlx::Error> {
    Ok(Event {
        id: EventId::stored(row.try_get("event_id")?),
        tenant: tenant.clone(),
        event_type: row.try_get("type")?,
        api_version: row.try_get("api_version")?,
        content_type: row.try_get("content_type")?,
        body: Bytes::from(row.try_get::<Vec<u8>, _>("body")?),
    })
}

pub(super) fn delivery(row: &PgRow) -> Result<Delivery, sqlx::Error> {
    let reason: Option<String> = row.try_get("reason")?;
    let state = match row.try_get::<i16, _>("state")? {
        0 => DeliveryState::Pending {
            due_at: row.try_get("due_at")?,
            leased: row.try_get("leased")?,
        },
        1 => DeliveryState::Delivered,
        _ => DeliveryState::Dead {
            reason: reason.unwrap_or_default(),
        },
    };
    Ok(Delivery {
        id: DeliveryId(row.try_get("id")?),
        event: EventId::stored(row.try_get("event_id")?),
        event_type: row.try_get("type")?,
        endpoint: row.try_get::<String, _>("endpoint")?.into(),
        state,
        attempts: number(row, "attempt")?,
        failed: number(row, "failed")?,
        manual: row.try_get("manual")?,
        created_at: row.try_get("created_at")?,
        changed_at: row.try_get("changed_at")?,
    })
}

pub(super) fn attempt(row: &PgRow) -> Result<Attempt, sqlx::Error> {
    let held = Held::new(DeliveryId(row.try_get("delivery")?), number(row, "number")?);
    let status: Option<i32> = row.try_get("status")?;
    let (code, message): (Option<String>, Option<String>) =
        (row.try_get("code")?, row.try_get("message")?);
    let mut attempt = Attempt::new(held, row.try_get("at")?);
    attempt.took = u32::try_from(row.try_get::<i64, _>("took")?).unwrap_or(u32::MAX);
    attempt.status = status.and_then(|status| u16::try_from(status).ok());
    attempt.error = code.map(|code| AttemptError::new(code, message.unwrap_or_default()));
    attempt.response = Bytes::from(row.try_get::<Vec<u8>, _>("response")?);
    attempt.late = row.try_get("late")?;
    Ok(attempt)
}
