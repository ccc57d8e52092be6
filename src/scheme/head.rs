use ::http::{HeaderMap, HeaderName};

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
    value
        .to_str()
        .map_err(|_| AuthErrorKind::MalformedHeader.into())
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
