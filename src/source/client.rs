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
        let back = self.hops - 1;
        if self.header == FORWARDED {
            let mut elements = Vec::new();
            for line in lines {
                elements.extend(read(line)?);
            }
            return node(elements.into_iter().nth_back(back)??);
        }
        let mut entries = lines.iter().rev().flat_map(|line| line.rsplit(','));
        node(entries.nth(back)?.trim())
    }
}

/// The values of `for` of the elements of `Forwarded` in one line; an element that has it twice has none.
///
/// A proxy may write in quotes what the sender chose, the host it asked for: commas in there part nothing. So
/// a line is read from its beginning, and one in which a quote opens or ends elsewhere than a value does says
/// nothing at all: the sender would have opened one for the proxy to close.
fn read(line: &str) -> Option<Vec<Option<&str>>> {
    let mut elements = Vec::new();
    let mut found = Vec::new();
    let mut rest = line.trim_start();
    loop {
        // A pair may be missing, a value may not.
        if !rest.is_empty() && !rest.starts_with([',', ';']) {
            let (name, text) = rest.split_once('=')?;
            let is_word = |char: char| !char.is_whitespace() && !",;\"\\".contains(char);
            let (value, after) = match text.strip_prefix('"') {
                Some(text) => {
                    let (value, after) = text.split_at(closing(text)?);
                    (value, after.strip_prefix('"')?)
                }
                None => text.split_at(text.find(|char| !is_word(char)).unwrap_or(text.len())),
            };
            if !name.chars().all(is_word) {
                return None;
            }
            if name.eq_ignore_ascii_case("for") {
                found.push(value);
            }
            rest = after.trim_start();
        }
        let is_end = rest.is_empty();
        if is_end || rest.starts_with(',') {
            let one = (found.len() == 1).then(|| found[0]);
            elements.push(one);
            found.clear();
        }
        if is_end {
            return Some(elements);
        }
        rest = rest.strip_prefix([',', ';'])?.trim_start();
    }
}

/// Where the quote closes that `text` stands behind.
fn closing(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    text.find(|char| {
        let closes = char == '"' && !is_escaped;
        is_escaped = char == '\\' && !is_escaped;
        closes
    })
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
