use std::time::Duration;

use http::HeaderValue;

/// What a provider's deliveries look like, beside how they are signed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Profile {
    shape: Shape,
    id: Option<Field>,
    event_type: Option<Field>,
    future_skew: Duration,
    signs_time: bool,
    any_media_type: bool,
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
}

impl Profile {
    /// A payload of `shape`, with id and event type in headers or nowhere.
    pub fn new(shape: Shape) -> Self {
        Self {
            shape,
            id: None,
            event_type: None,
            future_skew: Duration::from_secs(60),
            signs_time: false,
            any_media_type: false,
        }
    }

    /// The delivery id stands in the payload, under the keys of `path`; without it the payload is
    /// malformed.
    pub fn with_id(mut self, path: &'static [&'static str]) -> Self {
        self.id = Some(Field {
            path,
            required: true,
        });
        self
    }

    /// The event type stands in the payload, under the keys of `path`; without it the payload is
    /// malformed.
    pub fn with_event_type(mut self, path: &'static [&'static str]) -> Self {
        self.event_type = Some(Field {
            path,
            required: true,
        });
        self
    }

    /// What the payload says of id and event type is used when it is there, and may be missing.
    pub fn with_optional_fields(mut self) -> Self {
        for field in [&mut self.id, &mut self.event_type].into_iter().flatten() {
            field.required = false;
        }
        self
    }

    /// How far the sender's clock may be ahead, unless the replay window says otherwise.
    /// 60 s by default; more where the provider's own SDK allows it.
    pub fn with_future_skew(mut self, skew: Duration) -> Self {
        self.future_skew = skew;
        self
    }

    /// The provider labels its payloads wrongly: any media type is taken for the shape.
    pub fn with_any_media_type(mut self) -> Self {
        self.any_media_type = true;
        self
    }

    /// Says that every delivery carries a signed time.
    pub fn with_signed_time(mut self) -> Self {
        self.signs_time = true;
        self
    }

    /// The form of the payload.
    #[must_use]
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// How far the sender's clock may be ahead.
    #[must_use]
    pub fn future_skew(&self) -> Duration {
        self.future_skew
    }

    /// Whether every delivery carries a signed time.
    #[must_use]
    pub fn signs_time(&self) -> bool {
        self.signs_time
    }

    pub(crate) fn set_signs_time(&mut self, signs: bool) {
        self.signs_time = signs;
    }

    pub(crate) fn id(&self) -> Option<Field> {
        self.id
    }

    pub(crate) fn event_type(&self) -> Option<Field> {
        self.event_type
    }

    /// The shape of a payload of this media type, or `None` where the provider does not send it.
    /// A payload without a media type is taken for the shape that was promised.
    pub(crate) fn accepts(&self, media: Option<&HeaderValue>) -> Option<Shape> {
        let media = media.filter(|_| !self.any_media_type);
        let Some(media) = media else {
            return Some(match self.shape {
                Shape::ObjectOrForm => Shape::Object,
                shape => shape,
            });
        };
        let media = media.as_bytes();
        let essence = media.split(|byte| *byte == b';').next().unwrap_or(media);
        let essence = essence.trim_ascii();
        let json = is_json(essence);
        let form = essence.eq_ignore_ascii_case(b"application/x-www-form-urlencoded");
        match self.shape {
            Shape::Opaque => Some(Shape::Opaque),
            Shape::Object | Shape::ObjectOrForm if json => Some(Shape::Object),
            Shape::Array if json => Some(Shape::Array),
            Shape::Form | Shape::ObjectOrForm if form => Some(Shape::Form),
            _ => None,
        }
    }
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
