use std::net::IpAddr;
use std::time::Duration;

use http::HeaderValue;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tower_service::Service;

use super::HttpClient;
use super::connector::TlsConnector;
use super::roots::Roots;
use crate::BoxError;
use crate::config::ConfigError;
use crate::outbound::egress::{Egress, EgressConnector, HostName};

/// Most bytes of the head of an answer.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// Most bytes that a receiver may send before somebody reads them: as much as is read of an answer.
const STREAM_WINDOW_BYTES: u32 = 64 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 1024 * 1024;

/// A connection of HTTP/2 that was silent this long is asked whether it lives, and given up when it does
/// not say so in as much again: behind it all requests would time out, and the pool would not know why.
const PING_AFTER: Duration = Duration::from_secs(5);

/// Settings of a [`HttpClient`].
#[derive(Clone, Debug)]
#[must_use]
pub struct HttpClientBuilder {
    egress: Egress,
    connector: EgressConnector,
    connect_timeout: Duration,
    idle_timeout: Duration,
    max_idle: usize,
    user_agent: HeaderValue,
    is_title_case: bool,
    roots: Roots,
}

impl HttpClientBuilder {
    pub(super) fn new(egress: Egress) -> Self {
        Self {
            connector: EgressConnector::new(egress.clone()),
            egress,
            connect_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(30),
            max_idle: 16,
            user_agent: HeaderValue::from_static(concat!(
                "tower-webhook/",
                env!("CARGO_PKG_VERSION")
            )),
            is_title_case: false,
            roots: Roots::default(),
        }
    }

    /// Asks another resolver than that of the system, as
    /// [`EgressConnector::with_resolver`] does.
    pub fn with_resolver<R>(mut self, resolver: R) -> Self
    where
        R: Service<HostName> + Clone + Send + Sync + 'static,
        R::Response: IntoIterator<Item = IpAddr>,
        R::Error: Into<BoxError>,
        R::Future: Send,
    {
        self.connector = self.connector.with_resolver(resolver);
        self
    }

    /// Sets the time in which a connection must stand, with the name resolved and TLS agreed. Default: 5 s.
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets how long a connection without a request is kept. Default: 30 s.
    pub fn with_idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// Sets how many connections without a request are kept a host. Default: 16.
    pub fn with_max_idle_per_host(mut self, connections: usize) -> Self {
        self.max_idle = connections;
        self
    }

    /// Sets the `User-Agent` of requests that have none. Default: `tower-webhook/` and the version.
    pub fn with_user_agent(mut self, user_agent: HeaderValue) -> Self {
        self.user_agent = user_agent;
        self
    }

    /// Writes header names `Like-This` over HTTP/1.1, for receivers that read them no other way.
    pub fn with_title_case_headers(mut self) -> Self {
        self.is_title_case = true;
        self
    }

    /// Believes these root certificates (PEM, one or more) beside those of the system.
    ///
    /// # Errors
    ///
    /// Returns an error that names `root_certificate` when `pem` holds none.
    pub fn with_root_certificate_pem(mut self, pem: impl AsRef<[u8]>) -> Result<Self, ConfigError> {
        self.roots.add_pem(pem.as_ref())?;
        Ok(self)
    }

    /// Believes only the root certificates that are given, not those of the system.
    pub fn without_system_roots(mut self) -> Self {
        self.roots.forget_system();
        self
    }

    /// Builds the client. Reads the root certificates of the system, from disk.
    ///
    /// # Errors
    ///
    /// Returns an error that names `root_certificate` when there is none, or a given one is malformed.
    pub fn build(self) -> Result<HttpClient, ConfigError> {
        let tls = self.roots.config()?;
        let connector = TlsConnector::new(self.connector, tls, self.connect_timeout);
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(self.idle_timeout)
            .pool_max_idle_per_host(self.max_idle)
            .retry_canceled_requests(true)
            .http1_max_buf_size(MAX_HEAD_BYTES)
            .http1_title_case_headers(self.is_title_case)
            .http2_initial_stream_window_size(STREAM_WINDOW_BYTES)
            .http2_initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .http2_keep_alive_interval(PING_AFTER)
            .http2_keep_alive_timeout(PING_AFTER)
            .build(connector);
        Ok(HttpClient::from_parts(client, self.egress, self.user_agent))
    }
}
