//! The part of tokio that is used here, over shuttle's semaphore and tasks.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use shuttle::future::batch_semaphore::{AcquireError, BatchSemaphore, Fairness, TryAcquireError};

#[derive(Debug)]
pub(crate) struct Semaphore(BatchSemaphore);

#[derive(Debug)]
pub(crate) struct SemaphorePermit<'s>(&'s Semaphore, usize);

#[derive(Debug)]
pub(crate) struct OwnedSemaphorePermit(Arc<Semaphore>, usize);

impl Semaphore {
    pub(crate) const MAX_PERMITS: usize = usize::MAX >> 3;

    pub(crate) fn new(permits: usize) -> Self {
        Self(BatchSemaphore::new(permits, Fairness::StrictlyFair))
    }

    pub(crate) async fn acquire_many(
        &self,
        permits: u32,
    ) -> Result<SemaphorePermit<'_>, AcquireError> {
        let permits = permits as usize;
        self.0.acquire(permits).await?;
        Ok(SemaphorePermit(self, permits))
    }

    pub(crate) fn close(&self) {
        self.0.close();
    }

    pub(crate) fn try_acquire_owned(
        self: Arc<Self>,
    ) -> Result<OwnedSemaphorePermit, TryAcquireError> {
        self.try_acquire_many_owned(1)
    }

    pub(crate) fn try_acquire_many_owned(
        self: Arc<Self>,
        permits: u32,
    ) -> Result<OwnedSemaphorePermit, TryAcquireError> {
        let permits = permits as usize;
        self.0.try_acquire(permits)?;
        Ok(OwnedSemaphorePermit(self, permits))
    }
}

impl OwnedSemaphorePermit {
    /// As tokio's: `None` where there are not so many.
    pub(crate) fn split(&mut self, permits: usize) -> Option<Self> {
        self.1 = self.1.checked_sub(permits)?;
        Some(Self(Arc::clone(&self.0), permits))
    }
}

impl Drop for SemaphorePermit<'_> {
    fn drop(&mut self) {
        self.0.0.release(self.1);
    }
}

impl Drop for OwnedSemaphorePermit {
    fn drop(&mut self) {
        self.0.0.release(self.1);
    }
}

/// A task. A panic ends the whole test, so none is ever joined.
#[derive(Debug)]
pub(crate) struct JoinHandle<T>(shuttle::future::JoinHandle<T>);

#[derive(Debug)]
pub(crate) struct JoinError;

pub(crate) fn spawn<T: Send + 'static>(
    task: impl Future<Output = T> + Send + 'static,
) -> JoinHandle<T> {
    JoinHandle(shuttle::future::spawn(task))
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let joined = Pin::new(&mut self.0).poll(cx);
        joined.map_err(|_| JoinError)
    }
}

impl JoinError {
    pub(crate) fn is_panic(&self) -> bool {
        false
    }
}
