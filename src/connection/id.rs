use std::fmt;
use std::sync::Arc;

use http::request::Parts;

/// The id of a connection: the type of its provider and its own name. Clones share it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ConnectionId {
    /// `type/name`.
    text: Arc<str>,
    kind_len: usize,
}

/// Longest part of an id that is looked up, in bytes: more is no id of ours.
const MAX_PART: usize = 128;

impl ConnectionId {
    /// Joins the parts.
    #[must_use]
    pub fn new(kind: impl AsRef<str>, name: impl AsRef<str>) -> Self {
        let (kind, name) = (kind.as_ref(), name.as_ref());
        Self {
            text: format!("{kind}/{name}").into(),
            kind_len: kind.len(),
        }
    }

    /// The last two segments of the path: `/webhooks/{type}/{name}` under any prefix, for routers strip
    /// prefixes.
    #[must_use]
    pub fn of_path(head: &Parts) -> Option<Self> {
        let path = head.uri.path();
        let mut segments = path.rsplit('/');
        let (name, kind) = (segments.next()?, segments.next()?);
        let fits = |part: &str| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            (1..=MAX_PART).contains(&part.len()) && part.bytes().all(plain)
        };
        if !fits(kind) || !fits(name) {
            return None;
        }
        let start = path.len() - name.len() - 1 - kind.len();
        Some(Self {
            text: path[start..].into(),
            kind_len: kind.len(),
        })
    }

    /// The type of the provider.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.text[..self.kind_len]
    }

    /// The name among connections of its type.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.text[self.kind_len + 1..]
    }
}

impl fmt::Debug for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionId")
            .field("kind", &self.kind())
            .field("name", &self.name())
            .finish()
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
