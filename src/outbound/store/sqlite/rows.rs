//! Rows, as they are read.

use bytes::Bytes;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::super::{Attempt, AttemptError, Delivery, DeliveryId, DeliveryState};
use crate::outbound::endpoint::{Endpoint, EndpointRecord, EndpointState, Health};
use crate::outbound::event::{Event, EventId};

/// What cannot be read was written by a later version, or by somebody else.
fn unreadable(what: &'static str) -> sqlx::Error {
    sqlx::Error::Decode(what.into())
}

pub(super) fn endpoint(row: &SqliteRow) -> sqlx::Result<EndpointRecord> {
    let id: String = row.try_get("id")?;
    let tenant: String = row.try_get("tenant")?;
    let disabled: Option<String> = row.try_get("disabled")?;
    let endpoint = Endpoint {
        id: id.into(),
        tenant: tenant.into(),
        url: row.try_get("url")?,
        description: row.try_get("description")?,
        events: patterns(row.try_get("events")?)?,
        max_concurrent: row.try_get("max_concurrent")?,
        max_per_second: row.try_get("max_per_second")?,
        state: disabled.map_or(EndpointState::Active, EndpointState::disabled),
        health: health(row)?,
        created_at: row.try_get("created_at")?,
        updated_at: row.try_get("updated_at")?,
        version: row.try_get("version")?,
    };
    Ok(EndpointRecord::new(endpoint, row.try_get("sealed")?))
}

pub(super) fn patterns(json: &str) -> sqlx::Result<Vec<String>> {
    serde_json::from_str(json).map_err(|_| unreadable("an endpoint's events cannot be read"))
}

pub(super) fn health(row: &SqliteRow) -> sqlx::Result<Health> {
    Ok(Health {
        failures: row.try_get("failures")?,
        failing_since: row.try_get("failing_since")?,
        paused_until: row.try_get("paused_until")?,
    })
}

pub(super) fn event(row: &SqliteRow) -> sqlx::Result<Event> {
    let tenant: String = row.try_get("tenant")?;
    let body: Vec<u8> = row.try_get("body")?;
    Ok(Event {
        id: event_id(row.try_get("id")?)?,
        tenant: tenant.into(),
        event_type: row.try_get("event_type")?,
        api_version: row.try_get("api_version")?,
        content_type: row.try_get("content_type")?,
        body: body.into(),
    })
}

fn event_id(text: String) -> sqlx::Result<EventId> {
    EventId::new(text).map_err(|_| unreadable("the id of an event cannot be read"))
}

pub(super) fn delivery(row: &SqliteRow) -> sqlx::Result<Delivery> {
    let endpoint: String = row.try_get("endpoint")?;
    let state: u8 = row.try_get("state")?;
    let reason: Option<String> = row.try_get("reason")?;
    let state = match (state, reason) {
        (0, _) => DeliveryState::Pending {
            due_at: row.try_get("due_at")?,
            leased: row.try_get("leased")?,
        },
        (1, _) => DeliveryState::Delivered,
        (2, Some(reason)) => DeliveryState::Dead { reason },
        _ => return Err(unreadable("the state of a delivery cannot be read")),
    };
    Ok(Delivery {
        id: DeliveryId(row.try_get("id")?),
        event: event_id(row.try_get("event_id")?)?,
        event_type: row.try_get("event_type")?,
        endpoint: endpoint.into(),
        state,
        attempts: row.try_get("attempt")?,
        failed: row.try_get("failed")?,
        manual: row.try_get("manual")?,
        created_at: row.try_get("created_at")?,
        changed_at: row.try_get("changed_at")?,
    })
}

pub(super) fn attempt(row: &SqliteRow) -> sqlx::Result<Attempt> {
    let code: Option<String> = row.try_get("code")?;
    let message: Option<String> = row.try_get("message")?;
    let response: Vec<u8> = row.try_get("response")?;
    Ok(Attempt {
        delivery: DeliveryId(row.try_get("delivery")?),
        number: row.try_get("number")?,
        at: row.try_get("at")?,
        took: row.try_get("took")?,
        status: row.try_get("status")?,
        error: code.map(|code| AttemptError::new(code, message.unwrap_or_default())),
        response: Bytes::from(response),
        late: row.try_get("late")?,
    })
}

/// Numbers as one value, which `json_each` makes rows of: a statement has one text however many there are.
pub(super) fn list(ids: impl IntoIterator<Item = i64>) -> String {
    let ids: Vec<_> = ids.into_iter().collect();
    serde_json::json!(ids).to_string()
}
