use tower_layer::Layer;

use super::{Egress, Guard};

/// Layer that applies the [`Guard`] middleware.
///
/// See the [module docs](crate::outbound::egress).
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct EgressLayer(Egress);

impl EgressLayer {
    /// Refuses what `egress` refuses.
    pub fn new(egress: Egress) -> Self {
        Self(egress)
    }
}

impl<S> Layer<S> for EgressLayer {
    type Service = Guard<S>;

    fn layer(&self, inner: S) -> Guard<S> {
        Guard::new(inner, self.0.clone())
    }
}
