use ::http::{HeaderMap, HeaderName};

use super::{AuthError, AuthErrorKind};

/// The one value of `name`: a header that comes twice is refused, never picked from.
pub(super) fn one<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<&'h str, AuthError> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().ok_or(AuthErrorKind::MissingHeader)?;
    if values.next().is_some() {
        return Err(AuthErrorKind::DuplicateHeader.into());
    }
    value
        .to_str()
        .map_err(|_| AuthErrorKind::MalformedHeader.into())
}

/// As [`one`], for a header that may be absent or empty.
pub(super) fn maybe(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Box<str>>, AuthError> {
    match one(headers, name) {
        Ok("") => Ok(None),
        Ok(text) => Ok(Some(text.into())),
        Err(err) if err.kind() == AuthErrorKind::MissingHeader => Ok(None),
        Err(err) => Err(err),
    }
}

/// Unix seconds, written as ten digits without sign, space or leading zero (2001 to 2286).
pub(super) fn seconds(text: &str) -> Result<i64, AuthError> {
    let digits = text.len() == 10
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && !text.starts_with('0');
    text.parse()
        .ok()
        .filter(|_| digits)
        .ok_or_else(|| AuthErrorKind::MalformedTimestamp.into())
}
