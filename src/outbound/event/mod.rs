//! What happened, and is told to the endpoints that asked for it.

mod id;
mod standard;

use std::fmt;

use bytes::Bytes;
use serde::Serialize;

pub use self::id::EventId;
use super::OutboundError;
use super::catalogue::EventType;
use super::tenant::Tenant;

/// Longest event type, in bytes.
pub const MAX_TYPE_BYTES: usize = 128;

/// The type of the event that [`Sender::test`](super::Sender::test) sends.
pub const TEST_EVENT: &str = "webhook.test";

/// An event. Its bytes are sent as they are, on each attempt and to each endpoint.
///
/// # Example
///
/// ```
/// use tower_webhook::outbound::event::Event;
///
/// let event = Event::new("order.created", r#"{"order":7}"#)?
///     .tenant("shop-7")
///     .api_version("2026-11-01");
/// assert_eq!(event.event_type(), "order.created");
/// # Ok::<(), tower_webhook::outbound::OutboundError>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct Event {
    pub(crate) id: EventId,
    pub(crate) tenant: Tenant,
    pub(crate) event_type: String,
    pub(crate) api_version: Option<String>,
    pub(crate) content_type: String,
    pub(crate) body: Bytes,
}

impl Event {
    /// An event of a type, such as `order.created`, with the JSON that is sent.
    ///
    /// # Errors
    ///
    /// Returns an error that names `event_type` unless the type is made of letters, digits, `_` and `-`, with dots
    /// between them, and at most [`MAX_TYPE_BYTES`] long.
    pub fn new(event_type: &str, json: impl Into<Bytes>) -> Result<Self, OutboundError> {
        if !is_event_type(event_type) {
            let reason = "must be letters, digits, `_` and `-`, with dots between them";
            return Err(OutboundError::invalid("event_type", reason));
        }
        Ok(Self {
            id: EventId::unique(),
            tenant: Tenant::default(),
            event_type: event_type.to_owned(),
            api_version: None,
            content_type: "application/json".to_owned(),
            body: json.into(),
        })
    }

    /// An event with what `data` serialises to as its payload.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), and an error that names `body` when `data` cannot be serialised.
    pub fn json(event_type: &str, data: &impl Serialize) -> Result<Self, OutboundError> {
        let body = serde_json::to_vec(data);
        let body = body.map_err(|_| OutboundError::invalid("body", "cannot be serialised"))?;
        Self::new(event_type, body)
    }

    /// An event in the form of Standard Webhooks: `{"type", "timestamp", "data"}`, the time now.
    ///
    /// # Errors
    ///
    /// As [`json`](Self::json).
    pub fn standard(event_type: &str, data: &impl Serialize) -> Result<Self, OutboundError> {
        Self::json(event_type, &standard::payload(event_type, data))
    }

    /// An event of a type that names itself, with `data` as its payload and in the form that the type says.
    ///
    /// # Errors
    ///
    /// As [`json`](Self::json).
    pub fn of<T: EventType>(data: &T) -> Result<Self, OutboundError> {
        let event = match T::STANDARD {
            true => Self::standard(T::NAME, data)?,
            false => Self::json(T::NAME, data)?,
        };
        Ok(match T::VERSION {
            Some(version) => event.api_version(version),
            None => event,
        })
    }

    /// Sets the id, which receivers know duplicates by. The same id is emitted once: the second time nothing is sent.
    pub fn id(mut self, id: EventId) -> Self {
        self.id = id;
        self
    }

    /// Whose event it is. Only endpoints of this tenant get it.
    pub fn tenant(mut self, tenant: impl Into<Tenant>) -> Self {
        self.tenant = tenant.into();
        self
    }

    /// Which version of the payload it is, sent as `webhook-api-version`.
    pub fn api_version(mut self, version: impl Into<String>) -> Self {
        self.api_version = Some(version.into());
        self
    }

    /// The media type of the bytes, `application/json` otherwise.
    pub fn content_type(mut self, media_type: impl Into<String>) -> Self {
        self.content_type = media_type.into();
        self
    }

    /// The id.
    #[must_use]
    pub fn event_id(&self) -> &EventId {
        &self.id
    }

    /// The type.
    #[must_use]
    pub fn event_type(&self) -> &str {
        &self.event_type
    }

    /// The bytes that are sent.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// What would fail on every attempt is refused before anything is stored.
    pub(crate) fn check(&self, max_bytes: usize) -> Result<(), OutboundError> {
        if self.body.len() > max_bytes {
            return Err(OutboundError::invalid(
                "body",
                "is longer than what is sent",
            ));
        }
        for (field, text) in [
            ("content_type", Some(&self.content_type)),
            ("api_version", self.api_version.as_ref()),
        ] {
            if text.is_some_and(|text| http::HeaderValue::from_str(text).is_err()) {
                return Err(OutboundError::invalid(field, "cannot stand in a header"));
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("id", &self.id)
            .field("event_type", &self.event_type)
            .field("tenant", &self.tenant)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Whether a text can be the type of an event.
pub(crate) fn is_event_type(text: &str) -> bool {
    let is_part = |part: &str| {
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        !part.is_empty() && part.bytes().all(is_letter)
    };
    text.len() <= MAX_TYPE_BYTES && text.split('.').all(is_part)
}
