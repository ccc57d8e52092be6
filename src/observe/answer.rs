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
