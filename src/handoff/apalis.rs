use std::error::Error as StdError;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use apalis_core::backend::finalize::Durable;
use apalis_core::backend::{TaskSink, TaskSinkError};
use apalis_core::task::builder::TaskBuilder;
use sqlx::error::DatabaseError;

use super::{Enqueued, Job, Queue, QueueError};

/// Deliveries as tasks of [apalis](https://docs.rs/apalis): a storage of `apalis-postgres`,
/// `apalis-sqlite` or `apalis-redis` whose tasks are [`Job`]s.
///
/// Only durable storages fit; those of apalis in memory do not compile here. The key of a job is the
/// `idempotency_key` of its task: PostgreSQL and SQLite hold at most one task of a key in a queue, as long
/// as the task exists. Redis holds each that is pushed, unless its `Config` has an `idempotency_ttl`: then a key
/// is dropped for that long.
///
/// # Example
///
/// ```no_run
/// use apalis_postgres::{PgPool, PostgresStorage};
/// use tower_webhook::handoff::{ApalisQueue, Handoff, Job};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let pool = PgPool::connect("postgres://localhost/app").await?;
/// PostgresStorage::setup(&pool).await?;
/// let handoff = Handoff::new(ApalisQueue::new(PostgresStorage::<Job>::new(&pool)));
/// # Ok(())
/// # }
/// ```
///
/// # Deployment caveat
///
/// On Redis an acknowledgement is worth what its `appendonly` is.
// It waits behind a lock to be cloned, for storages need not be `Sync`. A clone has a buffer of its own, so
// that a push that fails leaves nothing for the next one.
pub struct ApalisQueue<S>(Mutex<S>);

impl<S> ApalisQueue<S>
where
    S: TaskSink<Job, Durable> + Clone + Send + 'static,
    S::Error: StdError + Send + Sync + 'static,
{
    /// Pushes to `storage`, which has been set up.
    pub fn new(storage: S) -> Self {
        Self(Mutex::new(storage))
    }
}

impl<S> Queue for ApalisQueue<S>
where
    S: TaskSink<Job, Durable> + Clone + Send + 'static,
    S::Error: StdError + Send + Sync + 'static,
{
    async fn enqueue(&self, job: &Job) -> Result<Enqueued, QueueError> {
        let mut storage = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let task = TaskBuilder::new(job.clone())
            .idempotency_key(&job.key)
            .build();
        match storage.push_task(task).await {
            Ok(()) => Ok(Enqueued::New),
            Err(TaskSinkError::PushError(err)) if is_duplicate(&err) => Ok(Enqueued::AlreadyThere),
            Err(err) => Err(QueueError::unavailable(err)),
        }
    }
}

/// Whether a database said that it has the key. The only unique column of ours is that; the ids of tasks
/// are drawn at random.
fn is_duplicate(err: &(dyn StdError + 'static)) -> bool {
    let mut causes = std::iter::successors(Some(err), |cause| (*cause).source());
    causes.any(|cause| {
        // An error that wraps `sqlx::Error` transparently has its cause for a source, not itself.
        let direct = cause.downcast_ref::<sqlx::Error>();
        let direct = direct.and_then(sqlx::Error::as_database_error);
        let boxed = cause.downcast_ref::<Box<dyn DatabaseError>>();
        direct
            .or(boxed.map(|err| &**err))
            .is_some_and(DatabaseError::is_unique_violation)
    })
}

impl<S> fmt::Debug for ApalisQueue<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApalisQueue").finish_non_exhaustive()
    }
}
