use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response};
use http_body::Body;
use http_body_util::BodyExt as _;
use tokio::time::Instant;
use tower_service::Service;

use super::claim::{Commit, Ticket, claim, key};
use super::hold::{End, work_under};
use super::verdict::{Verdict, judge};
use super::{ClaimedBody, Grant, IdempotencyLayer};
use crate::body::ResponseBody;
use crate::outcome::{Incident, Outcome};
use crate::receipt::Line;
use crate::rejection::Rejection;
use crate::replay::{Fresh, FreshBody};
use crate::report::Reporter;
use crate::store::{Claim, Fingerprint, IdempotencyStore, Retention, StoredAnswer};
use crate::verify::Verified as _;

/// Longest body that is kept with an answer, in bytes.
const MAX_ANSWER: u64 = 1 << 10;

/// Middleware that runs each delivery once.
///
/// See the [module docs](crate::idempotency).
#[derive(Debug)]
pub struct Idempotency<S, St> {
    inner: S,
    layer: IdempotencyLayer<St>,
}

impl<S, St> Idempotency<S, St> {
    pub(super) fn new(inner: S, layer: IdempotencyLayer<St>) -> Self {
        Self { inner, layer }
    }
}

impl<S, St, B, R> Service<Request<B>> for Idempotency<S, St>
where
    S: Service<Request<ClaimedBody>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send + 'static,
    St: IdempotencyStore,
    B: Fresh,
    R: Body<Data = Bytes> + Send + 'static,
    R::Error: Send,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<R, S::Error>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        // The inner service is polled under the claim: duplicates hold none of its permits.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, req: Request<B>) -> Self::Future {
        let (layer, inner) = (self.layer.clone(), self.inner.clone());
        let req = req.map(B::into_fresh);
        ResponseFuture {
            future: Box::pin(deliver(layer, inner, req)),
        }
    }
}

async fn deliver<S, St, R>(
    layer: IdempotencyLayer<St>,
    inner: S,
    req: Request<FreshBody>,
) -> Result<Response<ResponseBody<R>>, S::Error>
where
    S: Service<Request<ClaimedBody>, Response = Response<R>> + Send,
    S::Future: Send,
    St: IdempotencyStore,
    R: Body<Data = Bytes>,
{
    let body = req.body();
    // Where bodies that differ may share a signature, they are one payload: a second spelling is a
    // duplicate, and no conflict.
    let payload = match &body.delivery().content_digest {
        Some(digest) => Fingerprint::of(digest.as_bytes()),
        None => Fingerprint::of(body.as_bytes()),
    };
    let key = key(&layer.rules, body, &payload);
    let (since, lease) = (Instant::now(), layer.rules.lease);
    let line = req.extensions().get::<Line>().cloned();
    if let Some(line) = &line {
        line.knows(key.as_str()).await;
    }
    let fence = match claim(&*layer.store, &key, &payload, lease).await {
        Ok(Claim::Acquired { fence, .. }) => fence,
        Ok(Claim::Done { answer }) if body.is_stale_since(answer.accepted_at) => {
            return Ok(Rejection::Stale.response());
        }
        Ok(Claim::Done { answer }) => return Ok(again(answer)),
        Ok(Claim::Mismatch) => return Ok(Rejection::FingerprintMismatch.response()),
        Ok(Claim::InProgress { retry_after }) => {
            // Rounded up, so that the retry finds the lease ended.
            let seconds = retry_after.as_secs().saturating_add(1).min(30);
            let retry_after = u8::try_from(seconds).unwrap_or(30);
            let is_conflict = layer.rules.is_conflict;
            let why = Rejection::InProgress {
                retry_after,
                is_conflict,
            };
            return Ok(why.response());
        }
        Err(_) if layer.rules.is_open => {
            let ticket = Ticket::unremembered(key, since, lease, line);
            let rules = layer.rules;
            return run(ticket, rules.deadline, rules.keep, inner, req).await;
        }
        Err(why) => return Ok(why.response()),
    };
    let ticket = Ticket {
        store: layer.store,
        key,
        fence,
        since,
        lease,
        line,
        background: layer.background,
    };
    let rules = layer.rules;
    // Forgetting early is safe only where a signed time refuses what was forgotten.
    let keep = match body.delivery().timestamp {
        Some(_) => rules.keep.with_safety(body.window()),
        None => rules.keep,
    };
    run(ticket, rules.deadline, keep, inner, req).await
}

async fn run<S, St, R>(
    mut ticket: Ticket<St>,
    deadline: std::time::Duration,
    keep: Retention,
    mut inner: S,
    mut req: Request<FreshBody>,
) -> Result<Response<ResponseBody<R>>, S::Error>
where
    S: Service<Request<ClaimedBody>, Response = Response<R>> + Send,
    S::Future: Send,
    St: IdempotencyStore,
    R: Body<Data = Bytes>,
{
    if let Some(line) = &ticket.line {
        line.dispatched().await;
    }
    let reporter = req.extensions().get::<Reporter>().cloned();
    let accepted_at = req.body().unix_seconds();
    let grant = Grant::new(ticket.key.clone(), ticket.fence, keep, accepted_at);
    req.extensions_mut().insert(ticket.fence);
    req.extensions_mut().insert(grant.clone());
    let req = req.map(|body| ClaimedBody::seal(body, grant));
    let work = async move {
        poll_fn(|cx| inner.poll_ready(cx)).await?;
        let begun = Instant::now();
        let mut response = inner.call(req).await?;
        if let Some(reporter) = reporter {
            reporter.handled(begun.elapsed());
        }
        let verdict = judge(&mut response);
        Ok((verdict, keepable(response, verdict, accepted_at).await))
    };
    let (verdict, answered) = match work_under(&mut ticket, deadline, work).await {
        End::Done(Ok(done)) => done,
        End::Done(Err(err)) => {
            ticket.release().await;
            return Err(err);
        }
        End::Panicked => {
            ticket.release().await;
            return Ok(Rejection::HandlerPanic.response());
        }
        End::TimedOut => {
            ticket.release().await;
            return Ok(Rejection::HandlerTimeout.response());
        }
        // The record is another's by now, or may be.
        End::LeaseLost => return Ok(Rejection::LeaseLost.response()),
    };
    let (mut response, answer) = answered;
    let outcome = match (verdict, answer) {
        (Verdict::Failure, _) | (_, None) => {
            ticket.release().await;
            Outcome::HandlerError
        }
        (verdict, Some(answer)) => {
            match ticket
                .commit(answer, keep, verdict == Verdict::Refusal)
                .await
            {
                Commit::Written => None,
                Commit::Lost => response.extensions_mut().insert(Incident::LeaseLost),
                Commit::Failed => response.extensions_mut().insert(Incident::CommitFailed),
            };
            let is_ignored = response.extensions().get() == Some(&Outcome::Ignored);
            match verdict {
                Verdict::Success if is_ignored => Outcome::Ignored,
                Verdict::Success => Outcome::Acknowledged,
                Verdict::Refusal | Verdict::Failure => Outcome::HandlerRejected,
            }
        }
    };
    response.extensions_mut().insert(outcome);
    Ok(response)
}

/// The response, and what of it is kept; nothing when the handler's body breaks off.
async fn keepable<R: Body<Data = Bytes>>(
    response: Response<R>,
    verdict: Verdict,
    accepted_at: i64,
) -> (Response<ResponseBody<R>>, Option<StoredAnswer>) {
    let answer = StoredAnswer::new(response.status(), accepted_at);
    // A stream is passed on, never gathered: it may not end.
    let short = response
        .body()
        .size_hint()
        .exact()
        .is_some_and(|size| size <= MAX_ANSWER);
    if verdict == Verdict::Failure || !short {
        return (response.map(ResponseBody::inner), Some(answer));
    }
    let (mut head, body) = response.into_parts();
    let Ok(collected) = body.collect().await else {
        head.status = http::StatusCode::INTERNAL_SERVER_ERROR;
        return (
            Response::from_parts(head, ResponseBody::text(Bytes::new())),
            None,
        );
    };
    let bytes = collected.to_bytes();
    let answer = answer.with_body(bytes.clone(), head.headers.get(CONTENT_TYPE).cloned());
    (
        Response::from_parts(head, ResponseBody::text(bytes)),
        Some(answer),
    )
}

/// The recorded answer.
fn again<R>(answer: StoredAnswer) -> Response<ResponseBody<R>> {
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

// Not derived, because that would require `St: Clone`.
impl<S: Clone, St> Clone for Idempotency<S, St> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            layer: self.layer.clone(),
        }
    }
}

/// Response future for [`Idempotency`].
pub struct ResponseFuture<R, E> {
    // One allocation a delivery, after its signature matched.
    future: BoxFuture<Result<Response<ResponseBody<R>>, E>>,
}

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

impl<R, E> Future for ResponseFuture<R, E> {
    type Output = Result<Response<ResponseBody<R>>, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.future.as_mut().poll(cx)
    }
}

impl<R, E> std::fmt::Debug for ResponseFuture<R, E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
