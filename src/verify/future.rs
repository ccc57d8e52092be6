use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::VerifiedBody;
use crate::BoxError;
use crate::body::ResponseBody;
use crate::limit::RawBody;
use crate::outcome::Outcome;
use crate::rejection::Rejection;
use crate::report::Reporter;
use crate::scheme::{
    AuthErrorKind, Authenticator, Claims, Handshake, OpenError, Opened, Pass, Profile, Shape,
};

/// Room reserved at once for a body; the rest grows with what arrives.
const MAX_RESERVE: usize = 64 << 10;

pin_project! {
    /// Response future for [`Verify`](super::Verify).
    pub struct ResponseFuture<S, V, B>
    where
        S: Service<Request<VerifiedBody>>,
        V: Authenticator,
    {
        // The inner service and the head wait here for the verdict, and until the service is ready.
        held: Option<(S, Parts)>,
        #[pin]
        raw: Option<RawBody<B>>,
        // Known once the body is verified.
        profile: Option<Arc<Profile>>,
        #[pin]
        state: State<S::Future, V::Opening, V::Pass>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F, O, P> {
        Open { #[pin] opening: O },
        Read { first: Bytes, rest: BytesMut, pass: Option<P>, profile: Arc<Profile> },
        Ready { body: Option<VerifiedBody> },
        Call { #[pin] future: F },
        Handshake { answer: Handshake },
        Rejected { why: Rejection, cause: Option<AuthErrorKind> },
    }
}

impl<S: Service<Request<VerifiedBody>>, V: Authenticator, B> ResponseFuture<S, V, B> {
    pub(super) fn new(inner: S, opening: V::Opening, head: Parts, raw: RawBody<B>) -> Self {
        Self {
            held: Some((inner, head)),
            raw: Some(raw),
            profile: None,
            state: State::Open { opening },
        }
    }

    pub(super) fn rejected(why: Rejection) -> Self {
        Self {
            held: None,
            raw: None,
            profile: None,
            state: State::Rejected { why, cause: None },
        }
    }
}

impl<F, O, P> State<F, O, P> {
    fn refuse(err: OpenError) -> Self {
        let (why, cause) = match err {
            // Neither yes nor no: the key is on its way, and the sender comes again.
            OpenError::Auth(err) if err.kind() == AuthErrorKind::KeyUnavailable => {
                (Rejection::SecretUnavailable, None)
            }
            OpenError::Auth(err) => (Rejection::Unauthenticated, Some(err.kind())),
            OpenError::Media => (Rejection::Encoding, None),
            OpenError::Method => (Rejection::Method, None),
            OpenError::Denied => (Rejection::IpDenied, None),
            OpenError::Malformed => (Rejection::Handshake, None),
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
                    Ok(Opened::Pass { pass, profile }) => State::Read {
                        first: Bytes::new(),
                        rest: BytesMut::new(),
                        pass: Some(pass),
                        profile,
                    },
                    Ok(Opened::Handshake(answer)) => State::Handshake { answer },
                    Err(err) => State::refuse(err),
                },
                StateProj::Read {
                    first,
                    rest,
                    pass,
                    profile,
                } => {
                    let mut raw = this
                        .raw
                        .as_mut()
                        .as_pin_mut()
                        .expect("polled after completion");
                    match ready!(raw.as_mut().poll_data(cx)) {
                        Ok(Some(data)) => {
                            let pass = pass.as_mut().expect("taken at the end of the body");
                            pass.update(&data);
                            gather(first, rest, data, raw.expected());
                            continue;
                        }
                        Ok(None) => {
                            let bytes = if rest.is_empty() {
                                std::mem::take(first)
                            } else {
                                std::mem::take(rest).freeze()
                            };
                            let pass = pass.take().expect("taken once");
                            match pass.finish(&bytes) {
                                Ok(Claims::Delivery(delivery)) => {
                                    let (_, head) =
                                        this.held.as_mut().expect("polled after completion");
                                    let media = head.headers.get(CONTENT_TYPE);
                                    let shape = profile.accepts(media).unwrap_or(Shape::Opaque);
                                    let permit = raw.take_permit();
                                    if let Some(reporter) = head.extensions.get::<Reporter>() {
                                        reporter.verified(&delivery, profile, bytes.len());
                                    }
                                    *this.profile = Some(Arc::clone(profile));
                                    let profile = Arc::clone(profile);
                                    let body =
                                        VerifiedBody::seal(bytes, delivery, profile, shape, permit);
                                    head.extensions.insert(body.clone());
                                    State::Ready { body: Some(body) }
                                }
                                Ok(Claims::Handshake(answer)) => State::Handshake { answer },
                                Err(err) => State::refuse(OpenError::Auth(err)),
                            }
                        }
                        Err(why) => State::Rejected { why, cause: None },
                    }
                }
                StateProj::Ready { body } => {
                    let (inner, _) = this.held.as_mut().expect("polled after completion");
                    ready!(inner.poll_ready(cx))?;
                    let body = body.take().expect("polled after completion");
                    let (mut inner, head) = this.held.take().expect("it was there just now");
                    let req = Request::from_parts(head, body);
                    // The connection's frames are not needed while the handler runs.
                    this.raw.set(None);
                    State::Call {
                        future: inner.call(req),
                    }
                }
                StateProj::Call { future } => {
                    let response = ready!(future.poll(cx))?;
                    let profile = this.profile.as_deref();
                    return Poll::Ready(Ok(thank(response, profile)));
                }
                StateProj::Handshake { answer } => {
                    return Poll::Ready(Ok(shake(answer)));
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

/// Gives a success the look that its sender wants.
fn thank<R>(response: Response<R>, profile: Option<&Profile>) -> Response<ResponseBody<R>> {
    let profile = profile.filter(|_| response.status().is_success());
    let Some(profile) = profile else {
        return response.map(ResponseBody::inner);
    };
    let mut response = match profile.thanks() {
        Some(thanks) => response.map(|_| ResponseBody::text(Bytes::from_static(thanks.as_bytes()))),
        None => response.map(ResponseBody::inner),
    };
    // 204 has no body, so thanks in words make it a 200.
    let said = profile.thanks().map(|_| StatusCode::OK);
    if let Some(status) = profile.success().or(said) {
        *response.status_mut() = status;
    }
    response
}

/// The answer to a provider that asked whether we are there.
fn shake<R>(answer: &mut Handshake) -> Response<ResponseBody<R>> {
    let mut response = Response::new(ResponseBody::text(std::mem::take(&mut answer.body)));
    *response.status_mut() = answer.status;
    *response.headers_mut() = std::mem::take(&mut answer.headers);
    response.extensions_mut().insert(Outcome::Handshake);
    response
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
