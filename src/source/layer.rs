use tower_layer::Layer;

use super::{AllowList, ClientAddress, Source};

/// Layer that applies the [`Source`] middleware.
///
/// See the [module docs](crate::source).
#[derive(Clone, Debug)]
#[must_use]
pub struct SourceLayer {
    // None: nobody asked, so everybody may.
    pub(super) list: Option<AllowList>,
    pub(super) client: ClientAddress,
}

impl SourceLayer {
    /// Lets in who is on `list`, by the peer's address.
    pub fn new(list: AllowList) -> Self {
        Self {
            list: Some(list),
            client: ClientAddress::peer(),
        }
    }

    /// Lets in everybody: what the builder has where no list was set.
    pub(crate) fn everybody() -> Self {
        Self {
            list: None,
            client: ClientAddress::peer(),
        }
    }

    /// Sets how the address of a sender is found.
    pub fn with_client(mut self, client: ClientAddress) -> Self {
        self.client = client;
        self
    }
}

impl<S> Layer<S> for SourceLayer {
    type Service = Source<S>;

    fn layer(&self, inner: S) -> Source<S> {
        Source::new(inner, self.clone())
    }
}
