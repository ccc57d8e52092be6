use http::StatusCode;
use tower_layer::Layer;

use super::OpenEnvelope;
use crate::event::EventPatterns;

/// Layer that applies the [`OpenEnvelope`] middleware.
///
/// See the [module docs](crate::envelope).
#[derive(Clone, Debug)]
#[must_use]
pub struct OpenEnvelopeLayer {
    pub(super) events: Option<EventPatterns>,
    pub(super) ignored: StatusCode,
}

impl OpenEnvelopeLayer {
    /// Checks payloads by what the scheme says of them.
    pub fn new() -> Self {
        Self {
            events: None,
            ignored: StatusCode::NO_CONTENT,
        }
    }

    /// Takes only these event types. Others are answered with 204: nothing is claimed, and no handler
    /// runs. A connection may have a list of its own. A delivery without an event type is taken.
    pub fn with_events(mut self, events: EventPatterns) -> Self {
        self.events = Some(events);
        self
    }

    /// Answers deliveries that are not taken with this status instead.
    pub fn with_ignored_status(mut self, status: StatusCode) -> Self {
        self.ignored = status;
        self
    }
}

impl Default for OpenEnvelopeLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for OpenEnvelopeLayer {
    type Service = OpenEnvelope<S>;

    fn layer(&self, inner: S) -> OpenEnvelope<S> {
        OpenEnvelope::new(inner, self.clone())
    }
}
