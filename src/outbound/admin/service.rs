use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::CACHE_CONTROL;
use http::{HeaderValue, Method, Request, Response};
use http_body::Body;
use tower_service::Service;

use super::answer::{AdminBody, Answer};
use super::call::Call;
use super::problem::Problem;
use super::{read, routes};
use crate::BoxError;
use crate::outbound::{OutboundStore, Sender, Tenant};

/// Administers a sender over HTTP.
///
/// See the [module docs](super). Where the sender did not do what was asked for, the response has the
/// `Arc<OutboundError>` in its extensions, for the host's log.
#[must_use]
pub struct Admin<S> {
    sender: Sender<S>,
    at: Arc<str>,
    is_single: bool,
    /// The description, once it was asked for.
    document: Arc<OnceLock<Bytes>>,
}

impl<S: OutboundStore> Admin<S> {
    pub(in crate::outbound) fn new(sender: Sender<S>) -> Self {
        Self {
            sender,
            at: "".into(),
            is_single: false,
            document: Arc::default(),
        }
    }

    /// For hosts that leave the path as it is: the service answers below `path`, such as `/webhooks`, and nothing else.
    /// Answers to `POST` then have a `Location`. Not for axum's `nest_service`, which takes the prefix away.
    pub fn at(mut self, path: &str) -> Self {
        self.at = path.trim_end_matches('/').into();
        self.document = Arc::default();
        self
    }

    /// Takes requests without a [`Tenant`] as those of the default tenant: for a host that serves one party only.
    pub fn single_tenant(mut self) -> Self {
        self.is_single = true;
        self
    }

    async fn answer<B>(self, request: Request<B>) -> Response<AdminBody>
    where
        B: Body + Send,
        B::Data: Send,
        B::Error: Into<BoxError>,
    {
        let is_head = request.method() == Method::HEAD;
        let answer = self.handle(request).await;
        let mut response = answer.unwrap_or_else(Problem::response);
        // Secrets are in some answers, and in all what is nobody else's business.
        let no_store = HeaderValue::from_static("no-store");
        response.headers_mut().insert(CACHE_CONTROL, no_store);
        if is_head {
            *response.body_mut() = AdminBody::default();
        }
        response
    }

    async fn handle<B>(&self, request: Request<B>) -> Answer
    where
        B: Body + Send,
        B::Data: Send,
        B::Error: Into<BoxError>,
    {
        let (head, body) = request.into_parts();
        let tenant = self.tenant(head.extensions.get())?;
        let path = head.uri.path().strip_prefix(&*self.at);
        let path = match path {
            Some("") => "/",
            Some(path) => path,
            None => return Err(Problem::NOT_FOUND),
        };
        let (route, parameters) = routes::find(path).ok_or(Problem::NOT_FOUND)?;
        let method = match head.method.as_str() {
            "HEAD" => "GET",
            method => method,
        };
        let action = route.action(method);
        let action = action.ok_or_else(|| Problem::method(&route.allowed()))?;
        let body = match method {
            "POST" | "PATCH" => read::body(&head.headers, body).await?,
            _ => Bytes::new(),
        };
        let call = Call {
            sender: &self.sender,
            tenant,
            at: &self.at,
            document: &self.document,
            parameters,
            head,
            body,
        };
        call.run(action).await
    }

    fn tenant(&self, tenant: Option<&Tenant>) -> Result<Tenant, Problem> {
        match tenant {
            // A name that is empty was forgotten rather than given.
            Some(tenant) if self.is_single || !tenant.as_str().is_empty() => Ok(tenant.clone()),
            None if self.is_single => Ok(Tenant::default()),
            _ => Err(Problem::NO_TENANT),
        }
    }
}

impl<S, B> Service<Request<B>> for Admin<S>
where
    S: OutboundStore,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    type Response = Response<AdminBody>;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> ResponseFuture {
        ResponseFuture(Box::pin(self.clone().answer(request)))
    }
}

impl<S> Clone for Admin<S> {
    fn clone(&self) -> Self {
        Self {
            sender: self.sender.clone(),
            at: Arc::clone(&self.at),
            is_single: self.is_single,
            document: Arc::clone(&self.document),
        }
    }
}

impl<S> fmt::Debug for Admin<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin")
            .field("at", &self.at)
            .field("is_single", &self.is_single)
            .finish_non_exhaustive()
    }
}

/// The future of [`Admin`].
pub struct ResponseFuture(Pin<Box<dyn Future<Output = Response<AdminBody>> + Send>>);

impl Future for ResponseFuture {
    type Output = Result<Response<AdminBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx).map(Ok)
    }
}

impl fmt::Debug for ResponseFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
