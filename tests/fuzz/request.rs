//! Requests as text, so that words of a dictionary fall where they mean something.

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, Uri};

/// Most headers that are read.
const MAX_HEADERS: usize = 64;

/// Reads `POST /path`, a header a line, an empty line, the body. What can be no part of a request is left
/// out: no server would pass it on.
pub(crate) fn read(text: &[u8]) -> (Parts, Bytes) {
    let (head, body) = split(text, b"\n\n");
    let mut lines = head.split(|byte| *byte == b'\n');
    let (method, target) = split(lines.next().unwrap_or_default(), b" ");
    let mut request = Request::new(());
    *request.method_mut() = Method::from_bytes(method).unwrap_or(Method::POST);
    *request.uri_mut() = Uri::try_from(target).unwrap_or_default();
    for line in lines.take(MAX_HEADERS) {
        let (name, value) = split(line, b":");
        let value = value.strip_prefix(b" ").unwrap_or(value);
        let name = HeaderName::from_bytes(name);
        let value = HeaderValue::from_bytes(value);
        if let (Ok(name), Ok(value)) = (name, value) {
            request.headers_mut().append(name, value);
        }
    }
    let (head, ()) = request.into_parts();
    (head, Bytes::copy_from_slice(body))
}

/// The text before and after the first `at`; all of it and nothing where there is none.
pub(crate) fn split<'t>(text: &'t [u8], at: &[u8]) -> (&'t [u8], &'t [u8]) {
    let found = text.windows(at.len()).position(|window| window == at);
    found.map_or((text, &[]), |start| {
        (&text[..start], &text[start + at.len()..])
    })
}

/// What a form means by `text`: a plus is a space, `%41` a letter, and anything else what it is.
pub(crate) fn decode(text: &[u8]) -> String {
    let digit = |at: usize| text.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let mut bytes = Vec::new();
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        at += 1;
        match (byte, digit(at), digit(at + 1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push(u8::try_from(high * 16 + low).expect("two digits are a byte"));
                at += 2;
            }
            (b'+', ..) => bytes.push(b' '),
            _ => bytes.push(*byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The text of a request.
pub(crate) fn write(head: &Parts, body: &[u8]) -> Vec<u8> {
    let mut text = format!("{} {}", head.method, head.uri).into_bytes();
    for (name, value) in &head.headers {
        text.extend_from_slice(b"\n");
        text.extend_from_slice(name.as_str().as_bytes());
        text.extend_from_slice(b": ");
        text.extend_from_slice(value.as_bytes());
    }
    text.extend_from_slice(b"\n\n");
    text.extend_from_slice(body);
    text
}
