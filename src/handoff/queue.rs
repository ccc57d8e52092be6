use super::{Job, QueueError};

/// A queue that keeps what it acknowledges.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a queue of deliveries",
    label = "this must implement `Queue`",
    note = "use `JetStreamQueue`, `ApalisQueue` or `LossyChannel`, or implement `enqueue`"
)]
pub trait Queue: Send + Sync + 'static {
    /// Gives `job` to the queue, and returns once the queue has it for good. Called again with the same
    /// [`Job::key`], as retries of senders do, it should keep one of them.
    ///
    /// The future is dropped when it takes longer than [`Handoff::with_timeout`](super::Handoff::with_timeout)
    /// allows. The job may be in the queue then.
    ///
    /// # Errors
    ///
    /// Returns an error when the queue did not say that it has the job.
    fn enqueue(&self, job: &Job) -> impl Future<Output = Result<Enqueued, QueueError>> + Send;
}

impl<Q: Queue> Queue for std::sync::Arc<Q> {
    fn enqueue(&self, job: &Job) -> impl Future<Output = Result<Enqueued, QueueError>> + Send {
        (**self).enqueue(job)
    }
}

/// What a queue says to a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enqueued {
    /// It is in the queue now. Of a key that was there before, too, where the queue does not tell.
    New,
    /// A job of this key is there, or was; this one is dropped.
    AlreadyThere,
}
