use std::sync::Arc;

use http::header::{ALLOW, HeaderName, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;

use super::answer::{AdminBody, written};
use crate::outbound::{OutboundError, OutboundErrorKind};

/// Why a request was not done, as RFC 9457 writes it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct Problem {
    /// Which problem it is: a name below `urn:tower-webhook:`.
    r#type: &'static str,
    /// The same in words.
    title: &'static str,
    /// The status of the answer.
    status: u16,
    /// What is wrong with the field.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// The field or the parameter that cannot be taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    #[serde(skip)]
    header: Option<Box<(HeaderName, HeaderValue)>>,
    #[serde(skip)]
    source: Option<Arc<OutboundError>>,
}

/// Longest name of a field that is told back.
const MAX_FIELD: usize = 64;

macro_rules! problems {
    ($($name:ident = $status:ident, $kind:literal, $title:literal;)*) => {
        $(pub(super) const $name: Problem = Problem::new(
            StatusCode::$status,
            concat!("urn:tower-webhook:", $kind),
            $title,
        );)*
    };
}

#[rustfmt::skip]
impl Problem {
    problems! {
        MALFORMED = BAD_REQUEST, "malformed", "the body is not JSON";
        ABORTED = BAD_REQUEST, "aborted", "the body did not arrive";
        PARAMETER = BAD_REQUEST, "parameter", "a parameter cannot be taken";
        NO_TENANT = FORBIDDEN, "no-tenant", "the request is nobody's";
        NOT_FOUND = NOT_FOUND, "not-found", "there is no such thing";
        METHOD = METHOD_NOT_ALLOWED, "method", "the method is not for this path";
        CONFLICT = CONFLICT, "conflict", "it was changed at the same time";
        DISABLED = CONFLICT, "disabled", "the endpoint is disabled";
        PENDING = CONFLICT, "pending", "the delivery is not over";
        CHANGED = PRECONDITION_FAILED, "changed", "it is not the version that was seen";
        TOO_LARGE = PAYLOAD_TOO_LARGE, "too-large", "the body is longer than 64 KiB";
        MEDIA_TYPE = UNSUPPORTED_MEDIA_TYPE, "media-type", "the body must be application/json";
        INVALID = UNPROCESSABLE_ENTITY, "invalid", "a field cannot be taken";
        UNREADABLE = INTERNAL_SERVER_ERROR, "unreadable", "the endpoint's secrets cannot be opened";
        UNAVAILABLE = SERVICE_UNAVAILABLE, "unavailable", "the store cannot be asked";
    }
}

impl Problem {
    const fn new(status: StatusCode, kind: &'static str, title: &'static str) -> Self {
        Self {
            r#type: kind,
            title,
            status: status.as_u16(),
            detail: None,
            field: None,
            header: None,
            source: None,
        }
    }

    /// Names what is meant.
    pub(super) fn of(mut self, field: &str, detail: impl Into<String>) -> Self {
        self.field = Some(field.chars().take(MAX_FIELD).collect());
        self.detail = Some(detail.into());
        self
    }

    /// The method is not for this path, and which are.
    pub(super) fn method(allowed: &str) -> Self {
        Self::METHOD.with(ALLOW, HeaderValue::try_from(allowed).ok())
    }

    pub(super) fn with(mut self, name: HeaderName, value: Option<HeaderValue>) -> Self {
        self.header = value.map(|value| Box::new((name, value)));
        self
    }

    pub(super) fn is_not_found(&self) -> bool {
        self.r#type == Self::NOT_FOUND.r#type
    }

    pub(super) fn response(self) -> Response<AdminBody> {
        let bytes = serde_json::to_vec(&self).expect("texts and numbers can be written");
        let status = StatusCode::from_u16(self.status).unwrap_or_default();
        let mut response = written(status, "application/problem+json", bytes.into());
        if let Some((name, value)) = self.header.map(|header| *header) {
            response.headers_mut().insert(name, value);
        }
        if let Some(source) = self.source {
            response.extensions_mut().insert(source);
        }
        response
    }
}

impl From<OutboundError> for Problem {
    fn from(err: OutboundError) -> Self {
        let mut problem = match err.kind() {
            OutboundErrorKind::Invalid => match err.field() {
                // What was asked for can be done, only not now.
                Some("endpoint") => Self::DISABLED,
                field => Self::INVALID.of(field.unwrap_or_default(), err.to_string()),
            },
            OutboundErrorKind::NotFound => Self::NOT_FOUND,
            OutboundErrorKind::Conflict => Self::CONFLICT,
            OutboundErrorKind::Unreadable => Self::UNREADABLE,
            OutboundErrorKind::Overloaded | OutboundErrorKind::Unavailable => {
                Self::UNAVAILABLE.with(RETRY_AFTER, Some(HeaderValue::from_static("5")))
            }
        };
        problem.source = Some(Arc::new(err));
        problem
    }
}
