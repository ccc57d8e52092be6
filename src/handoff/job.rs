use std::fmt;

use bytes::Bytes;

use crate::BoxError;
use crate::delivery::DeliveryId;
use crate::idempotency::Grant;
use crate::scheme::Shape;
use crate::store::{Fence, IdemKey};
use crate::verify::{Verified as _, VerifiedBody};

/// A verified delivery on its way to a worker.
///
/// Its serde form is version 1: a map of `v` (1), `key`, `connection`, `delivery_id`, `event_type`,
/// `content_type`, `payload` (standard base64 with padding), `fence` and `accepted_at`. What is unknown is
/// left out. Later versions may add fields, which this one ignores; another `v` is refused.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Job {
    /// The key of the delivery: the same over its retries, and unlike any other. Queues drop duplicates by
    /// it.
    pub key: Box<str>,
    /// The connection that the delivery came by.
    pub connection: Box<str>,
    /// The provider's id of the delivery, where it has one. Where the signature does not cover it an
    /// attacker may have changed it, so it is for people to read.
    pub delivery_id: Option<Box<str>>,
    /// The event type, where the scheme has one.
    pub event_type: Option<Box<str>>,
    /// The media type that the payload was found to be, not what an unsigned header called it. `None`
    /// where the scheme lets anything pass.
    pub content_type: Option<Box<str>>,
    /// The exact bytes that were signed.
    pub payload: Bytes,
    /// The token of the receiver's claim. A later enqueueing of the same delivery has a greater one.
    pub fence: Fence,
    /// When the receiver accepted the delivery, in Unix seconds.
    pub accepted_at: i64,
}

impl Job {
    pub(super) fn new(body: &VerifiedBody, grant: &Grant) -> Self {
        let delivery = body.delivery();
        let content_type = match body.shape() {
            Shape::Object | Shape::Array => Some("application/json"),
            Shape::Form => Some("application/x-www-form-urlencoded"),
            Shape::ObjectOrForm | Shape::Opaque => None,
        };
        Self {
            key: grant.key().as_str().into(),
            connection: (**grant.connection()).into(),
            delivery_id: match &delivery.id {
                DeliveryId::Signed(id) | DeliveryId::Unsigned(id) => Some(id.clone()),
                DeliveryId::Digest => None,
            },
            event_type: delivery.event_type.clone(),
            content_type: content_type.map(Into::into),
            payload: body.as_bytes().clone(),
            fence: grant.fence(),
            accepted_at: grant.accepted_at(),
        }
    }

    /// What a worker claims before it works. Not [`key`](Self::key): that is completed as soon as the job
    /// is enqueued, and both may stand in one store.
    #[must_use]
    pub fn work_key(&self) -> IdemKey {
        IdemKey::compose("handoff", None, &self.key)
    }

    /// The job as JSON, in its serde form.
    #[must_use]
    pub fn to_json(&self) -> Bytes {
        let text = serde_json::to_vec(self).expect("strings and numbers are JSON");
        Bytes::from(text)
    }

    /// Reads what [`to_json`](Self::to_json) wrote.
    ///
    /// # Errors
    ///
    /// Returns an error when `json` is no job, or one of another version.
    pub fn from_json(json: &[u8]) -> Result<Self, BoxError> {
        Ok(serde_json::from_slice(json)?)
    }
}

// Not derived: neither a payload nor a full key is for logs.
impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("connection", &self.connection)
            .field("event_type", &self.event_type)
            .field("content_type", &self.content_type)
            .field("payload_bytes", &self.payload.len())
            .field("fence", &self.fence)
            .field("accepted_at", &self.accepted_at)
            .finish_non_exhaustive()
    }
}
