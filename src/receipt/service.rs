use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tokio::time::timeout;
use tower_service::Service;

use super::layer::Shared;
use super::line::{BoxFuture, Line, PATIENCE};
use super::{Acknowledged, NewReceipt, Reason, ReceiptEvent, ReceiptId, State};
use crate::body::ResponseBody;
use crate::delivery::DeliveryId;
use crate::outcome::{Incident, Outcome};
use crate::rejection::Rejection;
use crate::store::Fingerprint;
use crate::verify::{Unclaimed, Verified, VerifiedBody};

/// Middleware that issues receipts.
///
/// See the [module docs](crate::receipt).
#[derive(Clone)]
pub struct IssueReceipt<S> {
    inner: S,
    shared: Option<Arc<Shared>>,
}

impl<S> IssueReceipt<S> {
    pub(super) fn new(inner: S, shared: Option<Arc<Shared>>) -> Self {
        Self { inner, shared }
    }
}

impl<S, B, R> Service<Request<B>> for IssueReceipt<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
    B: Verified + Unclaimed + Send + 'static,
    R: Send + 'static,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, R, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut req: Request<B>) -> Self::Future {
        let Some(shared) = self.shared.clone() else {
            let future = self.inner.call(req);
            return ResponseFuture::of(Kind::Bare { future });
        };
        // The service that was polled ready is the one to call; its clone takes its place.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let new = describe(&shared, req.body_mut().verified_mut());
        let future: BoxFuture<'static, _> = Box::pin(async move {
            let line = match timeout(PATIENCE, shared.store.receive(&new)).await {
                Ok(Ok(())) => Some(begin(&shared, new)),
                Ok(Err(_)) | Err(_) if shared.goes_on => None,
                Ok(Err(_)) | Err(_) => return Ok(Rejection::ReceiptUnavailable.response()),
            };
            if let Some(line) = &line {
                req.extensions_mut().insert(line.clone());
            }
            let result = inner.call(req).await;
            if let Some((line, state)) = line.zip(last(&result)) {
                line.end(state).await;
            }
            result.map(|response| response.map(ResponseBody::inner))
        });
        ResponseFuture::of(Kind::Issued { future })
    }
}

fn describe(shared: &Shared, body: &VerifiedBody) -> NewReceipt {
    let delivery = body.delivery();
    let connection = body.profile().connection();
    NewReceipt {
        id: ReceiptId::unique(),
        connection: connection.unwrap_or(&shared.connection).to_string(),
        delivery_id: match &delivery.id {
            DeliveryId::Signed(id) | DeliveryId::Unsigned(id) => Some(id.to_string()),
            DeliveryId::Digest => None,
        },
        event_type: delivery.event_type.as_deref().map(Into::into),
        digest: const_hex::encode(Fingerprint::of(body.as_bytes()).as_bytes()),
        received_at: shared.clock.unix_seconds(),
    }
}

fn begin(shared: &Arc<Shared>, new: NewReceipt) -> Line {
    shared.tell(&ReceiptEvent {
        id: new.id,
        connection: new.connection.clone(),
        key: None,
        from: None,
        to: State::Received,
        at: new.received_at,
    });
    Line::new(Arc::clone(shared), new.id, new.connection)
}

/// The last state of an attempt, or `None` where it is not there yet.
fn last<R, E>(result: &Result<Response<R>, E>) -> Option<State> {
    let Ok(response) = result else {
        return Some(State::Rejected(Reason::HandlerError));
    };
    match response.extensions().get() {
        // The completion is still being tried, and says when it is written.
        Some(Incident::CommitFailed) => None,
        incident => Some(match (State::of(Outcome::of(response)), incident) {
            (State::Acknowledged(_), Some(Incident::LeaseLost)) => {
                State::Acknowledged(Acknowledged::Late)
            }
            (state, _) => state,
        }),
    }
}

pin_project! {
    /// Response future for [`IssueReceipt`].
    pub struct ResponseFuture<F, R, E> {
        #[pin]
        kind: Kind<F, R, E>,
    }
}

pin_project! {
    #[project = KindProj]
    enum Kind<F, R, E> {
        Bare { #[pin] future: F },
        Issued { future: BoxFuture<'static, Result<Response<ResponseBody<R>>, E>> },
    }
}

impl<F, R, E> ResponseFuture<F, R, E> {
    fn of(kind: Kind<F, R, E>) -> Self {
        Self { kind }
    }
}

impl<F, R, E> Future for ResponseFuture<F, R, E>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = Result<Response<ResponseBody<R>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().kind.project() {
            KindProj::Bare { future } => {
                let response = ready!(future.poll(cx));
                Poll::Ready(response.map(|response| response.map(ResponseBody::inner)))
            }
            KindProj::Issued { future } => future.as_mut().poll(cx),
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for IssueReceipt<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssueReceipt")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

impl<F, R, E> fmt::Debug for ResponseFuture<F, R, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
