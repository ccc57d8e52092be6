use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::request::Parts;
use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::VerifiedBody;
use crate::BoxError;
use crate::body::ResponseBody;
use crate::limit::RawBody;
use crate::rejection::Rejection;
use crate::scheme::Pass;

/// Room reserved at once for a body; the rest grows with what arrives.
const MAX_RESERVE: usize = 64 << 10;

pin_project! {
    /// Response future for [`Verify`](super::Verify).
    pub struct ResponseFuture<S: Service<Request<VerifiedBody>>, P, B> {
        #[pin]
        state: State<S, S::Future, P, B>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, F, P, B> {
        Read { #[pin] raw: RawBody<B>, first: Bytes, rest: BytesMut, open: Option<(S, P, Parts)> },
        Ready { inner: S, req: Option<Request<VerifiedBody>> },
        Call { #[pin] future: F },
        Rejected { why: Rejection },
    }
}

impl<S: Service<Request<VerifiedBody>>, P, B> ResponseFuture<S, P, B> {
    pub(super) fn new(inner: S, pass: P, head: Parts, raw: RawBody<B>) -> Self {
        let state = State::Read {
            raw,
            first: Bytes::new(),
            rest: BytesMut::new(),
            open: Some((inner, pass, head)),
        };
        Self { state }
    }

    pub(super) fn rejected(why: Rejection) -> Self {
        Self {
            state: State::Rejected { why },
        }
    }
}

impl<S, P, B, R> Future for ResponseFuture<S, P, B>
where
    S: Service<Request<VerifiedBody>, Response = Response<R>>,
    P: Pass,
    B: Body,
    B::Error: Into<BoxError>,
{
    type Output = Result<Response<ResponseBody<R>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                StateProj::Read {
                    mut raw,
                    first,
                    rest,
                    open,
                } => match ready!(raw.as_mut().poll_data(cx)) {
                    Ok(Some(data)) => {
                        let (_, pass, _) = open.as_mut().expect("polled after completion");
                        pass.update(&data);
                        if first.is_empty() {
                            // A body of one frame is passed on as it came.
                            *first = data;
                        } else {
                            if rest.is_empty() {
                                let more = raw.expected().min(MAX_RESERVE);
                                rest.reserve(first.len() + data.len().max(more));
                                rest.extend_from_slice(first);
                            }
                            rest.extend_from_slice(&data);
                        }
                        continue;
                    }
                    Ok(None) => {
                        let (inner, pass, head) = open.take().expect("polled after completion");
                        let bytes = if rest.is_empty() {
                            std::mem::take(first)
                        } else {
                            std::mem::take(rest).freeze()
                        };
                        match pass.finish(&bytes) {
                            Ok(delivery) => {
                                let body = VerifiedBody::seal(bytes, delivery, raw.take_permit());
                                let req = Some(Request::from_parts(head, body));
                                State::Ready { inner, req }
                            }
                            Err(_) => State::Rejected {
                                why: Rejection::Unauthenticated,
                            },
                        }
                    }
                    Err(why) => State::Rejected { why },
                },
                StateProj::Ready { inner, req } => {
                    ready!(inner.poll_ready(cx))?;
                    let req = req.take().expect("polled after completion");
                    State::Call {
                        future: inner.call(req),
                    }
                }
                StateProj::Call { future } => {
                    return future.poll(cx).map_ok(|res| res.map(ResponseBody::inner));
                }
                StateProj::Rejected { why } => return Poll::Ready(Ok(why.response())),
            };
            state.set(next);
        }
    }
}

impl<S: Service<Request<VerifiedBody>>, P, B> std::fmt::Debug for ResponseFuture<S, P, B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
