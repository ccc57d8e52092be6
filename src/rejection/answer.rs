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

#[cfg(test)]
mod tests {
    use http_body_util::Empty;

    use super::{Bytes, Outcome, Rejection};

    type Answer = (Rejection, u16, &'static str, &'static str);

    const CLOSES: &str = "connection: close";
    const LATER: &str = "retry-after: 5";
    const AUTHENTICATE: &str = "cache-control: no-store, www-authenticate: Webhook-Signature";

    /// Each refusal with its status, its document but for the status, and its headers but for the media type.
    fn answers() -> Vec<Answer> {
        use Rejection as R;
        let in_progress = |is_conflict| R::InProgress {
            retry_after: 7,
            is_conflict,
        };
        let progress = r#""in-progress","title":"processing""#;
        let window = r#""replay-window","title":"outside the replay window""#;
        let malformed = R::Malformed { line: 3, column: 8 };
        let shape =
            r#""envelope","title":"the payload is not of the expected shape","line":3,"column":8"#;
        let payload = r#""fingerprint","title":"known with another payload""#;
        let authentic = r#""unauthenticated","title":"the request is not authentic""#;
        vec![
            (R::Disabled, 404, r#""disabled""#, ""),
            (R::Method, 405, r#""method""#, "allow: POST"),
            (R::IpDenied, 403, r#""ip-denied""#, ""),
            (R::Handshake, 400, r#""handshake-malformed""#, ""),
            (R::TooLarge, 413, r#""too-large""#, CLOSES),
            (R::BodyTimeout, 408, r#""body-timeout""#, CLOSES),
            (R::BodyAborted, 400, r#""body-aborted""#, ""),
            (
                R::Encoding,
                415,
                r#""encoding""#,
                "accept-encoding: identity",
            ),
            (R::Unauthenticated, 401, authentic, AUTHENTICATE),
            (R::SecretUnavailable, 503, r#""secret-unavailable""#, LATER),
            (R::Stale, 409, window, ""),
            (R::Future, 409, window, ""),
            (malformed, 400, shape, ""),
            (R::StoreUnavailable, 503, r#""store-unavailable""#, LATER),
            (R::StoreFull, 503, r#""store-full""#, "retry-after: 30"),
            (
                R::ReceiptUnavailable,
                503,
                r#""receipt-unavailable""#,
                LATER,
            ),
            (R::FingerprintMismatch, 422, payload, ""),
            (in_progress(false), 503, progress, "retry-after: 7"),
            (in_progress(true), 409, progress, "retry-after: 7"),
            (R::HandlerPanic, 500, r#""handler-panic""#, ""),
            (R::HandlerTimeout, 503, r#""handler-timeout""#, LATER),
            (R::LeaseLost, 503, r#""lease-lost""#, LATER),
            (
                R::Draining,
                503,
                r#""draining""#,
                "connection: close, retry-after: 5",
            ),
        ]
    }

    /// The document as a value, its type without what all begin with.
    fn document(text: &[u8]) -> serde_json::Value {
        let mut value: serde_json::Value = serde_json::from_slice(text).expect("JSON");
        let kind = value["type"].as_str().expect("a type").to_owned();
        let kind = kind.strip_prefix("urn:tower-webhook:").expect("our name");
        value["type"] = kind.into();
        value
    }

    fn headers(why: Rejection) -> Vec<String> {
        let response = why.response::<Empty<Bytes>>();
        assert_eq!(response.status(), why.status());
        assert_eq!(response.extensions().get(), Some(&Outcome::Rejected(why)));
        let text = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
            format!("{name}: {}", value.to_str().expect("text"))
        };
        let mut headers: Vec<_> = response.headers().iter().map(text).collect();
        headers.sort();
        headers
    }

    #[test]
    fn each_refusal_is_answered_as_the_contract_says() {
        for (why, status, said, more) in answers() {
            assert_eq!(why.status().as_u16(), status, "{why:?}");
            let expected = format!(r#"{{"type":{said},"status":{status}}}"#);
            let expected: serde_json::Value = serde_json::from_str(&expected).expect("JSON");
            assert_eq!(document(&why.problem()), expected, "{why:?}");
            let mut expected = vec!["content-type: application/problem+json"];
            expected.extend(more.split(", ").filter(|header| !header.is_empty()));
            expected.sort_unstable();
            assert_eq!(headers(why), expected, "{why:?}");
        }
    }

    #[test]
    fn what_was_shed_together_is_spread_over_five_seconds() {
        let mut seen = std::collections::BTreeSet::new();
        // 500 in a row miss one of the five once in 10^48.
        for _ in 0..500 {
            seen.insert(Rejection::Shed.retry_after());
        }
        assert_eq!(seen, (1..=5).map(Some).collect());
        assert_eq!(Rejection::Shed.status().as_u16(), 503);
        assert_eq!(
            &*Rejection::Shed.problem(),
            br#"{"type":"urn:tower-webhook:shed","status":503}"#
        );
    }
}
