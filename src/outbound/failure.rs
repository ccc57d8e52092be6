use std::error::Error as StdError;
use std::fmt;
use std::io::{self, ErrorKind};

use h2::Reason;

use super::client::ClientError;
use super::egress::{ConnectError, EgressError};

/// Why an attempt got no answer, from a closed set: no text of a receiver is ever part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Failure {
    /// The egress guard refused the URL or an address behind its name.
    EgressDenied,
    /// The name does not resolve.
    DnsError,
    /// Nobody listens there.
    ConnectionRefused,
    /// No route leads there.
    Unreachable,
    /// The connection did not stand in time, TLS included.
    ConnectTimeout,
    /// TLS failed: certificate, name, protocol.
    TlsError,
    /// The connection stood, and the answer did not come in time.
    Timeout,
    /// The receiver closed the connection before it answered.
    ConnectionReset,
    /// The answer is not HTTP.
    ProtocolError,
    /// The answer began, and its body broke off.
    BodyError,
    /// Something else.
    Other,
}

impl Failure {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::EgressDenied,
        Self::DnsError,
        Self::ConnectionRefused,
        Self::Unreachable,
        Self::ConnectTimeout,
        Self::TlsError,
        Self::Timeout,
        Self::ConnectionReset,
        Self::ProtocolError,
        Self::BodyError,
        Self::Other,
    ];

    /// The code, as it is recorded.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::EgressDenied => "egress_denied",
            Self::DnsError => "dns_error",
            Self::ConnectionRefused => "connection_refused",
            Self::Unreachable => "unreachable",
            Self::ConnectTimeout => "connect_timeout",
            Self::TlsError => "tls_error",
            Self::Timeout => "timeout",
            Self::ConnectionReset => "connection_reset",
            Self::ProtocolError => "protocol_error",
            Self::BodyError => "body_error",
            Self::Other => "other",
        }
    }

    /// Reads a code back. `None` for one that this version does not know.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|failure| failure.code() == code)
    }

    /// What `err`, or the first of its sources that says it, stands for. Knows the errors of this crate,
    /// of hyper, rustls, tokio and the system, so that it serves any client built of them.
    #[must_use]
    pub fn of(err: &(dyn StdError + 'static)) -> Self {
        let mut next = Some(err);
        while let Some(err) = next {
            if let Some(failure) = known(err) {
                return failure;
            }
            next = err.source();
        }
        Self::Other
    }

    pub(super) const fn reason(self) -> &'static str {
        match self {
            Self::EgressDenied => "the egress guard refused",
            Self::DnsError => "the name does not resolve",
            Self::ConnectionRefused => "the connection was refused",
            Self::Unreachable => "the address cannot be reached",
            Self::ConnectTimeout => "the connection did not stand in time",
            Self::TlsError => "TLS failed",
            Self::Timeout => "the answer did not come in time",
            Self::ConnectionReset => "the connection was closed before the answer",
            Self::ProtocolError => "the answer is not HTTP",
            Self::BodyError => "the body of the answer broke off",
            Self::Other => "the request failed",
        }
    }
}

/// What this error says by itself.
fn known(err: &(dyn StdError + 'static)) -> Option<Failure> {
    if let Some(err) = err.downcast_ref::<ClientError>() {
        return Some(err.kind());
    }
    if let Some(err) = err.downcast_ref::<ConnectError>() {
        return Some(err.kind());
    }
    if err.is::<EgressError>() {
        return Some(Failure::EgressDenied);
    }
    if err.is::<rustls::Error>() {
        return Some(Failure::TlsError);
    }
    if err.is::<tokio::time::error::Elapsed>() {
        return Some(Failure::Timeout);
    }
    if let Some(err) = err.downcast_ref::<io::Error>() {
        return of_io(err);
    }
    if let Some(err) = err.downcast_ref::<h2::Error>() {
        return of_h2(err);
    }
    err.downcast_ref::<hyper::Error>().and_then(of_hyper)
}

pub(super) fn of_io(err: &io::Error) -> Option<Failure> {
    // What an `io::Error` was made of is not among its sources.
    if let Some(inner) = err.get_ref() {
        match Failure::of(inner) {
            Failure::Other => {}
            failure => return Some(failure),
        }
    }
    match err.kind() {
        ErrorKind::ConnectionRefused => Some(Failure::ConnectionRefused),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown => {
            Some(Failure::Unreachable)
        }
        ErrorKind::TimedOut => Some(Failure::Timeout),
        ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::NotConnected
        | ErrorKind::UnexpectedEof => Some(Failure::ConnectionReset),
        _ => None,
    }
}

fn of_hyper(err: &hyper::Error) -> Option<Failure> {
    if err.is_timeout() {
        Some(Failure::Timeout)
    } else if err.is_parse() {
        Some(Failure::ProtocolError)
    } else if err.is_incomplete_message() || err.is_closed() || err.is_canceled() {
        Some(Failure::ConnectionReset)
    } else if err.is_user() || err.source().is_some() {
        None // What is below says it better.
    } else {
        Some(Failure::ProtocolError)
    }
}

fn of_h2(err: &h2::Error) -> Option<Failure> {
    if let Some(err) = err.get_io() {
        return of_io(err);
    }
    // A receiver that goes away, or has no room for the stream, has not begun with it.
    let is_unseen = err.is_go_away() && err.reason() == Some(Reason::NO_ERROR)
        || err.is_reset() && err.reason() == Some(Reason::REFUSED_STREAM);
    match err.is_remote() && is_unseen {
        true => Some(Failure::ConnectionReset),
        false => Some(Failure::ProtocolError),
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
