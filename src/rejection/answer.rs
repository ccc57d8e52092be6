use std::hash::{BuildHasher as _, RandomState};

use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderName, RETRY_AFTER,
    WWW_AUTHENTICATE,
};
use http::{HeaderMap, HeaderValue, Response};

use super::Rejection;
use crate::body::ResponseBody;
use crate::outcome::Outcome;

impl Rejection {
    /// An RFC 9457 problem document, with the reason in the extensions.
    pub(crate) fn response<B>(self) -> Response<ResponseBody<B>> {
        let mut response = Response::new(ResponseBody::text(self.problem()));
        *response.status_mut() = self.status();
        response.extensions_mut().insert(Outcome::from(self));
        let headers = response.headers_mut();
        set(headers, CONTENT_TYPE, "application/problem+json");
        match self {
            Self::Method => set(headers, ALLOW, "POST"),
            // The rest of the body is not read, so the connection cannot be used again.
            Self::TooLarge | Self::BodyTimeout | Self::Draining => {
                set(headers, CONNECTION, "close");
            }
            Self::Encoding => set(headers, ACCEPT_ENCODING, "identity"),
            Self::Unauthenticated => {
                set(headers, WWW_AUTHENTICATE, "Webhook-Signature");
                set(headers, CACHE_CONTROL, "no-store");
            }
            _ => {}
        }
        if let Some(seconds) = self.retry_after() {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }

    /// Whole seconds for `Retry-After`.
    fn retry_after(self) -> Option<u16> {
        match self {
            // Spread over 1 to 5 s, so that what was shed together does not come back together.
            Self::Shed => Some(1 + u16::try_from(RandomState::new().hash_one(()) % 5).unwrap_or(0)),
            Self::SecretUnavailable
            | Self::StoreUnavailable
            | Self::ReceiptUnavailable
            | Self::HandlerTimeout
            | Self::LeaseLost
            | Self::Draining => Some(5),
            Self::StoreFull => Some(30),
            Self::InProgress { retry_after, .. } => Some(retry_after.into()),
            _ => None,
        }
    }

    fn problem(self) -> Bytes {
        // What a forger gets costs nothing to write.
        if let Self::Unauthenticated = self {
            return Bytes::from_static(UNAUTHENTICATED.as_bytes());
        }
        let status = self.status().as_u16();
        // Constant, so that no length depends on the cause.
        let (kind, title) = match self {
            Self::Stale | Self::Future => ("replay-window", "outside the replay window"),
            Self::Malformed { .. } => ("envelope", "the payload is not of the expected shape"),
            Self::FingerprintMismatch => ("fingerprint", "known with another payload"),
            Self::InProgress { .. } => ("in-progress", "processing"),
            _ => ("", ""),
        };
        let text = match self {
            Self::Malformed { line, column } => format!(
                r#"{{"type":"urn:tower-webhook:{kind}","title":"{title}","status":{status},"line":{line},"column":{column}}}"#
            ),
            _ if kind.is_empty() => format!(
                r#"{{"type":"urn:tower-webhook:{}","status":{status}}}"#,
                self.label().replace('_', "-")
            ),
            _ => format!(
                r#"{{"type":"urn:tower-webhook:{kind}","title":"{title}","status":{status}}}"#
            ),
        };
        Bytes::from(text)
    }
}

const UNAUTHENTICATED: &str = r#"{"type":"urn:tower-webhook:unauthenticated","title":"the request is not authentic","status":401}"#;

fn set(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.insert(name, HeaderValue::from_static(value));
}
