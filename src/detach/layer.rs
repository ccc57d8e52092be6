use std::sync::Arc;

use tower_layer::Layer;

use super::Detach;
use crate::rejection::Rejection;
use crate::sync::{AtomicBool, Ordering, OwnedSemaphorePermit, Semaphore};

/// Layer that applies the [`Detach`] middleware.
///
/// See the [module docs](crate::detach).
#[derive(Clone, Debug)]
#[must_use]
pub struct DetachLayer {
    permits: Arc<Semaphore>,
    max: u32,
    draining: Arc<AtomicBool>,
}

impl DetachLayer {
    /// Runs up to `max` handlers at once, at least one, over all clones of this layer.
    pub fn new(max: u32) -> Self {
        let max = max.max(1);
        Self {
            permits: Arc::new(Semaphore::new(max as usize)),
            max,
            draining: Arc::default(),
        }
    }

    /// Refuses what is new from now on, with 503, and waits until nothing runs.
    pub async fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
        // Closed by no one else, and then nothing runs.
        if let Ok(all) = self.permits.acquire_many(self.max).await {
            // Before they are given back: who looked before that was set comes too late now.
            self.permits.close();
            drop(all);
        }
    }

    pub(super) fn permit(&self) -> Result<OwnedSemaphorePermit, Rejection> {
        if self.draining.load(Ordering::Relaxed) {
            return Err(Rejection::Draining);
        }
        let permit = Arc::clone(&self.permits).try_acquire_owned();
        permit.map_err(|_| match self.draining.load(Ordering::Relaxed) {
            true => Rejection::Draining,
            false => Rejection::Shed,
        })
    }
}

impl<S> Layer<S> for DetachLayer {
    type Service = Detach<S>;

    fn layer(&self, inner: S) -> Detach<S> {
        Detach::new(inner, self.clone())
    }
}
