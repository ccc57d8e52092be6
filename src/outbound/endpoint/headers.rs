use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::config::ConfigError;

/// Most headers of an endpoint.
const MOST: usize = 20;
/// Longest value, in bytes.
const MAX_BYTES: usize = 4096;

/// Headers that an endpoint wants with each delivery, such as a token. They are sealed with its secrets.
///
/// Those that say how the request is framed, where it goes or how it is signed cannot be set:
/// `host`, `content-length`, `content-type`, `content-encoding`, `transfer-encoding`, `connection` and its like,
/// `expect`, `cookie`, `forwarded`, `x-forwarded-*`, `proxy-*`, `sec-*`, `webhook-*`, `x-webhook-*`, and all that sign.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EndpointHeaders(Vec<(String, Zeroizing<String>)>);

const DENIED: [&str; 22] = [
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "date",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "keep-alive",
    "origin",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-hub-signature",
    "x-hub-signature-256",
    "x-real-ip",
    "x-signature",
];

const DENIED_BELOW: [&str; 7] = [
    "proxy-",
    "sec-",
    "signature",
    "stripe-",
    "webhook-",
    "x-forwarded-",
    "x-webhook-",
];

impl EndpointHeaders {
    /// Takes names with their values.
    ///
    /// # Errors
    ///
    /// Returns an error that names `headers` when a name or value cannot stand in a header, when a name is one of those
    /// that cannot be set or comes twice, and when there are more than 20 or a value is longer than 4 KiB.
    pub fn new<N, V>(headers: impl IntoIterator<Item = (N, V)>) -> Result<Self, ConfigError>
    where
        N: AsRef<str>,
        V: Into<String>,
    {
        let refuse = |reason| Err(ConfigError::new("headers", reason));
        let mut taken: Vec<(String, Zeroizing<String>)> = Vec::new();
        for (name, value) in headers {
            let value = Zeroizing::new(value.into());
            let Ok(name) = HeaderName::try_from(name.as_ref()) else {
                return refuse("has a name that cannot be one");
            };
            let name = name.as_str();
            if DENIED.contains(&name) || DENIED_BELOW.iter().any(|stem| name.starts_with(stem)) {
                return refuse("has a name that deliveries set themselves");
            }
            if value.len() > MAX_BYTES || HeaderValue::from_str(&value).is_err() {
                return refuse("has a value that cannot stand in a header");
            }
            if taken.iter().any(|(other, _)| other == name) {
                return refuse("has a name twice");
            }
            taken.push((name.to_owned(), value));
        }
        if taken.len() > MOST {
            return refuse("are more than 20");
        }
        Ok(Self(taken))
    }

    /// The names. The values are told to nobody but the endpoint.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// Writes them into a request, their values marked as sensitive.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.0 {
            if let (Ok(name), Ok(mut value)) =
                (HeaderName::try_from(name), HeaderValue::from_str(value))
            {
                value.set_sensitive(true);
                headers.insert(name, value);
            }
        }
    }
}

impl fmt::Debug for EndpointHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.names().map(|name| (name, "redacted"));
        f.debug_map().entries(names).finish()
    }
}
