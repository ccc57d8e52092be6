use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tokio::time::Instant;
use tower_service::Service;

use super::ClaimedBody;
use super::answer::{Answered, Keeping, keepable};
use super::verdict::{Verdict, judge};
use crate::report::Reporter;

pin_project! {
    /// What is done under a claim: the handler, when it is ready, and what of its answer is kept.
    ///
    /// By hand, for an `async` block would have room for the request and for what the handler makes of it.
    pub(super) struct Work<S, F, R> {
        reporter: Option<Reporter>,
        begun: Instant,
        accepted_at: i64,
        verdict: Verdict,
        #[pin]
        state: State<S, F, R>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, F, R> {
        Ready { inner: S, req: Option<Request<ClaimedBody>> },
        Call { #[pin] future: F },
        Keep { future: Keeping<R> },
    }
}

impl<S, F, R> Work<S, F, R> {
    /// The work that is begun at this moment.
    pub(super) fn new(inner: S, req: Request<ClaimedBody>, begun: Instant) -> Self {
        Self {
            reporter: req.extensions().get().cloned(),
            begun,
            accepted_at: req.body().grant().accepted_at(),
            verdict: Verdict::Failure,
            state: State::Ready {
                inner,
                req: Some(req),
            },
        }
    }
}

impl<S, R> Future for Work<S, S::Future, R>
where
    S: Service<Request<ClaimedBody>, Response = Response<R>>,
    R: Body<Data = Bytes> + Send + 'static,
    R::Error: Send,
{
    type Output = Result<(Verdict, Answered<R>), S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let next = match this.state.as_mut().project() {
                StateProj::Ready { inner, req } => {
                    ready!(inner.poll_ready(cx))?;
                    let req = req.take().expect("polled after completion");
                    let future = inner.call(req);
                    State::Call { future }
                }
                StateProj::Call { future } => {
                    let mut response = ready!(future.poll(cx))?;
                    if let Some(reporter) = &this.reporter {
                        reporter.handled(this.begun.elapsed());
                    }
                    *this.verdict = judge(&mut response);
                    match keepable(response, *this.verdict, *this.accepted_at) {
                        Ok(answered) => return Poll::Ready(Ok((*this.verdict, answered))),
                        Err(future) => State::Keep { future },
                    }
                }
                StateProj::Keep { future } => {
                    let answered = ready!(future.as_mut().poll(cx));
                    return Poll::Ready(Ok((*this.verdict, answered)));
                }
            };
            this.state.set(next);
        }
    }
}
