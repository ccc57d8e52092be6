//! Every answer that is not the handler's: one table of kinds, statuses and headers.

use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::{HeaderValue, Response, StatusCode};

use crate::body::ResponseBody;

/// Why a delivery was refused. Found in the extensions of the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rejection {
    /// The method is not `POST`: 405.
    Method,
    /// The body is longer than the limit, declared or not: 413.
    TooLarge,
    /// The bytes in flight have used up the budget: 503.
    Shed,
    /// The body was not there in time: 408.
    BodyTimeout,
    /// The connection ended before the body did: 400, which nobody is there to read.
    BodyAborted,
    /// The body is encoded: 415.
    Encoding,
    /// Not authentic, whatever the reason: 401, the same bytes for each.
    Unauthenticated,
    /// Authentic, but older than the replay window: 409.
    Stale,
    /// Authentic, but further ahead of our clock than the skew: 409.
    Future,
}

impl Rejection {
    /// The status of the answer.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Shed => StatusCode::SERVICE_UNAVAILABLE,
            Self::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::BodyAborted => StatusCode::BAD_REQUEST,
            Self::Encoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Stale | Self::Future => StatusCode::CONFLICT,
        }
    }

    /// The name of the outcome, from a closed set.
    #[must_use]
    pub fn outcome(self) -> &'static str {
        match self {
            Self::Method => "method",
            Self::TooLarge => "too_large",
            Self::Shed => "shed",
            Self::BodyTimeout => "body_timeout",
            Self::BodyAborted => "body_aborted",
            Self::Encoding => "encoding",
            Self::Unauthenticated => "unauthenticated",
            Self::Stale => "stale",
            Self::Future => "future",
        }
    }

    /// An RFC 9457 problem document without detail.
    pub(crate) fn response<B>(self) -> Response<ResponseBody<B>> {
        let text = format!(
            r#"{{"type":"urn:tower-webhook:{}","status":{}}}"#,
            self.outcome().replace('_', "-"),
            self.status().as_u16()
        );
        let mut response = Response::new(ResponseBody::text(Bytes::from(text)));
        *response.status_mut() = self.status();
        response.extensions_mut().insert(self);
        let headers = response.headers_mut();
        let mut set = |name, value| headers.insert(name, HeaderValue::from_static(value));
        set(CONTENT_TYPE, "application/problem+json");
        match self {
            Self::Method => _ = set(ALLOW, "POST"),
            // The rest of the body is not read, so the connection cannot be used again.
            Self::TooLarge | Self::BodyTimeout => _ = set(CONNECTION, "close"),
            Self::Shed => _ = set(RETRY_AFTER, "2"),
            Self::Encoding => _ = set(ACCEPT_ENCODING, "identity"),
            Self::Unauthenticated => {
                set(WWW_AUTHENTICATE, "Webhook-Signature");
                set(CACHE_CONTROL, "no-store");
            }
            Self::BodyAborted | Self::Stale | Self::Future => {}
        }
        response
    }
}
