use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::{Enqueued, Job, Queue, QueueError};

/// A bounded queue in the memory of the process, which loses its jobs with the process.
///
/// Its acknowledgement promises nothing, so 202 is not honest to senders that never retry. It is for jobs
/// that may be lost, and for trying things out.
///
/// # Deployment caveat
///
/// What waits in it, and what a worker has taken out of it, is gone when the process ends. Duplicates of
/// what was enqueued get 202 all the same.
#[derive(Clone, Debug)]
pub struct LossyChannel(Sender<Job>);

impl LossyChannel {
    /// A queue of at most `capacity` jobs, at least one, and its other end. A full one gives 503.
    #[must_use]
    pub fn new(capacity: usize) -> (Self, LossyJobs) {
        let (sender, receiver) = channel(capacity.max(1));
        (Self(sender), LossyJobs(receiver))
    }
}

impl Queue for LossyChannel {
    async fn enqueue(&self, job: &Job) -> Result<Enqueued, QueueError> {
        match self.0.try_send(job.clone()) {
            Ok(()) => Ok(Enqueued::New),
            Err(TrySendError::Full(_)) => Err(QueueError::full()),
            Err(TrySendError::Closed(_)) => {
                Err(QueueError::unavailable("nobody takes jobs any more"))
            }
        }
    }
}

/// The end of a [`LossyChannel`] that jobs come out of.
#[derive(Debug)]
pub struct LossyJobs(Receiver<Job>);

impl LossyJobs {
    /// The next job, in the order of enqueueing. `None` once nobody can enqueue any more.
    pub async fn next(&mut self) -> Option<Job> {
        self.0.recv().await
    }
}
