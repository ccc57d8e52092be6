use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tokio::time::Instant;
use tower_service::Service;

use super::answer::again;
use super::claim::{Commit, Ticket, claim, key};
use super::hold::{End, work_under};
use super::verdict::Verdict;
use super::work::Work;
use super::{ClaimedBody, IdempotencyLayer};
use crate::body::ResponseBody;
use crate::outcome::{Incident, Outcome};
use crate::receipt::Line;
use crate::rejection::Rejection;
use crate::replay::{Fresh, FreshBody};
use crate::store::{Claim, Fence, Fingerprint, IdempotencyStore, StoredAnswer};
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
        let req = Box::new(req.map(B::into_fresh));
        ResponseFuture {
            future: Box::pin(deliver(layer, inner, req)),
        }
    }
}

// What this gives is allocated for each delivery. Up to 1,032 bytes glibc has at hand for each thread, and what is
// longer costs it a thousand instructions: so the request is in a box, and what is awaited is small.
#[expect(
    clippy::manual_async_fn,
    reason = "an `async fn` keeps its arguments twice"
)]
fn deliver<S, St, R>(
    layer: Arc<IdempotencyLayer<St>>,
    inner: S,
    req: Box<Request<FreshBody>>,
) -> impl Future<Output = Result<Response<ResponseBody<R>>, S::Error>>
where
    S: Service<Request<ClaimedBody>, Response = Response<R>> + Send,
    S::Future: Send,
    St: IdempotencyStore,
    R: Body<Data = Bytes> + Send + 'static,
    R::Error: Send,
{
    async move {
        let mut ticket = match ask(&layer, &req).await {
            Ok(ticket) => ticket,
            Err(answer) => return Ok(answer),
        };
        if let Some(line) = &ticket.line {
            line.dispatched().await;
        }
        // What is matched on has no name, or it would be kept beside all that is awaited later.
        let (verdict, (mut response, answer)) = match sort({
            let begun = Instant::now();
            let work = pin!(Work::new(inner, ticket.grant(*req, &layer.rules), begun));
            // What is given up is dropped before the claim is: it must not go on beside the next run.
            work_under(&mut ticket, begun + layer.rules.deadline, work).await
        }) {
            Ok(done) => done,
            // The record is another's by now, or may be.
            Err(Ok(why @ Rejection::LeaseLost)) => return Ok(why.response()),
            Err(why) => {
                ticket.release().await;
                return why.map(Rejection::response);
            }
        };
        settle(&ticket, verdict, &mut response, answer.as_ref()).await;
        Ok(response)
    }
}

/// What the handler answered, or why it did not: our refusal, or an error of its own.
fn sort<T, E>(end: End<Result<T, E>>) -> Result<T, Result<Rejection, E>> {
    match end {
        End::Done(done) => done.map_err(Err),
        End::Panicked => Err(Ok(Rejection::HandlerPanic)),
        End::TimedOut => Err(Ok(Rejection::HandlerTimeout)),
        End::LeaseLost => Err(Ok(Rejection::LeaseLost)),
    }
}

/// Asks for the claim on a delivery; gives the answer where it is not granted.
async fn ask<St: IdempotencyStore, R>(
    layer: &IdempotencyLayer<St>,
    req: &Request<FreshBody>,
) -> Result<Ticket<St>, Response<ResponseBody<R>>> {
    let (body, rules) = (req.body(), &layer.rules);
    // Where bodies that differ may share a signature, they are one payload: a second spelling is a
    // duplicate, and no conflict.
    let payload = match &body.delivery().content_digest {
        Some(digest) => Fingerprint::of(digest.as_bytes()),
        None => Fingerprint::of(body.as_bytes()),
    };
    let key = key(rules, body, &payload);
    let since = Instant::now();
    let line = req.extensions().get::<Line>();
    if let Some(line) = line {
        line.knows(key.as_str()).await;
    }
    let (store, fence) = match claim(&*layer.store, &key, &payload, rules.lease).await {
        Ok(Claim::Acquired { fence, .. }) => (Some(Arc::clone(&layer.store)), fence),
        Ok(Claim::Done { answer }) if body.is_stale_since(answer.accepted_at) => {
            return Err(Rejection::Stale.response());
        }
        Ok(Claim::Done { answer }) => return Err(again(answer)),
        Ok(Claim::Mismatch) => return Err(Rejection::FingerprintMismatch.response()),
        Ok(Claim::InProgress { retry_after }) => {
            // Rounded up, so that the retry finds the lease ended.
            let seconds = retry_after.as_secs().saturating_add(1).min(30);
            let why = Rejection::InProgress {
                retry_after: u8::try_from(seconds).unwrap_or(30),
                is_conflict: rules.is_conflict,
            };
            return Err(why.response());
        }
        Err(_) if rules.is_open => (None, Fence::LEAST),
        Err(why) => return Err(why.response()),
    };
    // Forgetting early is safe only where a signed time refuses what was forgotten.
    let keep = match body.delivery().timestamp {
        Some(_) => rules.keep.with_safety(body.window()),
        None => rules.keep,
    };
    Ok(Ticket {
        store,
        key,
        fence,
        since,
        lease: rules.lease,
        keep,
        line: line.cloned(),
        background: layer.background.clone(),
    })
}

/// Ends the claim as the handler's answer asks for.
async fn settle<St: IdempotencyStore, R>(
    ticket: &Ticket<St>,
    verdict: Verdict,
    response: &mut Response<R>,
    answer: Option<&StoredAnswer>,
) {
    let outcome = if let Some(answer) = answer.filter(|_| verdict != Verdict::Failure) {
        match ticket.commit(answer, verdict == Verdict::Refusal).await {
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
    } else {
        ticket.release().await;
        Outcome::HandlerError
    };
    // What the status says anyhow needs no place there.
    if Outcome::of(response) != outcome {
        response.extensions_mut().insert(outcome);
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

#[cfg(all(test, feature = "moka"))]
mod tests {
    use std::convert::Infallible;
    use std::future::Ready;

    use http_body_util::Empty;
    use tower::util::ServiceFn;

    use super::*;
    use crate::store::MokaStore;

    type Answer = Response<Empty<Bytes>>;
    type Handler = ServiceFn<fn(Request<ClaimedBody>) -> Ready<Result<Answer, Infallible>>>;

    fn size<A, B, C, F>(_: fn(A, B, C) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn what_is_allocated_for_a_delivery_is_at_hand_in_glibc() {
        let size = size(deliver::<Handler, MokaStore, Empty<Bytes>>);
        let least = size_of::<Request<ClaimedBody>>();
        assert!((least..=1032).contains(&size), "{size} bytes");
    }
}
