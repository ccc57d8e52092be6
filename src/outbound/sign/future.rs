use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::Request;
use http::request::Parts;
use http_body::Body;
use http_body_util::BodyExt as _;
use http_body_util::combinators::Collect;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::{EventType, Message, MessageId, SignError, SignErrorKind, SignLayer, Signer};
use crate::BoxError;
use crate::outbound::DeliveryBody;

pin_project! {
    /// The response to a request that is collected, signed, and sent.
    pub struct ResponseFuture<S, F, B: Body> {
        #[pin]
        state: State<F, B>,
        // What is needed once, when the body is whole.
        rest: Option<Rest<S>>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F, B: Body> {
        Collecting { #[pin] body: Collect<B> },
        Calling { #[pin] call: F },
    }
}

struct Rest<S> {
    inner: S,
    settings: SignLayer,
    head: Parts,
}

impl<S, F, B: Body> ResponseFuture<S, F, B> {
    pub(super) fn new(inner: S, settings: SignLayer, req: Request<B>) -> Self {
        let (head, body) = req.into_parts();
        let body = body.collect();
        Self {
            state: State::Collecting { body },
            rest: Some(Rest {
                inner,
                settings,
                head,
            }),
        }
    }
}

impl<S, B> Future for ResponseFuture<S, S::Future, B>
where
    S: Service<Request<DeliveryBody>>,
    S::Error: Into<BoxError>,
    B: Body,
    B::Error: Into<BoxError>,
{
    type Output = Result<S::Response, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            match this.state.as_mut().project() {
                StateProj::Collecting { body } => {
                    let body = ready!(body.poll(cx));
                    let body = body.map_err(|err| SignError::body(err.into()))?;
                    let rest = this.rest.take().expect("polled after it was done");
                    let Rest {
                        mut inner,
                        settings,
                        mut head,
                    } = rest;
                    let body = DeliveryBody::from(body.to_bytes());
                    sign(&settings, &mut head, &body)?;
                    let call = inner.call(Request::from_parts(head, body));
                    this.state.set(State::Calling { call });
                }
                StateProj::Calling { call } => return call.poll(cx).map_err(Into::into),
            }
        }
    }
}

/// Signs with the time of now, when the body is whole and goes out.
fn sign(settings: &SignLayer, head: &mut Parts, body: &DeliveryBody) -> Result<(), SignError> {
    let signer = head.extensions.get::<Signer>();
    let signer = signer.unwrap_or(&settings.signer).clone();
    let id = match head.extensions.get::<MessageId>() {
        Some(id) => id.clone(),
        None => match signer.id_in(&head.headers) {
            Some(id) => {
                let id = id.to_str().map_err(|_| SignErrorKind::MessageId)?;
                MessageId::new(id)?
            }
            None => MessageId::unique(),
        },
    };
    let event_type = head.extensions.get::<EventType>();
    let message = Message {
        id: id.as_str(),
        unix_seconds: settings.clock.unix_seconds(),
        event_type: event_type.map(EventType::as_str),
        body: body.bytes(),
    };
    signer.sign(&message, &mut head.headers)?;
    // So that a client below can tell of it.
    head.extensions.insert(id);
    Ok(())
}

impl<S, F, B: Body> fmt::Debug for ResponseFuture<S, F, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
