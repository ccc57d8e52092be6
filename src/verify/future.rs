use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::header::CONTENT_TYPE;
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
use crate::scheme::{AuthErrorKind, Authenticator, OpenError, Opened, Pass, Shape};

/// Room reserved at once for a body; the rest grows with what arrives.
const MAX_RESERVE: usize = 64 << 10;

pin_project! {
    /// Response future for [`Verify`](super::Verify).
    pub struct ResponseFuture<S, V, B>
    where
        S: Service<Request<VerifiedBody>>,
        V: Authenticator,
    {
        // The inner service and the head wait here for the verdict.
        held: Option<(S, Parts)>,
        #[pin]
        raw: Option<RawBody<B>>,
        #[pin]
        state: State<S, S::Future, V::Opening, V::Pass>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, F, O, P> {
        Open { #[pin] opening: O },
        Read { first: Bytes, rest: BytesMut, opened: Option<Opened<P>> },
        Ready { inner: S, req: Option<Request<VerifiedBody>> },
        Call { #[pin] future: F },
        Rejected { why: Rejection, cause: Option<AuthErrorKind> },
    }
}

impl<S: Service<Request<VerifiedBody>>, V: Authenticator, B> ResponseFuture<S, V, B> {
    pub(super) fn new(inner: S, opening: V::Opening, head: Parts, raw: RawBody<B>) -> Self {
        Self {
            held: Some((inner, head)),
            raw: Some(raw),
            state: State::Open { opening },
        }
    }

    pub(super) fn rejected(why: Rejection) -> Self {
        Self {
            held: None,
            raw: None,
            state: State::Rejected { why, cause: None },
        }
    }
}

impl<S, F, O, P> State<S, F, O, P> {
    fn refuse(err: OpenError) -> Self {
        let (why, cause) = match err {
            OpenError::Auth(err) => (Rejection::Unauthenticated, Some(err.kind())),
            OpenError::Media => (Rejection::Encoding, None),
            OpenError::Unavailable => (Rejection::SecretUnavailable, None),
        };
        Self::Rejected { why, cause }
    }
}

impl<S, V, B, R> Future for ResponseFuture<S, V, B>
where
    S: Service<Request<VerifiedBody>, Response = Response<R>>,
    V: Authenticator,
    B: Body,
    B::Error: Into<BoxError>,
{
    type Output = Result<Response<ResponseBody<R>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let next = match this.state.as_mut().project() {
                StateProj::Open { opening } => match ready!(opening.poll(cx)) {
                    Ok(opened) => State::Read {
                        first: Bytes::new(),
                        rest: BytesMut::new(),
                        opened: Some(opened),
                    },
                    Err(err) => State::refuse(err),
                },
                StateProj::Read {
                    first,
                    rest,
                    opened,
                } => {
                    let mut raw = this
                        .raw
                        .as_mut()
                        .as_pin_mut()
                        .expect("polled after completion");
                    match ready!(raw.as_mut().poll_data(cx)) {
                        Ok(Some(data)) => {
                            let opened = opened.as_mut().expect("taken at the end of the body");
                            opened.pass.update(&data);
                            gather(first, rest, data, raw.expected());
                            continue;
                        }
                        Ok(None) => {
                            let bytes = if rest.is_empty() {
                                std::mem::take(first)
                            } else {
                                std::mem::take(rest).freeze()
                            };
                            let opened = opened.take().expect("taken once");
                            let (inner, mut head) =
                                this.held.take().expect("polled after completion");
                            let media = head.headers.get(CONTENT_TYPE);
                            let shape = opened.profile.accepts(media).unwrap_or(Shape::Opaque);
                            match opened.pass.finish(&bytes) {
                                Ok(delivery) => {
                                    let permit = raw.take_permit();
                                    let profile = opened.profile;
                                    let body =
                                        VerifiedBody::seal(bytes, delivery, profile, shape, permit);
                                    head.extensions.insert(body.clone());
                                    let req = Some(Request::from_parts(head, body));
                                    State::Ready { inner, req }
                                }
                                Err(err) => State::refuse(OpenError::Auth(err)),
                            }
                        }
                        Err(why) => State::Rejected { why, cause: None },
                    }
                }
                StateProj::Ready { inner, req } => {
                    ready!(inner.poll_ready(cx))?;
                    let req = req.take().expect("polled after completion");
                    // The connection's frames are not needed while the handler runs.
                    this.raw.set(None);
                    State::Call {
                        future: inner.call(req),
                    }
                }
                StateProj::Call { future } => {
                    return future.poll(cx).map_ok(|res| res.map(ResponseBody::inner));
                }
                StateProj::Rejected { why, cause } => {
                    let mut response = why.response();
                    if let Some(cause) = cause.take() {
                        response.extensions_mut().insert(cause);
                    }
                    return Poll::Ready(Ok(response));
                }
            };
            this.state.set(next);
        }
    }
}

/// A body of one frame is passed on as it came; the frames of others are joined.
fn gather(first: &mut Bytes, rest: &mut BytesMut, data: Bytes, expected: usize) {
    if first.is_empty() {
        *first = data;
        return;
    }
    if rest.is_empty() {
        rest.reserve(first.len() + data.len().max(expected.min(MAX_RESERVE)));
        rest.extend_from_slice(first);
    }
    rest.extend_from_slice(&data);
}

impl<S, V, B> std::fmt::Debug for ResponseFuture<S, V, B>
where
    S: Service<Request<VerifiedBody>>,
    V: Authenticator,
{
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
