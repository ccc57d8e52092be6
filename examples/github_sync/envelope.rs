//! One form for all events of GitHub.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tower_webhook::BoxError;
use tower_webhook::delivery::{Delivery, DeliveryId};
use tower_webhook::handoff::Job;

/// An event with what all of the program asks for, wherever the payload keeps it.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Envelope {
    /// GitHub's id of the delivery. The signature does not cover it.
    pub(crate) delivery_id: String,
    pub(crate) event: String,
    pub(crate) installation_id: Option<i64>,
    pub(crate) repository_id: Option<i64>,
    pub(crate) repository_full_name: Option<String>,
    #[serde(rename = "ref")]
    pub(crate) reference: Option<String>,
    pub(crate) head_sha: Option<String>,
    pub(crate) payload: Value,
}

impl Envelope {
    pub(crate) fn new(delivery_id: &str, event: &str, payload: Value) -> Self {
        let number = |path: &str| payload.pointer(path).and_then(Value::as_i64);
        let text = |path: &str| payload.pointer(path).and_then(Value::as_str);
        let head = text("/after").or_else(|| text("/pull_request/head/sha"));
        Self {
            delivery_id: delivery_id.to_owned(),
            event: event.to_owned(),
            installation_id: number("/installation/id"),
            repository_id: number("/repository/id"),
            repository_full_name: text("/repository/full_name").map(str::to_owned),
            reference: text("/ref").map(str::to_owned),
            head_sha: head.map(str::to_owned),
            payload,
        }
    }

    /// The event of a delivery that was verified.
    pub(crate) fn of(delivery: &Delivery, payload: Value) -> Self {
        let id = match &delivery.id {
            DeliveryId::Signed(id) | DeliveryId::Unsigned(id) => id,
            // GitHub always sends one; who signs without is answered all the same.
            _ => "",
        };
        let event = delivery.event_type.as_deref().unwrap_or_default();
        Self::new(id, event, payload)
    }

    /// The event of a delivery that is handed off.
    pub(crate) fn of_job(job: &Job) -> Result<Self, BoxError> {
        let payload = serde_json::from_slice(&job.payload)?;
        let id = job.delivery_id.as_deref().unwrap_or_default();
        Ok(Self::new(
            id,
            job.event_type.as_deref().unwrap_or_default(),
            payload,
        ))
    }

    /// What the event says was done, where it says so.
    pub(crate) fn action(&self) -> Option<&str> {
        self.payload.get("action").and_then(Value::as_str)
    }

    /// The branch that was pushed to: not a tag, and not one that was deleted.
    pub(crate) fn branch(&self) -> Option<&str> {
        let is_deleted = self.payload.get("deleted").and_then(Value::as_bool);
        let head = self.head_sha.as_deref()?;
        let is_there = is_deleted != Some(true) && head.bytes().any(|digit| digit != b'0');
        let branch = self.reference.as_deref()?.strip_prefix("refs/heads/")?;
        is_there.then_some(branch)
    }

    /// What a job brings up to date: a branch of a repository. By number, so that a repository that
    /// is renamed keeps what it has.
    pub(crate) fn target(&self) -> Option<String> {
        Some(format!("{}/{}", self.repository_id?, self.branch()?))
    }
}
