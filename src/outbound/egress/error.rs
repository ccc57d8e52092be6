use std::error::Error as StdError;
use std::fmt;
use std::net::IpAddr;

/// Why the guard refused. Its text names no address and no part of the URL: it may be shown to whoever
/// registered the endpoint, who must not learn from it what stands inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EgressError {
    kind: EgressErrorKind,
    address: Option<IpAddr>,
}

/// The category of an [`EgressError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EgressErrorKind {
    /// The URL has no scheme and host, is too long, or carries a user name.
    Url,
    /// The scheme is none that is allowed.
    Scheme,
    /// The host is neither a name nor an address in its usual form.
    Host,
    /// The port is none that is allowed.
    Port,
    /// The address is none that is allowed: not public, or denied.
    Address,
    /// The address is one where a cloud hands out credentials.
    Metadata,
}

impl EgressError {
    pub(super) const fn new(kind: EgressErrorKind) -> Self {
        Self {
            kind,
            address: None,
        }
    }

    pub(super) const fn at(kind: EgressErrorKind, address: IpAddr) -> Self {
        Self {
            kind,
            address: Some(address),
        }
    }

    /// The category of refusal.
    #[must_use]
    pub fn kind(&self) -> EgressErrorKind {
        self.kind
    }

    /// The address that was refused, for the operator's log.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        self.address
    }
}

impl fmt::Display for EgressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            EgressErrorKind::Url => "the URL is malformed, too long, or carries a user name",
            EgressErrorKind::Scheme => "the scheme of the URL is not allowed",
            EgressErrorKind::Host => "the host of the URL is neither a name nor a plain address",
            EgressErrorKind::Port => "the port of the URL is not allowed",
            // One text for both, so that nobody can tell a cloud from an office.
            EgressErrorKind::Address | EgressErrorKind::Metadata => "the address is not allowed",
        })
    }
}

impl StdError for EgressError {}
