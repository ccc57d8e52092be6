use std::fmt;
use std::sync::Arc;

/// Whose events and endpoints they are. Events of one tenant never reach endpoints of another.
///
/// A program that serves one party only never names it: all is of the default tenant, whose name is empty.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tenant(Arc<str>);

impl Tenant {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Tenant {
    fn default() -> Self {
        Self("".into())
    }
}

impl<T: Into<Arc<str>>> From<T> for Tenant {
    fn from(name: T) -> Self {
        Self(name.into())
    }
}

impl fmt::Display for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
