use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use tower_layer::Layer;

use super::Observe;
use crate::rejection::Rejection;
use crate::report::Observer;

/// How a refusal looks, or `None` for the usual look.
pub(super) type Look = Arc<dyn Fn(Rejection) -> Option<Response<Bytes>> + Send + Sync>;

/// Layer that applies the [`Observe`] middleware.
///
/// See the [module docs](crate::observe).
#[derive(Clone)]
#[must_use]
pub struct ObserveLayer {
    pub(super) observer: Arc<dyn Observer>,
    pub(super) look: Option<Look>,
    pub(super) is_enabled: bool,
}

impl ObserveLayer {
    /// Tells `observer` how requests end.
    pub fn new(observer: impl Observer) -> Self {
        Self {
            observer: Arc::new(observer),
            look: None,
            is_enabled: true,
        }
    }

    /// Replaces how refusals look, where `look` gives an answer. The outcome stays what it is.
    pub fn with_answers(
        mut self,
        look: impl Fn(Rejection) -> Option<Response<Bytes>> + Send + Sync + 'static,
    ) -> Self {
        self.look = Some(Arc::new(look));
        self
    }

    /// Switches the whole receiver off: 404 to everybody.
    pub fn with_enabled(mut self, is_enabled: bool) -> Self {
        self.is_enabled = is_enabled;
        self
    }
}

impl<S> Layer<S> for ObserveLayer {
    type Service = Observe<S>;

    fn layer(&self, inner: S) -> Observe<S> {
        Observe::new(inner, self.clone())
    }
}

impl fmt::Debug for ObserveLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObserveLayer")
            .field("is_enabled", &self.is_enabled)
            .finish_non_exhaustive()
    }
}
