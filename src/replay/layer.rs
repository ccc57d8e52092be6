use std::sync::Arc;
use std::time::Duration;

use tower_layer::Layer;

use super::ReplayWindow;
use crate::danger::Dangerous;
use crate::time::{Clock, SystemClock};

/// Layer that applies the [`ReplayWindow`] middleware.
///
/// See the [module docs](crate::replay).
#[derive(Clone, Debug)]
#[must_use]
pub struct ReplayWindowLayer {
    pub(super) past: u64,
    // `None`: as the scheme says.
    pub(super) future: Option<u64>,
    pub(super) clock: Arc<dyn Clock>,
}

impl ReplayWindowLayer {
    /// Accepts deliveries of up to `past` in age, in whole seconds, and as far ahead of us as the
    /// scheme allows: 60 s, or what the provider's own SDK tolerates.
    pub fn new(past: Duration) -> Self {
        Self {
            past: past.as_secs(),
            future: None,
            clock: Arc::new(SystemClock),
        }
    }

    /// Sets how far the sender's clock may be ahead, in whole seconds and 300 at most.
    pub fn with_future_skew(mut self, skew: Duration) -> Self {
        self.future = Some(skew.as_secs().min(300));
        self
    }

    /// What may be weakened.
    pub fn dangerous(self) -> Dangerous<Self> {
        Dangerous(self)
    }

    /// Sets the clock.
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }
}

impl Dangerous<ReplayWindowLayer> {
    /// Sets how far the sender's clock may be ahead, in whole seconds and without an upper end. What
    /// is accepted from the future stays replayable for that much longer.
    pub fn with_future_skew(mut self, skew: Duration) -> ReplayWindowLayer {
        self.0.future = Some(skew.as_secs());
        self.0
    }
}

impl<S> Layer<S> for ReplayWindowLayer {
    type Service = ReplayWindow<S>;

    fn layer(&self, inner: S) -> ReplayWindow<S> {
        ReplayWindow::new(inner, self.clone())
    }
}
