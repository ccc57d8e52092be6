//! What is answered, field by field.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use super::request::State;
use crate::outbound::Audited;
use crate::outbound::catalogue::Entry;
use crate::outbound::endpoint::Endpoint;
use crate::outbound::store::{Attempt, AttemptError, DeliveryState};
use crate::time::to_rfc3339_millis;

/// A time in Unix milliseconds, written as RFC 3339 has it.
pub(super) struct Time(pub(super) i64);

impl Serialize for Time {
    fn serialize<W: Serializer>(&self, to: W) -> Result<W::Ok, W::Error> {
        to.serialize_str(&to_rfc3339_millis(self.0))
    }
}

impl JsonSchema for Time {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Time".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }
}

/// Where events are sent to.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Endpoint")]
pub(super) struct EndpointView {
    /// Its id.
    id: String,
    /// Where deliveries are sent to.
    url: String,
    /// What its owner calls it.
    description: String,
    /// The event types it wants.
    events: Vec<String>,
    /// The names of the headers it wants; their values are never shown. `null` when they cannot be read.
    headers: Option<Vec<String>>,
    /// Most deliveries at once, where it has a limit of its own.
    max_concurrent: Option<u32>,
    /// Most deliveries a second, where it has a limit of its own.
    max_per_second: Option<u32>,
    /// Whether it gets deliveries.
    enabled: bool,
    /// Why it gets none: `asked`, `gone`, `failing`.
    disabled_reason: Option<String>,
    /// Attempts that failed since the last that did not.
    failures: u32,
    /// Since when they fail.
    failing_since: Option<Time>,
    /// Until when nothing is sent.
    paused_until: Option<Time>,
    /// When it was made.
    created_at: Time,
    /// When it was last changed.
    updated_at: Time,
    /// Counts the changes; it is the `ETag` too.
    version: i64,
}

impl EndpointView {
    pub(super) fn new(endpoint: Endpoint, headers: Option<Vec<String>>) -> Self {
        Self {
            id: endpoint.id.as_str().to_owned(),
            url: endpoint.url,
            description: endpoint.description,
            events: endpoint.events,
            headers,
            max_concurrent: endpoint.max_concurrent,
            max_per_second: endpoint.max_per_second,
            enabled: endpoint.state.is_active(),
            disabled_reason: endpoint.state.reason().map(str::to_owned),
            failures: endpoint.health.failures,
            failing_since: endpoint.health.failing_since.map(Time),
            paused_until: endpoint.health.paused_until.map(Time),
            created_at: Time(endpoint.created_at),
            updated_at: Time(endpoint.updated_at),
            version: endpoint.version,
        }
    }
}

/// An endpoint with its new secret, which is shown this once.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "EndpointWithSecret")]
pub(super) struct SecretView<'k> {
    #[serde(flatten)]
    pub(super) endpoint: EndpointView,
    /// What its receiver verifies with.
    pub(super) secret: Option<&'k str>,
    /// Until when the secret before it signs too.
    pub(super) previous_secret_until: Option<Time>,
}

/// A page of a list.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PageOf{T}")]
pub(super) struct Page<T> {
    /// What is on it.
    pub(super) data: Vec<T>,
    /// What asks for the next one; `null` on the last.
    pub(super) next: Option<String>,
}

/// One event on its way to one endpoint.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Delivery")]
pub(super) struct DeliveryView {
    /// The event.
    event_id: String,
    /// Its type.
    event_type: String,
    /// Where it is.
    state: State,
    /// Why it is a dead letter: `exhausted`, `refused`, `endpoint_disabled`, `endpoint_unreadable`.
    reason: Option<String>,
    /// Whether it was asked for by hand: a test, a retry, a replay.
    manual: bool,
    /// How many attempts were begun.
    attempt_count: u32,
    /// How many of them came after the first.
    retry_count: u32,
    /// How many failed since it was emitted or asked for again.
    failed_count: u32,
    /// When it was emitted.
    created_at: Time,
    /// When it last changed.
    changed_at: Time,
    /// When the next attempt is due, unless one is under way.
    next_attempt_at: Option<Time>,
    /// The status of the last answer.
    last_status: Option<u16>,
    /// Why the last attempt had no answer that counts.
    last_error: Option<ErrorView>,
    /// The last 50 attempts, the first one first.
    attempts: Vec<AttemptView>,
}

/// One attempt at a delivery.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Attempt")]
struct AttemptView {
    /// Its number, from 1 on.
    number: u32,
    /// When it began.
    at: Time,
    /// How long it took, in milliseconds.
    took_ms: u32,
    /// The status of the answer.
    status: Option<u16>,
    /// Why there was none, or why it did not count.
    error: Option<ErrorView>,
    /// Whether it ended after another attempt had begun.
    late: bool,
}

/// Why an attempt failed.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AttemptError")]
struct ErrorView {
    /// A word of a closed set.
    code: String,
    /// The same in words.
    message: String,
}

impl From<Audited> for DeliveryView {
    fn from(audited: Audited) -> Self {
        let delivery = audited.delivery;
        let last = audited.attempts.last();
        let (state, reason, next) = match delivery.state {
            DeliveryState::Pending { due_at, leased } => {
                (State::Pending, None, (!leased).then_some(due_at))
            }
            DeliveryState::Delivered => (State::Delivered, None, None),
            DeliveryState::Dead { reason } => (State::Dead, Some(reason), None),
        };
        Self {
            event_id: delivery.event.as_str().to_owned(),
            event_type: delivery.event_type,
            state,
            reason,
            manual: delivery.manual,
            attempt_count: delivery.attempts,
            retry_count: delivery.attempts.saturating_sub(1),
            failed_count: delivery.failed,
            created_at: Time(delivery.created_at),
            changed_at: Time(delivery.changed_at),
            next_attempt_at: next.map(Time),
            last_status: last.and_then(|attempt| attempt.status),
            last_error: last.and_then(|attempt| attempt.error.as_ref().map(ErrorView::of)),
            attempts: audited.attempts.iter().map(AttemptView::of).collect(),
        }
    }
}

impl AttemptView {
    fn of(attempt: &Attempt) -> Self {
        Self {
            number: attempt.number,
            at: Time(attempt.at),
            took_ms: attempt.took,
            status: attempt.status,
            error: attempt.error.as_ref().map(ErrorView::of),
            late: attempt.late,
        }
    }
}

impl ErrorView {
    fn of(error: &AttemptError) -> Self {
        Self {
            code: error.code.clone(),
            message: error.message.clone(),
        }
    }
}

/// The event that will be sent.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Sending")]
pub(super) struct SendingView<'e> {
    /// Its id, by which the deliveries tell how it went.
    pub(super) event_id: &'e str,
}

/// What will be sent again.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Replayed")]
pub(super) struct ReplayedView {
    /// How many deliveries.
    pub(super) deliveries: u64,
}

/// The events that there are.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "EventTypes")]
pub(super) struct EventTypesView<'c> {
    /// In the order of their names.
    pub(super) data: Vec<EventTypeView<'c>>,
}

/// An event that there is.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "EventType")]
pub(super) struct EventTypeView<'c> {
    /// Its type.
    name: &'c str,
    /// The version of its payload.
    version: Option<&'c str>,
    /// What happened.
    description: &'c str,
    /// The JSON Schema of its payload.
    schema: serde_json::Value,
}

impl<'c> From<&'c Entry> for EventTypeView<'c> {
    fn from(entry: &'c Entry) -> Self {
        Self {
            name: entry.name(),
            version: entry.version(),
            description: entry.description(),
            schema: entry.schema(),
        }
    }
}
