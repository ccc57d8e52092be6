//! HTTP Message Signatures over whatever components, read here by hand.
//!
//! Input: a request, with a `signature-input` of one signature and without the signature.

use http::request::Parts;
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Method};
use tower_webhook::scheme::{PinnedKeys, Rfc9421Scheme, VerifyingKey};

use crate::NOW;
use crate::compare::{Verdict, judge};
use crate::request::{read, split};
use crate::run::At;
use crate::sign::{base64, mac, secret, sha256};

/// Most components of a signature.
const MAX_COMPONENTS: usize = 32;

/// What is accepted was signed as we read it; what we read and is complete is accepted; and what is covered
/// cannot be changed afterwards, while the rest can.
pub fn rfc9421(data: &[u8]) {
    let (mut head, body) = read(data);
    // Where the sender says no digest, it says the right one.
    if !head.headers.contains_key("content-digest") {
        put(
            &mut head,
            "content-digest",
            &format!("sha-256=:{}:", base64(&sha256(&body))),
        );
    }
    let Some(text) = one(&head.headers, "signature-input").map(str::to_owned) else {
        return;
    };
    let (label, list) = text.split_once('=').unwrap_or(("sig1", &text));
    let input = Input::read(list);
    let lines = input.as_ref().map(|input| input.lines(&head));
    let lines_read = lines.clone().flatten();
    // What we cannot read is signed as if it covered nothing, and must not be accepted.
    let base = lines_read.clone().unwrap_or_default();
    let mac = mac(&[base.as_bytes(), b"\"@signature-params\": ", list.as_bytes()]);
    put(
        &mut head,
        "signature",
        &format!("{label}=:{}:", base64(&mac)),
    );

    let keys = PinnedKeys::new().with("k", VerifyingKey::hmac_sha256(secret()));
    let strict = Rfc9421Scheme::new(keys).with_clock(At(NOW));
    let none = strict.clone().with_required_components([]);
    let any = none
        .expect("no name is unknown")
        .dangerous()
        .allow_unsigned_body();
    let accepts =
        |head: &Parts, body: &[u8]| matches!(judge(&any, head, body), Verdict::Delivery(_));

    let accepted = accepts(&head, &body);
    let Some((input, _)) = input.as_ref().zip(lines_read) else {
        assert!(!accepted, "we do not read it: {head:?}");
        return;
    };
    // Who is asked for must be known, covered or not.
    let named = match head.uri.authority() {
        Some(_) => true,
        None => one(&head.headers, "host").is_some_and(|host| host.parse::<Authority>().is_ok()),
    };
    let is_whole = is_label(label) && input.is_plain() && is_short(&head) && named;
    let covers = |name: &str| input.names.iter().any(|(covered, _)| covered == name);
    // Only of a digest that is covered anything is said.
    if is_whole && !covers("content-digest") {
        assert!(accepted, "it is complete: {head:?}");
    }
    if !accepted {
        return;
    }
    assert!(input.holds_now(), "{head:?}");
    let usual = ["@method", "@target-uri", "content-digest"];
    let is_usual = usual.iter().all(|name| covers(name));
    let by_default = matches!(judge(&strict, &head, &body), Verdict::Delivery(_));
    assert_eq!(by_default, is_usual, "{head:?}");

    let mut other = head.clone();
    other.method = match other.method {
        Method::POST => Method::PUT,
        _ => Method::POST,
    };
    assert_eq!(accepts(&other, &body), !covers("@method"), "{head:?}");
    let mut other = head.clone();
    put(&mut other, "x-other", "another");
    let same = head.headers.get_all("x-other") == other.headers.get_all("x-other");
    assert_eq!(
        accepts(&other, &body),
        same || !covers("x-other"),
        "{head:?}"
    );
    let longer = [&body[..], b" "].concat();
    assert_eq!(
        accepts(&head, &longer),
        !covers("content-digest"),
        "{head:?}"
    );
}

fn put(head: &mut Parts, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        head.headers.insert(name, value);
    }
}

/// The one value of a header.
fn one<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

fn is_label(text: &str) -> bool {
    let mut bytes = text.bytes();
    let first = bytes.next().is_some_and(|byte| byte.is_ascii_lowercase());
    first && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

fn is_short(head: &Parts) -> bool {
    head.headers["signature-input"].len() < 2_048 && head.headers["signature"].len() < 2_048
}

/// A list of components in its canonical form.
struct Input<'t> {
    /// The components, each with the name of the parameter that it means.
    names: Vec<(String, Option<String>)>,
    params: &'t str,
}

impl<'t> Input<'t> {
    /// `("a" "b";name="c")…`
    fn read(text: &'t str) -> Option<Self> {
        let mut rest = text.strip_prefix('(')?;
        let mut names = Vec::new();
        while !rest.starts_with(')') {
            if !names.is_empty() {
                rest = rest.strip_prefix(' ')?;
            }
            let (name, after) = quoted(rest)?;
            rest = after;
            let mut param = None;
            if let Some(after) = rest.strip_prefix(";name=") {
                let (value, after) = quoted(after)?;
                (param, rest) = (Some(value), after);
            }
            names.push((name, param));
        }
        let params = rest.strip_prefix(')')?;
        let distinct = names
            .iter()
            .enumerate()
            .all(|(at, name)| !names[..at].contains(name));
        (distinct && names.len() <= MAX_COMPONENTS).then_some(Self { names, params })
    }

    /// Whether nothing is said beside when it was made and by which key.
    fn is_plain(&self) -> bool {
        let created = self.params.strip_prefix(";created=");
        let created = created.and_then(|text| text.strip_suffix(";keyid=\"k\""));
        created.is_some_and(|text| {
            let digits = text.bytes().all(|byte| byte.is_ascii_digit());
            digits && !text.starts_with('0') && (1..=15).contains(&text.len())
        })
    }

    /// Whether the parameters say when it was made, and no end that has passed.
    fn holds_now(&self) -> bool {
        if self.params.contains('\\') {
            return true; // a quote in quotes
        }
        let number = |name: &str| {
            // What stands in quotes is text.
            let mut texts = self.params.split('"').step_by(2);
            let digits = texts.find_map(|text| Some(text.split_once(name)?.1))?;
            digits.split(';').next()?.parse::<i64>().ok()
        };
        let is_over = |end: i64| end < NOW;
        number(";created=").is_some_and(|time| time > 0)
            && !number(";expires=").is_some_and(is_over)
    }

    /// The lines of the base that are the components'.
    fn lines(&self, head: &Parts) -> Option<String> {
        let line = |(name, param): &(String, Option<String>)| {
            let value = value(head, name, param.as_deref())?;
            Some(match param {
                Some(param) => format!("\"{name}\";name={}: {value}\n", quote(param)),
                None => format!("\"{name}\": {value}\n"),
            })
        };
        self.names.iter().map(line).collect()
    }
}

/// The text between quotes, and what comes after them.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut read = String::new();
    let mut chars = text.strip_prefix('"')?.chars();
    loop {
        match chars.next()? {
            '"' => return Some((read, chars.as_str())),
            '\\' => match chars.next()? {
                escaped @ ('"' | '\\') => read.push(escaped),
                _ => return None,
            },
            char @ ' '..='~' => read.push(char),
            _ => return None,
        }
    }
}

fn quote(text: &str) -> String {
    let escape = |char: char| match char {
        '"' | '\\' => format!("\\{char}"),
        other => other.to_string(),
    };
    format!("\"{}\"", text.chars().map(escape).collect::<String>())
}

/// The value of a component (RFC 9421, sections 2.1 and 2.2).
fn value(head: &Parts, name: &str, param: Option<&str>) -> Option<String> {
    if name == "@query-param" {
        return query_param(head.uri.query().unwrap_or_default(), param?);
    }
    if param.is_some() {
        return None;
    }
    let path = if head.uri.path().is_empty() {
        "/"
    } else {
        head.uri.path()
    };
    let target = match head.uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.into(),
    };
    let authority = || {
        let authority = match head.uri.authority() {
            Some(authority) => authority.as_str(),
            None => one(&head.headers, "host")?,
        };
        let authority = authority.to_ascii_lowercase();
        Some(
            authority
                .strip_suffix(":443")
                .map(str::to_owned)
                .unwrap_or(authority),
        )
    };
    Some(match name {
        "@method" => head.method.to_string(),
        "@scheme" => "https".into(),
        "@authority" => authority()?,
        "@path" => path.into(),
        "@query" => format!("?{}", head.uri.query().unwrap_or_default()),
        "@request-target" => target,
        "@target-uri" => format!("https://{}{target}", authority()?),
        name if name.bytes().any(|byte| byte.is_ascii_uppercase()) => return None,
        name => {
            let lines = head
                .headers
                .get_all(http::HeaderName::from_bytes(name.as_bytes()).ok()?);
            let lines = lines.iter().map(|line| {
                line.to_str()
                    .ok()
                    .map(|line| line.trim_matches([' ', '\t']))
            });
            let lines: Vec<_> = lines.collect::<Option<_>>()?;
            (!lines.is_empty()).then(|| lines.join(", "))?
        }
    })
}

/// The value of the parameter that has this name once both are encoded anew.
fn query_param(query: &str, name: &str) -> Option<String> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| split(pair.as_bytes(), b"="));
    let mut named = pairs.filter(|(key, _)| encode(key) == name);
    let (_, value) = named.next()?;
    named.next().is_none().then(|| encode(value))
}

/// Decodes a form's text and encodes it again, a space as `%20`.
fn encode(text: &[u8]) -> String {
    let mut encoded = String::new();
    for byte in crate::request::decode(text).bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'*' | b'-' | b'.' | b'_' => {
                encoded.push(char::from(byte));
            }
            other => encoded += &format!("%{other:02X}"),
        }
    }
    encoded
}
