use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::header::{FORWARDED, HeaderName};
use http::request::Parts;
use http::{Extensions, HeaderMap};

/// How the address of a sender is found.
#[derive(Clone)]
#[must_use]
pub struct ClientAddress {
    peer: Arc<Peer>,
    proxies: Option<Proxies>,
}

type Peer = dyn Fn(&Extensions) -> Option<IpAddr> + Send + Sync;

#[derive(Clone, Debug)]
struct Proxies {
    header: HeaderName,
    hops: usize,
}

impl ClientAddress {
    /// The peer of the connection: no proxy stands before us.
    pub fn peer() -> Self {
        Self {
            peer: Arc::new(|extensions| {
                let socket = extensions.get::<SocketAddr>().map(SocketAddr::ip);
                socket.or_else(|| extensions.get::<IpAddr>().copied())
            }),
            proxies: None,
        }
    }

    /// The entry of `X-Forwarded-For` that stands `hops` from the right, for as many proxies of ours.
    pub fn forwarded_for(hops: usize) -> Self {
        Self::behind(HeaderName::from_static("x-forwarded-for"), hops)
    }

    /// The `for` of the element of `Forwarded` (RFC 7239) that stands `hops` from the right.
    pub fn forwarded(hops: usize) -> Self {
        Self::behind(FORWARDED, hops)
    }

    fn behind(header: HeaderName, hops: usize) -> Self {
        let proxies = (hops > 0).then_some(Proxies { header, hops });
        Self {
            proxies,
            ..Self::peer()
        }
    }

    /// Finds the peer by `peer`, where a server puts it elsewhere. For axum:
    /// `|extensions| extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip())`.
    pub fn of_peer(
        mut self,
        peer: impl Fn(&Extensions) -> Option<IpAddr> + Send + Sync + 'static,
    ) -> Self {
        self.peer = Arc::new(peer);
        self
    }

    /// The address of the sender, or `None` where it cannot be told.
    #[must_use]
    pub fn find(&self, head: &Parts) -> Option<IpAddr> {
        let address = match &self.proxies {
            Some(proxies) => proxies.find(&head.headers)?,
            None => (self.peer)(&head.extensions)?,
        };
        Some(address.to_canonical())
    }
}

impl Proxies {
    fn find(&self, headers: &HeaderMap) -> Option<IpAddr> {
        // Lines of one header are one list (RFC 9110, section 5.3); the last entry is the nearest.
        let mut lines = Vec::new();
        for line in headers.get_all(&self.header) {
            lines.push(line.to_str().ok()?);
        }
        let mut entries = lines.iter().rev().flat_map(|line| line.rsplit(','));
        let entry = entries.nth(self.hops - 1)?.trim();
        if self.header == FORWARDED {
            node(parameter(entry)?)
        } else {
            node(entry)
        }
    }
}

/// The value of `for` in one element of `Forwarded`. An element that has it twice has none.
fn parameter(element: &str) -> Option<&str> {
    let mut values = element.split(';').filter_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        name.eq_ignore_ascii_case("for").then_some(value)
    });
    let value = values.next()?;
    if values.next().is_some() {
        return None;
    }
    let quoted = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    Some(quoted.unwrap_or(value))
}

/// An address with or without a port, IPv6 with or without brackets.
fn node(text: &str) -> Option<IpAddr> {
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let address = bare.unwrap_or(text).parse().ok();
    address.or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()))
}

impl Default for ClientAddress {
    fn default() -> Self {
        Self::peer()
    }
}

impl fmt::Debug for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientAddress")
            .field("proxies", &self.proxies)
            .finish_non_exhaustive()
    }
}
