use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Method, StatusCode};

use crate::event::EventPatterns;

/// What a provider's deliveries look like, beside how they are signed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Profile {
    facts: Facts,
    // What one connection has of its own.
    connection: Option<Arc<str>>,
    window: Option<Duration>,
    success: Option<StatusCode>,
    events: Option<EventPatterns>,
}

/// What is true of all deliveries of a scheme, as the table of providers has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) shape: Shape,
    pub(crate) id: Option<Field>,
    pub(crate) event_type: Option<Field>,
    /// Seconds the sender's clock may be ahead.
    pub(crate) future_skew: u64,
    pub(crate) signs_time: bool,
    /// Whether every byte of the body is signed, so that what stands there is.
    pub(crate) signs_body: bool,
    /// Whether deliveries come as `GET` too.
    pub(crate) allows_get: bool,
    /// The body of a good answer, where the provider reads it.
    pub(crate) thanks: Option<&'static str>,
    /// Whether the provider labels its payloads wrongly.
    pub(crate) any_media_type: bool,
}

/// The form of a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shape {
    /// A JSON document whose root is an object.
    Object,
    /// A JSON document whose root is an array.
    Array,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// A JSON object or a form, as the media type says.
    ObjectOrForm,
    /// Anything, of any media type.
    Opaque,
}

/// Where a text stands in the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) path: &'static [&'static str],
    pub(crate) required: bool,
    /// Only a number will do.
    pub(crate) number: bool,
}

impl Field {
    /// A text that every delivery has.
    pub(crate) const fn required(path: &'static [&'static str]) -> Self {
        Self {
            path,
            required: true,
            number: false,
        }
    }

    /// A text that some deliveries have.
    pub(crate) const fn optional(path: &'static [&'static str]) -> Self {
        Self {
            path,
            required: false,
            number: false,
        }
    }
}

impl Facts {
    pub(crate) const fn new(shape: Shape) -> Self {
        Self {
            shape,
            id: None,
            event_type: None,
            future_skew: 60,
            signs_time: false,
            signs_body: true,
            allows_get: false,
            thanks: None,
            any_media_type: false,
        }
    }
}

impl Profile {
    /// A payload of `shape`, with id and event type in headers or nowhere.
    pub fn new(shape: Shape) -> Self {
        Self::of(Facts::new(shape))
    }

    pub(crate) fn of(facts: Facts) -> Self {
        Self {
            facts,
            connection: None,
            window: None,
            success: None,
            events: None,
        }
    }

    /// The delivery id stands in the payload, under the keys of `path`; without it the payload is
    /// malformed.
    pub fn with_id(mut self, path: &'static [&'static str]) -> Self {
        self.facts.id = Some(Field::required(path));
        self
    }

    /// The event type stands in the payload, under the keys of `path`; without it the payload is
    /// malformed.
    pub fn with_event_type(mut self, path: &'static [&'static str]) -> Self {
        self.facts.event_type = Some(Field::required(path));
        self
    }

    /// What the payload says of id and event type is used when it is there, and may be missing.
    pub fn with_optional_fields(mut self) -> Self {
        let Facts { id, event_type, .. } = &mut self.facts;
        for field in [id, event_type].into_iter().flatten() {
            field.required = false;
        }
        self
    }

    /// How far the sender's clock may be ahead, in whole seconds, unless the replay window says
    /// otherwise. 60 s by default; more where the provider's own SDK allows it.
    pub fn with_future_skew(mut self, skew: Duration) -> Self {
        self.facts.future_skew = skew.as_secs();
        self
    }

    /// Says that every delivery carries a signed time.
    pub fn with_signed_time(mut self) -> Self {
        self.facts.signs_time = true;
        self
    }

    /// Names the connection, the first part of each idempotency key, where it is found out by
    /// request: it stands above the name in the idempotency layer.
    pub fn with_connection(mut self, name: impl Into<Arc<str>>) -> Self {
        self.connection = Some(name.into());
        self
    }

    /// Sets how old a delivery may be, in whole seconds, above the replay layer's own window.
    pub fn with_replay_window(mut self, window: Duration) -> Self {
        self.window = Some(window);
        self
    }

    /// Answers successes with this status: some senders take only one for a success (X and
    /// Fourthwall exactly 200).
    pub fn with_success(mut self, status: StatusCode) -> Self {
        self.success = Some(status);
        self
    }

    /// Takes only these event types, above the envelope layer's own.
    pub fn with_events(mut self, events: EventPatterns) -> Self {
        self.events = Some(events);
        self
    }

    pub(crate) fn events(&self) -> Option<&EventPatterns> {
        self.events.as_ref()
    }

    /// The name of the connection, where it is found out by request.
    #[must_use]
    pub fn connection(&self) -> Option<&Arc<str>> {
        self.connection.as_ref()
    }

    /// How old a delivery may be, where the connection has a window of its own.
    #[must_use]
    pub fn replay_window(&self) -> Option<Duration> {
        self.window
    }

    /// The status of successes, where the connection wants one.
    #[must_use]
    pub fn success(&self) -> Option<StatusCode> {
        self.success
    }

    /// Whether every byte of the payload is signed, or what it decodes to.
    #[must_use]
    pub fn signs_body(&self) -> bool {
        self.facts.signs_body
    }

    pub(crate) fn thanks(&self) -> Option<&'static str> {
        self.facts.thanks
    }

    pub(crate) fn allows(&self, method: &Method) -> bool {
        method == Method::POST || (self.facts.allows_get && method == Method::GET)
    }

    /// The form of the payload.
    #[must_use]
    pub fn shape(&self) -> Shape {
        self.facts.shape
    }

    /// How far the sender's clock may be ahead.
    #[must_use]
    pub fn future_skew(&self) -> Duration {
        Duration::from_secs(self.facts.future_skew)
    }

    /// Whether every delivery carries a signed time.
    #[must_use]
    pub fn signs_time(&self) -> bool {
        self.facts.signs_time
    }

    pub(crate) fn set_signs_time(&mut self, signs: bool) {
        self.facts.signs_time = signs;
    }

    #[cfg(feature = "rfc9421")]
    pub(crate) fn set_signs_body(&mut self, signs: bool) {
        self.facts.signs_body = signs;
    }

    pub(crate) fn id(&self) -> Option<Field> {
        self.facts.id
    }

    pub(crate) fn event_type(&self) -> Option<Field> {
        self.facts.event_type
    }

    /// The shape of a payload of this media type, or `None` where the provider does not send it.
    /// A payload without a media type is taken for the shape that was promised.
    pub(crate) fn accepts(&self, media: Option<&HeaderValue>) -> Option<Shape> {
        let media = media.filter(|_| !self.facts.any_media_type);
        let Some(media) = media else {
            return Some(match self.facts.shape {
                Shape::ObjectOrForm => Shape::Object,
                shape => shape,
            });
        };
        let media = media.as_bytes();
        // First as nearly everybody writes it.
        let json = media == b"application/json" || is_json(essence(media));
        let form = !json && essence(media).eq_ignore_ascii_case(FORM);
        match self.facts.shape {
            Shape::Opaque => Some(Shape::Opaque),
            Shape::Object | Shape::ObjectOrForm if json => Some(Shape::Object),
            Shape::Array if json => Some(Shape::Array),
            Shape::Form | Shape::ObjectOrForm if form => Some(Shape::Form),
            _ => None,
        }
    }
}

const FORM: &[u8] = b"application/x-www-form-urlencoded";

/// A media type without its parameters.
fn essence(media: &[u8]) -> &[u8] {
    let end = media.iter().position(|byte| *byte == b';');
    media[..end.unwrap_or(media.len())].trim_ascii()
}

/// `application/json` or any `application/…+json` (RFC 6839).
fn is_json(essence: &[u8]) -> bool {
    let Some((prefix, rest)) = essence.split_at_checked(b"application/".len()) else {
        return false;
    };
    let suffix = rest.len().checked_sub(b"+json".len());
    prefix.eq_ignore_ascii_case(b"application/")
        && (rest.eq_ignore_ascii_case(b"json")
            || suffix.is_some_and(|at| at > 0 && rest[at..].eq_ignore_ascii_case(b"+json")))
}
