use std::sync::Arc;
use std::time::Duration;

use tower_layer::Layer;

use super::BodyLimit;
use crate::sync::Semaphore;

/// Layer that applies the [`BodyLimit`] middleware.
///
/// See the [module docs](crate::limit).
#[derive(Clone, Debug)]
#[must_use]
pub struct BodyLimitLayer {
    pub(super) max: u32,
    pub(super) deadline: Duration,
    pub(super) rate: u32,
    pub(super) budget: Arc<Semaphore>,
}

impl BodyLimitLayer {
    /// Accepts bodies of up to `max` bytes, within 10 s, at 8 KiB/s after the first second, with
    /// 64 MiB in flight over all clones of this layer (at least `max`).
    pub fn new(max: u32) -> Self {
        Self {
            max,
            deadline: Duration::from_secs(10),
            rate: 8 << 10,
            budget: Arc::new(Semaphore::new((64 << 20).max(max as usize))),
        }
    }

    /// Sets the time a whole body may take.
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sets the bytes a second that a body must bring after its first second; 0 asks for none.
    pub fn with_min_rate(mut self, rate: u32) -> Self {
        self.rate = rate;
        self
    }

    /// Sets the bytes that may be in flight at once, at least the limit of one body.
    pub fn with_budget(mut self, bytes: usize) -> Self {
        let bytes = bytes.clamp(self.max as usize, Semaphore::MAX_PERMITS);
        self.budget = Arc::new(Semaphore::new(bytes));
        self
    }
}

impl<S> Layer<S> for BodyLimitLayer {
    type Service = BodyLimit<S>;

    fn layer(&self, inner: S) -> BodyLimit<S> {
        BodyLimit::new(inner, self.clone())
    }
}
