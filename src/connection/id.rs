use std::fmt;

use http::request::Parts;

/// The id of a connection: the type of its provider and its own name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ConnectionId {
    kind: Box<str>,
    name: Box<str>,
}

/// Longest part of an id that is looked up, in bytes: more is no id of ours.
const MAX_PART: usize = 128;

impl ConnectionId {
    /// Joins the parts.
    #[must_use]
    pub fn new(kind: impl Into<Box<str>>, name: impl Into<Box<str>>) -> Self {
        Self {
            kind: kind.into(),
            name: name.into(),
        }
    }

    /// The last two segments of the path: `/webhooks/{type}/{name}` under any prefix, for routers strip
    /// prefixes.
    #[must_use]
    pub fn of_path(head: &Parts) -> Option<Self> {
        let mut segments = head.uri.path().rsplit('/');
        let (name, kind) = (segments.next()?, segments.next()?);
        let fits = |part: &str| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            (1..=MAX_PART).contains(&part.len()) && part.bytes().all(plain)
        };
        (fits(kind) && fits(name)).then(|| Self::new(kind, name))
    }

    /// The type of the provider.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The name among connections of its type.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}
