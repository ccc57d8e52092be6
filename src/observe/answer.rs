use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Response, StatusCode};

use super::layer::Look;
use crate::body::ResponseBody;
use crate::outcome::Outcome;
use crate::rejection::Rejection;

/// Whether the caller speaks gRPC.
pub(super) fn wants_grpc(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    let prefix = kind.and_then(|kind| kind.split_at_checked(b"application/grpc".len()));
    prefix.is_some_and(|(prefix, _)| prefix.eq_ignore_ascii_case(b"application/grpc"))
}

/// Gives a refusal the look that was asked for.
pub(super) fn finish<R>(
    response: Response<ResponseBody<R>>,
    look: Option<&Look>,
    is_grpc: bool,
) -> Response<ResponseBody<R>> {
    let Some(&Outcome::Rejected(why)) = response.extensions().get() else {
        return response;
    };
    if let Some(other) = look.and_then(|look| look(why)) {
        let mut other = other.map(ResponseBody::text);
        other
            .extensions_mut()
            .extend(response.into_parts().0.extensions);
        return other;
    }
    if is_grpc {
        trailers_only(why, response)
    } else {
        response
    }
}

/// The same refusal as a gRPC answer without messages: 200 with the status in a header.
fn trailers_only<R>(
    why: Rejection,
    response: Response<ResponseBody<R>>,
) -> Response<ResponseBody<R>> {
    let (mut head, _) = response.into_parts();
    head.status = StatusCode::OK;
    for (name, value) in [
        ("content-type", "application/grpc"),
        ("grpc-status", grpc_code(why)),
        ("grpc-message", why.label()),
    ] {
        head.headers.insert(name, HeaderValue::from_static(value));
    }
    Response::from_parts(head, ResponseBody::text(Bytes::new()))
}

/// The code of <https://grpc.io/docs/guides/status-codes/> that means the same.
fn grpc_code(why: Rejection) -> &'static str {
    match why.status() {
        StatusCode::FORBIDDEN => "7",              // PERMISSION_DENIED
        StatusCode::UNAUTHORIZED => "16",          // UNAUTHENTICATED
        StatusCode::SERVICE_UNAVAILABLE => "14",   // UNAVAILABLE: may be tried again
        StatusCode::BAD_REQUEST => "3",            // INVALID_ARGUMENT
        StatusCode::CONFLICT => "9",               // FAILED_PRECONDITION
        StatusCode::UNPROCESSABLE_ENTITY => "6",   // ALREADY_EXISTS
        StatusCode::PAYLOAD_TOO_LARGE => "8",      // RESOURCE_EXHAUSTED
        StatusCode::REQUEST_TIMEOUT => "4",        // DEADLINE_EXCEEDED
        StatusCode::INTERNAL_SERVER_ERROR => "13", // INTERNAL
        _ => "12",                                 // UNIMPLEMENTED
    }
}

#[cfg(test)]
mod tests {
    use super::{Rejection, grpc_code};

    #[test]
    fn each_refusal_has_the_code_that_means_the_same() {
        use Rejection as R;
        let in_progress = |is_conflict| R::InProgress {
            retry_after: 1,
            is_conflict,
        };
        let malformed = R::Malformed { line: 1, column: 1 };
        for (code, refusals) in [
            ("3", vec![R::BodyAborted, R::Handshake, malformed]),
            ("4", vec![R::BodyTimeout]),
            ("6", vec![R::FingerprintMismatch]),
            ("7", vec![R::IpDenied]),
            ("8", vec![R::TooLarge]),
            ("9", vec![R::Stale, R::Future, in_progress(true)]),
            ("12", vec![R::Disabled, R::Method, R::Encoding]),
            ("13", vec![R::HandlerPanic]),
            ("14", vec![R::Shed, R::StoreFull, in_progress(false)]),
            ("16", vec![R::Unauthenticated]),
        ] {
            for why in refusals {
                assert_eq!(grpc_code(why), code, "{why:?}");
            }
        }
    }
}
