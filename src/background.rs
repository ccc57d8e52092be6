//! Work that goes on after its delivery was answered, and that a shutdown waits for.

use std::sync::Arc;

use crate::sync::{Semaphore, spawn};

/// Tasks in the background. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Background(Arc<Semaphore>);

/// More tasks than fit into the memory of a machine.
const MOST: u32 = 1 << 24;

impl Background {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(MOST as usize)))
    }

    /// Runs `work` in a task of its own.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        // Without a permit it runs all the same, only that nobody waits for it.
        let permit = Arc::clone(&self.0).try_acquire_owned();
        spawn(async move {
            work.await;
            drop(permit);
        });
    }

    /// Waits until nothing runs.
    pub(crate) async fn idle(&self) {
        // The semaphore is never closed, so this ends when the last task does.
        let all = self.0.acquire_many(MOST).await;
        drop(all);
    }
}
