//! What can be said of a URL before a name is resolved.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::Uri;
use http::uri::{Authority, Scheme};

use super::Egress;
use super::error::{EgressError, EgressErrorKind};
use super::resolver::HostName;

/// Longest URL in bytes. What is longer than this fails in many servers and proxies
/// (RFC 9110, section 4.1, asks for 8000 at least; the receivers of webhooks need far less).
const MAX_URL_BYTES: usize = 2048;

/// Where a URL leads.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) host: Host,
    pub(super) port: u16,
}

#[derive(Clone, Debug)]
pub(super) enum Host {
    Address(IpAddr),
    Name(HostName),
}

pub(super) fn check(egress: &Egress, url: &Uri) -> Result<Target, EgressError> {
    let refused = EgressError::new;
    let (Some(scheme), Some(authority)) = (url.scheme(), url.authority()) else {
        return Err(refused(EgressErrorKind::Url));
    };
    let path = url.path_and_query().map_or("", |path| path.as_str());
    let length = scheme.as_str().len() + "://".len() + authority.as_str().len() + path.len();
    // A user name in a URL is a password in every log.
    if length > MAX_URL_BYTES || authority.as_str().contains('@') {
        return Err(refused(EgressErrorKind::Url));
    }
    let usual = match scheme {
        _ if *scheme == Scheme::HTTPS => 443,
        _ if *scheme == Scheme::HTTP && egress.is_http_allowed() => 80,
        _ => return Err(refused(EgressErrorKind::Scheme)),
    };
    let port = port(authority, usual).filter(|port| egress.is_port_allowed(*port));
    let port = port.ok_or(refused(EgressErrorKind::Port))?;
    let host = host(authority.host()).ok_or(refused(EgressErrorKind::Host))?;
    match &host {
        Host::Address(address) => egress.check_addr(*address)?,
        // RFC 6761, section 6.3: it never means anything else.
        Host::Name(name) if name.is_localhost() => egress.check_addr(Ipv4Addr::LOCALHOST.into())?,
        Host::Name(_) => {}
    }
    Ok(Target { host, port })
}

/// The port, `None` when there is something in its place that is none: `http` would ignore it.
fn port(authority: &Authority, usual: u16) -> Option<u16> {
    match &authority.as_str()[authority.host().len()..] {
        "" => Some(usual),
        text => text.strip_prefix(':')?.parse().ok(),
    }
}

/// An address in its usual form, or a name. Everything that some resolver would take for an address is
/// refused (`2130706433`, `0x7f.1`, `127.1`, `0177.0.0.1`): two readers of it would not agree.
fn host(text: &str) -> Option<Host> {
    if let Some(text) = text.strip_prefix('[') {
        let address: Ipv6Addr = text.strip_suffix(']')?.parse().ok()?;
        return Some(Host::Address(address.into()));
    }
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Some(Host::Address(address.into()));
    }
    let is_label = |label: &str| {
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        (1..=63).contains(&label.len()) && label.bytes().all(is_letter)
    };
    // An empty last label is the dot at the end: another spelling of the same name, which certificates,
    // lists and caches do not know as such.
    if text.len() > 253 || !text.split('.').all(is_label) {
        return None;
    }
    // The rule of the URL standard: a host whose last label is a number is an IPv4 address.
    let last = text.rsplit('.').next()?;
    let is_number = last.bytes().all(|byte| byte.is_ascii_digit())
        || last
            .get(..2)
            .is_some_and(|start| start.eq_ignore_ascii_case("0x"))
            && last.bytes().skip(2).all(|byte| byte.is_ascii_hexdigit());
    (!is_number).then(|| Host::Name(HostName::new(text)))
}
