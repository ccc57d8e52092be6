use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tower_service::Service;

use crate::BoxError;

/// A name that is to be resolved: ASCII, in lower case, no dot at its end, not an address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostName(Arc<str>);

impl HostName {
    pub(super) fn new(text: &str) -> Self {
        Self(text.to_ascii_lowercase().into())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn is_localhost(&self) -> bool {
        self.0.rsplit('.').next() == Some("localhost")
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Asks the system, as every program does: `getaddrinfo` on a thread that may block.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SystemResolver;

type Resolving = Pin<Box<dyn Future<Output = Result<Vec<IpAddr>, BoxError>> + Send>>;

impl Service<HostName> for SystemResolver {
    type Response = Vec<IpAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: HostName) -> Self::Future {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// Any resolver, without its type: a name is resolved once a connection, so a box costs nothing.
#[derive(Clone)]
pub(super) struct Resolver(Arc<dyn Fn(HostName) -> Resolving + Send + Sync>);

impl Resolver {
    pub(super) fn new<R>(resolver: R) -> Self
    where
        R: Service<HostName> + Clone + Send + Sync + 'static,
        R::Response: IntoIterator<Item = IpAddr>,
        R::Error: Into<BoxError>,
        R::Future: Send,
    {
        Self(Arc::new(move |name| {
            let mut resolver = resolver.clone();
            Box::pin(async move {
                poll_fn(|cx| resolver.poll_ready(cx))
                    .await
                    .map_err(Into::into)?;
                let found = resolver.call(name).await.map_err(Into::into)?;
                Ok(found.into_iter().collect())
            })
        }))
    }

    pub(super) fn resolve(&self, name: HostName) -> Resolving {
        (self.0)(name)
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Resolver")
    }
}
