use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use tower_service::Service;

use super::dial::{ConnectError, dial};
use super::resolver::{HostName, Resolver, SystemResolver};
use super::stream::EgressStream;
use super::{Egress, url};
use crate::BoxError;

/// Connector for hyper-util's client that dials allowed addresses only.
///
/// See the [module docs](crate::outbound::egress).
#[derive(Clone, Debug)]
#[must_use]
pub struct EgressConnector {
    egress: Egress,
    resolver: Resolver,
    timeout: Duration,
}

impl EgressConnector {
    /// Asks the resolver of the system, and gives up after 5 s.
    pub fn new(egress: Egress) -> Self {
        Self {
            egress,
            resolver: Resolver::new(SystemResolver),
            timeout: Duration::from_secs(5),
        }
    }

    /// Asks another resolver: one that does not hold a thread a name, or one of a test.
    pub fn with_resolver<R>(mut self, resolver: R) -> Self
    where
        R: Service<HostName> + Clone + Send + Sync + 'static,
        R::Response: IntoIterator<Item = IpAddr>,
        R::Error: Into<BoxError>,
        R::Future: Send,
    {
        self.resolver = Resolver::new(resolver);
        self
    }

    /// Sets the time in which the name must be resolved and one of its addresses must have answered: a day
    /// at most. The first 8 addresses share it.
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout.min(Duration::from_secs(86_400));
        self
    }
}

impl Service<Uri> for EgressConnector {
    type Response = EgressStream;
    type Error = ConnectError;
    type Future = ConnectFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, url: Uri) -> ConnectFuture {
        let Self {
            egress,
            resolver,
            timeout,
        } = self.clone();
        ConnectFuture(Box::pin(async move {
            let target = url::check(&egress, &url)?;
            let stream = dial(egress, resolver, target, timeout).await?;
            Ok(EgressStream::new(stream))
        }))
    }
}

/// Response future for [`EgressConnector`].
pub struct ConnectFuture(Pin<Box<dyn Future<Output = Result<EgressStream, ConnectError>> + Send>>);

impl Future for ConnectFuture {
    type Output = Result<EgressStream, ConnectError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl fmt::Debug for ConnectFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConnectFuture")
    }
}
