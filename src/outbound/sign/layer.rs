use std::sync::Arc;

use tower_layer::Layer;

use super::{Sign, Signer};
use crate::time::{Clock, SystemClock};

/// Signs each request that passes.
///
/// See the [module docs](crate::outbound::sign).
#[derive(Clone, Debug)]
#[must_use]
pub struct SignLayer {
    pub(super) signer: Signer,
    pub(super) clock: Arc<dyn Clock>,
}

impl SignLayer {
    /// Signs with `signer`, but for requests with a [`Signer`] in their extensions.
    pub fn new(signer: Signer) -> Self {
        let clock = Arc::new(SystemClock);
        Self { signer, clock }
    }

    /// Sets the clock that tells the time of each attempt.
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }
}

impl<S> Layer<S> for SignLayer {
    type Service = Sign<S>;

    fn layer(&self, inner: S) -> Sign<S> {
        Sign::new(inner, self.clone())
    }
}
