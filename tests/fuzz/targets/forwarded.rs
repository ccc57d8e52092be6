//! The address of a sender behind proxies, whatever it wrote into the header before they did.
//!
//! Input: a byte that says how many proxies there are and how they write, then lines: the host that the
//! sender asked for, and what it sent in the header.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::request::Parts;
use http::{HeaderValue, Request};
use tower_webhook::source::ClientAddress;

/// Who speaks to the outermost proxy.
const SENDER: [&str; 2] = ["203.0.113.9", "2001:db8::9"];

/// The address is the one that the outermost proxy saw, or none.
pub fn forwarded(data: &[u8]) {
    let Some((choice, text)) = data.split_first() else {
        return;
    };
    let mut lines: Vec<_> = text
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect();
    let host = lines.remove(0);
    as_list(usize::from(choice % 4), &lines);
    let proxies = Proxies {
        hops: 1 + usize::from(choice & 3),
        sender: SENDER[usize::from(choice >> 2 & 1)],
        joins: choice & 8 != 0,
        // Without it the text is the sender's alone.
        tells_host: choice & 16 != 0,
    };
    proxies.check("x-forwarded-for", &lines, &host);
    proxies.check("forwarded", &lines, &host);
}

fn head(name: &'static str, lines: &[Vec<u8>]) -> Option<Parts> {
    let mut request = Request::new(());
    for line in lines {
        let value = HeaderValue::from_bytes(line).ok()?;
        request.headers_mut().append(name, value);
    }
    Some(request.into_parts().0)
}

/// `X-Forwarded-For` as one list, read from its end.
fn as_list(hops: usize, lines: &[Vec<u8>]) {
    let name = "x-forwarded-for";
    let (Some(head), true) = (head(name, lines), hops > 0) else {
        return;
    };
    let all = lines.join(&b","[..]);
    // What is no text is no address, wherever it stands.
    let text = String::from_utf8(all).ok().filter(|text| text.is_ascii());
    let entries: Option<Vec<_>> = text.as_ref().map(|text| text.split(',').collect());
    let entry = entries.and_then(|entries| Some(entries[entries.len().checked_sub(hops)?]));
    let expected = entry.and_then(|entry| node(entry.trim_matches([' ', '\t'])));
    let found = ClientAddress::forwarded_for(hops).find(&head);
    assert_eq!(found, expected, "{hops} {:?}", text);
}

/// An address, with a port or without, in brackets or not.
fn node(text: &str) -> Option<IpAddr> {
    let is_port = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits && text.parse::<u128>().is_ok_and(|port| port < 1 << 16)
    };
    let v4 = |text: &str| text.parse::<Ipv4Addr>().ok().map(IpAddr::V4);
    let v6 = |text: &str| {
        text.parse::<Ipv6Addr>()
            .ok()
            .map(|address| address.to_canonical())
    };
    if let Some(rest) = text.strip_prefix('[') {
        let (address, rest) = rest.split_once(']')?;
        return match rest.strip_prefix(':') {
            // A zone, of no meaning to others, is passed over.
            Some(port) if is_port(port) => v6(zoneless(address)?),
            None if rest.is_empty() => v6(address).or_else(|| v4(address)),
            _ => None,
        };
    }
    match text.split_once(':') {
        Some((address, port)) if is_port(port) && v4(address).is_some() => v4(address),
        _ => v4(text).or_else(|| v6(text)),
    }
}

fn zoneless(text: &str) -> Option<&str> {
    match text.split_once('%') {
        Some((address, zone)) => zone.parse::<u32>().ok().map(|_| address),
        None => Some(text),
    }
}

/// Proxies of ours, and how they write.
struct Proxies {
    hops: usize,
    sender: &'static str,
    /// Whether they append to the last line, or add one.
    joins: bool,
    /// Whether they tell which host was asked for.
    tells_host: bool,
}

impl Proxies {
    fn check(&self, name: &'static str, theirs: &[Vec<u8>], host: &[u8]) {
        let is_list = name == "x-forwarded-for";
        let client = match is_list {
            true => ClientAddress::forwarded_for(self.hops),
            false => ClientAddress::forwarded(self.hops),
        };
        let mut lines = theirs.to_vec();
        for hop in 0..self.hops {
            let element = self.element(is_list, hop, host);
            match lines.last_mut().filter(|_| self.joins) {
                Some(last) => last.extend([b", ", &*element].concat()),
                None => lines.push(element),
            }
        }
        // Their server would have refused it.
        let (Some(head), Some(_)) = (head(name, &lines), self::head(name, theirs)) else {
            return;
        };
        let found = client.find(&head);
        let sender = self.sender.parse().ok();
        assert!(found.is_none() || found == sender, "{found:?} {lines:?}");
        // Nobody but the proxies wrote anything, and all of that in ASCII.
        if theirs.iter().all(Vec::is_empty) && !self.joins && host.is_ascii() {
            assert_eq!(found, sender, "{lines:?}");
        }
    }

    /// What a proxy writes of whom it heard.
    fn element(&self, is_list: bool, hop: usize, host: &[u8]) -> Vec<u8> {
        let inner = format!("192.0.2.{hop}");
        let heard = if hop == 0 { self.sender } else { &inner };
        if is_list {
            return heard.into();
        }
        let mut element = match heard.contains(':') {
            true => format!("for=\"[{heard}]:4711\""),
            false => format!("for={heard}"),
        }
        .into_bytes();
        if self.tells_host {
            element.extend_from_slice(b";host=\"");
            for byte in host {
                // RFC 9110, section 5.6.4.
                element.extend_from_slice(if matches!(byte, b'"' | b'\\') {
                    b"\\"
                } else {
                    b""
                });
                element.push(*byte);
            }
            element.extend_from_slice(b"\";proto=https");
        }
        element
    }
}
