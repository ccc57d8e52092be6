//! The payload of Standard Webhooks.

use serde::Serialize;

use crate::time::{Clock as _, SystemClock, to_rfc3339};

/// <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>, "Payload structure".
#[derive(Serialize)]
pub(super) struct Payload<'a, T> {
    r#type: &'a str,
    timestamp: String,
    data: &'a T,
}

pub(super) fn payload<'a, T>(event_type: &'a str, data: &'a T) -> Payload<'a, T> {
    Payload {
        r#type: event_type,
        timestamp: to_rfc3339(SystemClock.unix_seconds()),
        data,
    }
}
