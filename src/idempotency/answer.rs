use std::pin::Pin;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use http_body::Body;
use http_body_util::BodyExt as _;

use super::verdict::Verdict;
use crate::body::ResponseBody;
use crate::outcome::Outcome;
use crate::store::StoredAnswer;

/// Longest body that is kept with an answer, in bytes.
const MAX_ANSWER: u64 = 1 << 10;

/// A response, and what of it is kept.
pub(super) type Answered<R> = (Response<ResponseBody<R>>, Option<StoredAnswer>);

/// A body that is being gathered, in a box of its own: most answers have none.
pub(super) type Keeping<R> = Pin<Box<dyn Future<Output = Answered<R>> + Send>>;

/// The response, and what of it is kept, at once or when its body is there; nothing is kept when the handler's
/// body breaks off.
pub(super) fn keepable<R>(
    response: Response<R>,
    verdict: Verdict,
    accepted_at: i64,
) -> Result<Answered<R>, Keeping<R>>
where
    R: Body<Data = Bytes> + Send + 'static,
    R::Error: Send,
{
    let body = response.body();
    // A stream is passed on, never gathered: it may not end.
    let is_short = body
        .size_hint()
        .exact()
        .is_some_and(|size| size <= MAX_ANSWER);
    if is_short && !body.is_end_stream() && verdict != Verdict::Failure {
        return Err(Box::pin(gather(response, accepted_at)));
    }
    let mut answer = StoredAnswer::new(response.status(), accepted_at);
    if is_short {
        answer.content_type = response.headers().get(CONTENT_TYPE).cloned();
    }
    Ok((response.map(ResponseBody::inner), Some(answer)))
}

async fn gather<R: Body<Data = Bytes>>(response: Response<R>, accepted_at: i64) -> Answered<R> {
    let answer = StoredAnswer::new(response.status(), accepted_at);
    let (mut head, body) = response.into_parts();
    let Ok(collected) = body.collect().await else {
        head.status = StatusCode::INTERNAL_SERVER_ERROR;
        let nothing = ResponseBody::text(Bytes::new());
        return (Response::from_parts(head, nothing), None);
    };
    let bytes = collected.to_bytes();
    let answer = answer.with_body(bytes.clone(), head.headers.get(CONTENT_TYPE).cloned());
    let body = ResponseBody::text(bytes);
    (Response::from_parts(head, body), Some(answer))
}

/// The recorded answer.
pub(super) fn again<R>(answer: StoredAnswer) -> Response<ResponseBody<R>> {
    let mut response = Response::new(ResponseBody::text(answer.body));
    *response.status_mut() = answer.status;
    let headers = response.headers_mut();
    if let Some(kind) = answer.content_type {
        headers.insert(CONTENT_TYPE, kind);
    }
    headers.insert("webhook-duplicate", HeaderValue::from_static("true"));
    response.extensions_mut().insert(Outcome::Duplicate);
    response
}
