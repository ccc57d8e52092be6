use tower_layer::Layer;

use super::OpenEnvelope;

/// Layer that applies the [`OpenEnvelope`] middleware.
///
/// See the [module docs](crate::envelope).
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
pub struct OpenEnvelopeLayer(());

impl OpenEnvelopeLayer {
    /// Checks payloads by what the scheme says of them.
    pub fn new() -> Self {
        Self::default()
    }
}

impl<S> Layer<S> for OpenEnvelopeLayer {
    type Service = OpenEnvelope<S>;

    fn layer(&self, inner: S) -> OpenEnvelope<S> {
        OpenEnvelope::new(inner)
    }
}
