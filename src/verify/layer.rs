use std::sync::Arc;

use tower_layer::Layer;

use super::Verify;

/// Layer that applies the [`Verify`] middleware.
///
/// See the [module docs](crate::verify).
#[derive(Debug)]
#[must_use]
pub struct VerifyLayer<V> {
    scheme: Arc<V>,
}

impl<V> VerifyLayer<V> {
    /// Asks `scheme` about every delivery.
    pub fn new(scheme: V) -> Self {
        Self {
            scheme: Arc::new(scheme),
        }
    }
}

impl<S, V> Layer<S> for VerifyLayer<V> {
    type Service = Verify<S, V>;

    fn layer(&self, inner: S) -> Verify<S, V> {
        Verify::new(inner, Arc::clone(&self.scheme))
    }
}

// Not derived, because that would require `V: Clone`.
impl<V> Clone for VerifyLayer<V> {
    fn clone(&self) -> Self {
        Self {
            scheme: Arc::clone(&self.scheme),
        }
    }
}
