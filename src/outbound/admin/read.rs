//! What a request says.

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName, IF_MATCH};
use http::{HeaderMap, HeaderValue};
use http_body::Body;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::value::MapDeserializer;
use serde::de::{DeserializeOwned, Deserializer, Error};

use super::problem::Problem;
use crate::BoxError;

/// Longest body, in bytes.
const MAX_BYTES: usize = 64 << 10;
/// RFC 5789, section 3.1.
const ACCEPT_PATCH: HeaderName = HeaderName::from_static("accept-patch");

/// The body of a request, if its media type is JSON. One that is empty needs none.
pub(super) async fn body<B>(headers: &HeaderMap, body: B) -> Result<Bytes, Problem>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    let media_type = headers.get(CONTENT_TYPE);
    let is_json = media_type.map(is_json);
    if is_json == Some(false) || headers.contains_key(CONTENT_ENCODING) {
        return Err(media_type_problem());
    }
    if body.size_hint().lower() > MAX_BYTES as u64 {
        return Err(Problem::TOO_LARGE);
    }
    let body = Limited::new(body, MAX_BYTES).collect().await;
    let body = body.map_err(|err| match err.is::<LengthLimitError>() {
        true => Problem::TOO_LARGE,
        false => Problem::ABORTED,
    })?;
    let body = body.to_bytes();
    if is_json.is_none() && !body.is_empty() {
        return Err(media_type_problem());
    }
    Ok(body)
}

fn media_type_problem() -> Problem {
    let json = HeaderValue::from_static("application/json");
    Problem::MEDIA_TYPE.with(ACCEPT_PATCH, Some(json))
}

fn is_json(media_type: &HeaderValue) -> bool {
    let media_type = media_type.to_str().unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

/// Reads a body, which is an object.
pub(super) fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    // A list would be read as the fields in their order.
    if !body.trim_ascii_start().starts_with(b"{") {
        let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok();
        return Err(match is_json {
            true => Problem::INVALID.of("", "must be an object"),
            false => Problem::MALFORMED,
        });
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut reader);
    let value = value.map_err(|err| match err.inner().classify() {
        serde_json::error::Category::Data => {
            let (path, text) = (err.path().to_string(), err.inner().to_string());
            field_problem(Problem::INVALID, &path, &text)
        }
        _ => Problem::MALFORMED,
    })?;
    reader.end().map_err(|_| Problem::MALFORMED)?;
    Ok(value)
}

/// As [`json`], and no body at all is an object without fields.
pub(super) fn json_or_nothing<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    json(if body.is_empty() { b"{}" } else { body })
}

/// Reads the query of a URI.
pub(super) fn query<T: DeserializeOwned>(query: Option<&str>) -> Result<T, Problem> {
    let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let reader = MapDeserializer::<_, serde::de::value::Error>::new(pairs);
    serde_path_to_error::deserialize(reader).map_err(|err| {
        let (path, text) = (err.path().to_string(), err.inner().to_string());
        field_problem(Problem::PARAMETER, &path, &text)
    })
}

/// Names the field. Of what serde says only what it expected is told: the rest repeats what was sent.
fn field_problem(problem: Problem, path: &str, text: &str) -> Problem {
    for (beginning, detail) in [
        ("unknown field `", "is unknown"),
        ("missing field `", "is missing"),
        ("duplicate field `", "is there twice"),
    ] {
        if let Some(rest) = text.strip_prefix(beginning) {
            let name = rest.split('`').next().unwrap_or_default();
            return problem.of(name, detail);
        }
    }
    let text = text.rfind(" at line ").map_or(text, |end| &text[..end]);
    let expected = text.rsplit_once(", expected ").map(|(_, what)| what);
    match expected {
        Some(expected) => problem.of(path, format!("must be {expected}")),
        None => problem.of(path, "cannot be read"),
    }
}

/// A field that may be left out, and that `null` means something for or nothing.
pub(super) fn some<'de, D: Deserializer<'de>, T: serde::Deserialize<'de>>(
    reader: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(reader).map(Some)
}

/// A number of a query.
pub(super) fn number<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<u32>, D::Error> {
    let text: String = serde::Deserialize::deserialize(reader)?;
    let number = text.parse();
    let wrong = |_| D::Error::custom("invalid value, expected a number");
    number.map(Some).map_err(wrong)
}

/// Whether the version of an endpoint is one that the request was made for, and whether it says so (RFC 9110,
/// section 13.1.1).
pub(super) fn is_seen(headers: &HeaderMap, version: i64) -> Option<bool> {
    let mut lines = headers.get_all(IF_MATCH).iter().peekable();
    lines.peek()?;
    let tag = format!("\"{version}\"");
    let mut tags = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(str::trim);
    Some(tags.any(|seen| seen == "*" || seen == tag))
}
