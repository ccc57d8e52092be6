use ::http::{HeaderMap, HeaderName, HeaderValue};

use super::recipe::Unit;
use super::{AuthError, AuthErrorKind};

/// The one value of `name`.
pub(super) fn one<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<&'h str, AuthError> {
    first(headers, std::slice::from_ref(name))
}

/// The one value of the first of `names` that is there: a header that comes twice is refused, never
/// picked from.
pub(super) fn first<'h>(
    headers: &'h HeaderMap,
    names: &[HeaderName],
) -> Result<&'h str, AuthError> {
    let found = names.iter().find_map(|name| {
        let mut values = headers.get_all(name).iter();
        Some((values.next()?, values.next()))
    });
    let (value, other) = found.ok_or(AuthErrorKind::MissingHeader)?;
    if other.is_some() {
        return Err(AuthErrorKind::DuplicateHeader.into());
    }
    text(value).ok_or_else(|| AuthErrorKind::MalformedHeader.into())
}

/// As `HeaderValue::to_str`, many bytes at once: a value holds no control character but the tab anyhow.
fn text(value: &HeaderValue) -> Option<&str> {
    let text = std::str::from_utf8(value.as_bytes()).ok()?;
    text.is_ascii().then_some(text)
}

/// As [`first`], for a header that may be absent or empty.
pub(super) fn maybe(
    headers: &HeaderMap,
    names: &[HeaderName],
) -> Result<Option<Box<str>>, AuthError> {
    match first(headers, names) {
        Ok("") => Ok(None),
        Ok(text) => Ok(Some(text.into())),
        Err(err) if err.kind() == AuthErrorKind::MissingHeader => Ok(None),
        Err(err) => Err(err),
    }
}

/// Unix seconds of a time written in `unit`.
///
/// Seconds are ten digits without sign, space or leading zero (2001 to 2286), milliseconds thirteen:
/// so that seconds for milliseconds are not a date in 1970, nor the other way round one in 57000.
pub(super) fn seconds(text: &str, unit: Unit) -> Result<i64, AuthError> {
    let digits = |count: usize| {
        let is_number = text.len() == count
            && text.bytes().all(|byte| byte.is_ascii_digit())
            && !text.starts_with('0');
        is_number.then(|| text.parse::<i64>().ok()).flatten()
    };
    let seconds = match unit {
        Unit::Seconds => digits(10),
        Unit::Millis => digits(13).map(|millis| millis / 1000),
        Unit::Rfc3339 => crate::time::rfc3339(text),
    };
    seconds.ok_or_else(|| AuthErrorKind::MalformedTimestamp.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_text_where_http_says_so() {
        for byte in 0..=u8::MAX {
            let around = [b'a', byte, b'b'];
            let Ok(value) = HeaderValue::from_bytes(&around) else {
                continue;
            };
            assert_eq!(text(&value), value.to_str().ok(), "{byte}");
        }
        let umlaut = HeaderValue::from_bytes("ü".as_bytes()).expect("bytes are allowed");
        assert_eq!(text(&umlaut), None);
    }
}
