//! The table of jobs as a queue of the crate.

use std::sync::Arc;

use tokio::sync::Notify;
use tower_webhook::handoff::{Enqueued, Job, Queue, QueueError};

use crate::database::{Added, Database};
use crate::envelope::Envelope;

/// Takes pushes into the database. What it acknowledges is on the disk.
#[derive(Clone)]
pub(crate) struct JobTable {
    database: Database,
    /// Workers sleep until something comes.
    bell: Arc<Notify>,
    backlog: u32,
}

impl JobTable {
    pub(crate) fn new(database: Database, bell: Arc<Notify>, backlog: u32) -> Self {
        Self {
            database,
            bell,
            backlog,
        }
    }
}

impl Queue for JobTable {
    async fn enqueue(&self, job: &Job) -> Result<Enqueued, QueueError> {
        let push = Envelope::of_job(job).map_err(QueueError::unavailable)?;
        let added = self.database.add_job(&push, self.backlog).await;
        match added.map_err(QueueError::unavailable)? {
            Added::New => {
                self.bell.notify_one();
                Ok(Enqueued::New)
            }
            Added::Known => Ok(Enqueued::AlreadyThere),
            Added::Full => Err(QueueError::full()),
        }
    }
}
