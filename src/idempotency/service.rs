use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tokio::time::Instant;
use tower_service::Service;

use super::answer::{Answered, again, keepable};
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
use crate::store::{Claim, Fence, Fingerprint, IdempotencyStore};
use crate::verify::Verified as _;

/// Middleware that runs each delivery once.
///
/// See the [module docs](crate::idempotency).
#[derive(Debug)]
pub struct Idempotency<S, St> {
    inner: S,
    layer: Arc<IdempotencyLayer<St>>,
}

impl<S, St> Idempotency<S, St> {
    pub(super) fn new(inner: S, layer: IdempotencyLayer<St>) -> Self {
        let layer = Arc::new(layer);
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
        let (layer, inner) = (Arc::clone(&self.layer), self.inner.clone());
        let req = req.map(B::into_fresh);
        ResponseFuture {
            future: Box::pin(deliver(layer, inner, req)),
        }
    }
}

// What this gives is allocated for each delivery, and an `async fn` would be half as long again.
#[expect(
    clippy::manual_async_fn,
    reason = "an `async fn` keeps its arguments twice"
)]
fn deliver<S, St, R>(
    layer: Arc<IdempotencyLayer<St>>,
    inner: S,
    mut req: Request<FreshBody>,
) -> impl Future<Output = Result<Response<ResponseBody<R>>, S::Error>>
where
    S: Service<Request<ClaimedBody>, Response = Response<R>> + Send,
    S::Future: Send,
    St: IdempotencyStore,
    R: Body<Data = Bytes>,
{
    async move {
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
        let (store, fence) = match claim(&*layer.store, &key, &payload, lease).await {
            Ok(Claim::Acquired { fence, .. }) => (Some(Arc::clone(&layer.store)), fence),
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
            Err(_) if layer.rules.is_open => (None, Fence::LEAST),
            Err(why) => return Ok(why.response()),
        };
        // Forgetting early is safe only where a signed time refuses what was forgotten.
        let keep = match body.delivery().timestamp {
            Some(_) => layer.rules.keep.with_safety(body.window()),
            None => layer.rules.keep,
        };
        let mut ticket = Ticket {
            store,
            key,
            fence,
            since,
            lease,
            line,
            background: layer.background.clone(),
        };
        if let Some(line) = &ticket.line {
            line.dispatched().await;
        }
        let reporter = req.extensions().get::<Reporter>().cloned();
        let accepted_at = req.body().unix_seconds();
        let connection = req.body().profile().connection();
        let connection = Arc::clone(connection.unwrap_or(&layer.rules.connection));
        let grant = Grant::new(
            ticket.key.clone(),
            connection,
            ticket.fence,
            keep,
            accepted_at,
        );
        req.extensions_mut().insert(ticket.fence);
        req.extensions_mut().insert(grant.clone());
        let req = req.map(|body| ClaimedBody::seal(body, grant));
        let end = {
            let work = pin!(work(inner, req, reporter, accepted_at));
            // What is given up is dropped before the claim is: it must not go on beside the next run.
            work_under(&mut ticket, layer.rules.deadline, work).await
        };
        let (verdict, (mut response, answer)) = match end {
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
}

/// What is done under the claim.
#[expect(
    clippy::manual_async_fn,
    reason = "an `async fn` keeps its arguments twice"
)]
fn work<S, R>(
    mut inner: S,
    req: Request<ClaimedBody>,
    reporter: Option<Reporter>,
    accepted_at: i64,
) -> impl Future<Output = Result<(Verdict, Answered<R>), S::Error>>
where
    S: Service<Request<ClaimedBody>, Response = Response<R>>,
    R: Body<Data = Bytes>,
{
    async move {
        poll_fn(|cx| inner.poll_ready(cx)).await?;
        let begun = Instant::now();
        let mut response = inner.call(req).await?;
        if let Some(reporter) = reporter {
            reporter.handled(begun.elapsed());
        }
        let verdict = judge(&mut response);
        Ok((verdict, keepable(response, verdict, accepted_at).await))
    }
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
