use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Response, StatusCode};
use pin_project_lite::pin_project;

use super::Rejection;
use crate::body::ResponseBody;
use crate::outcome::Outcome;

pin_project! {
    /// Response future of the rooms that refuse before they call, or call and pass the answer on.
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        kind: Kind<F>,
    }
}

pin_project! {
    #[project = KindProj]
    #[derive(Debug)]
    enum Kind<F> {
        Inner { #[pin] future: F },
        Rejected { why: Rejection },
        Ignored { status: StatusCode },
    }
}

impl<F> ResponseFuture<F> {
    pub(crate) fn inner(future: F) -> Self {
        Self {
            kind: Kind::Inner { future },
        }
    }

    pub(crate) fn ignored(status: StatusCode) -> Self {
        Self {
            kind: Kind::Ignored { status },
        }
    }

    pub(crate) fn rejected(why: Rejection) -> Self {
        Self {
            kind: Kind::Rejected { why },
        }
    }
}

impl<F, R, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = Result<Response<ResponseBody<R>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match self.project().kind.project() {
            KindProj::Inner { future } => {
                ready!(future.poll(cx)).map(|res| res.map(ResponseBody::inner))
            }
            KindProj::Rejected { why } => Ok(why.response()),
            KindProj::Ignored { status } => {
                let mut response = Response::new(ResponseBody::text(Bytes::new()));
                *response.status_mut() = *status;
                response.extensions_mut().insert(Outcome::Ignored);
                Ok(response)
            }
        })
    }
}
