use http::{HeaderValue, Response, StatusCode};

/// Put into the extensions of a response, says that the handler refuses this delivery for good.
///
/// The answer, a 4xx but never 410, is given to retries too. Without it a 4xx is a failure, and the
/// retry runs.
///
/// # Example
///
/// ```
/// use http::{Response, StatusCode};
/// use tower_webhook::idempotency::Reject;
///
/// let mut response = Response::new(());
/// *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
/// response.extensions_mut().insert(Reject);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reject;

/// Put into the extensions of a response, says that the delivery must come again. A `Retry-After` of
/// the handler is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retry;

/// What the handler's answer means for the claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Success,
    Refusal,
    Failure,
}

/// Judges an answer, and changes a status that no sender may see.
pub(super) fn judge<R>(response: &mut Response<R>) -> Verdict {
    let status = response.status();
    let verdict = if response.extensions().get::<Retry>().is_some() {
        Verdict::Failure
    } else if response.extensions().get::<Reject>().is_some() {
        Verdict::Refusal
    } else if status.is_success() && grpc_status(response).is_none_or(|code| code == "0") {
        Verdict::Success
    } else {
        Verdict::Failure
    };
    // 410 ends the subscription at several senders, and 3xx sends them elsewhere.
    let gone = status == StatusCode::GONE;
    match verdict {
        Verdict::Refusal if gone || !status.is_client_error() => {
            *response.status_mut() = StatusCode::BAD_REQUEST;
        }
        Verdict::Failure if gone || status.is_redirection() || status.is_informational() => {
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        }
        Verdict::Failure if status.is_success() && grpc_status(response).is_none() => {
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        }
        Verdict::Success | Verdict::Refusal | Verdict::Failure => {}
    }
    verdict
}

/// The status of an answer without messages; that of others comes after the body.
fn grpc_status<R>(response: &Response<R>) -> Option<&HeaderValue> {
    response.headers().get("grpc-status")
}
