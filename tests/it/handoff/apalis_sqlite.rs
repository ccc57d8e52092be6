//! apalis, with its tasks in a file of SQLite.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use apalis_core::error::BoxDynError;
use apalis_core::task::data::Data;
use apalis_core::worker::builder::WorkerBuilder;
use apalis_core::worker::context::WorkerContext;
use apalis_sqlite::{SqlitePool, SqliteStorage};
use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnectOptions;
use tower_webhook::handoff::{ApalisQueue, Enqueued, Handoff, Job, Queue as _};
use tower_webhook::store::{
    Claim, Claimant, Fingerprint, IdempotencyStore as _, MokaStore, Retention, StoredAnswer,
};

use super::{Seen, job, send};
use crate::store::servers::unique;

/// A file, removed in the end.
struct File {
    path: PathBuf,
    pool: SqlitePool,
}

impl File {
    async fn new() -> Self {
        let path = std::env::temp_dir().join(unique("handoff"));
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true)
            .busy_timeout(Duration::from_millis(200));
        let pool = SqlitePool::connect_with(options).await.unwrap();
        SqliteStorage::setup(&pool).await.unwrap();
        Self { path, pool }
    }

    fn queue(&self) -> ApalisQueue<SqliteStorage<Job>> {
        ApalisQueue::new(SqliteStorage::new(&self.pool))
    }

    async fn tasks(&self) -> i64 {
        let count = sqlx::query_scalar("SELECT count(*) FROM Jobs");
        count.fetch_one(&self.pool).await.unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        for end in ["", "-wal", "-shm", "-journal"] {
            let mut path = self.path.clone().into_os_string();
            path.push(end);
            let _ = std::fs::remove_file(path);
        }
    }
}

#[tokio::test]
async fn a_key_pushed_twice_is_one_task_in_a_file() {
    let file = File::new().await;
    let queue = file.queue();
    for key in ["shop:push:1", "shop:push:1", "shop:push:2"] {
        // apalis drops a known key there and does not say so.
        assert_eq!(queue.enqueue(&job(key)).await.unwrap(), Enqueued::New);
    }
    assert_eq!(file.tasks().await, 2);
}

#[tokio::test]
async fn a_file_that_is_locked_gives_503_and_the_next_delivery_enqueues() {
    let file = File::new().await;
    let handoff = Handoff::new(file.queue());
    let store = Arc::new(MokaStore::new());
    let mut lock = file.pool.acquire().await.unwrap();
    let lock = lock.begin_with("BEGIN EXCLUSIVE").await.unwrap();
    assert_eq!(send(&handoff, &store, "a").await, Seen::refused("5"));
    lock.rollback().await.unwrap();
    assert_eq!(send(&handoff, &store, "a").await, Seen::ACCEPTED);
    assert_eq!(file.tasks().await, 1);
}

#[tokio::test]
async fn a_worker_of_apalis_claims_each_task_of_a_file_as_a_job() {
    async fn work(
        job: Job,
        store: Data<Arc<MokaStore>>,
        worker: WorkerContext,
    ) -> Result<(), BoxDynError> {
        let print = Fingerprint::of(&job.payload);
        let lease = Duration::from_secs(30);
        let key = job.work_key();
        let claim = store.claim(&key, Claimant::unique(), &print, lease).await?;
        let Claim::Acquired { fence, .. } = claim else {
            return Err("another worker has it".into());
        };
        let keep = Retention::new(lease, lease);
        let answer = StoredAnswer::new(http::StatusCode::OK, job.accepted_at);
        store.complete(&key, fence, &answer, keep).await?;
        worker.stop()?;
        Ok(())
    }

    let file = File::new().await;
    let (handoff, store) = (Handoff::new(file.queue()), Arc::new(MokaStore::new()));
    // A receiver that forgot enqueues one task of a delivery.
    for receiver in [Arc::clone(&store), Arc::new(MokaStore::new())] {
        assert_eq!(send(&handoff, &receiver, "a").await, Seen::ACCEPTED);
    }
    assert_eq!(file.tasks().await, 1);
    let worker = WorkerBuilder::new("worker")
        .backend(SqliteStorage::<Job>::new(&file.pool))
        .data(Arc::clone(&store))
        .build(work);
    let worked = tokio::time::timeout(Duration::from_secs(60), worker.run());
    worked.await.expect("a task in time").unwrap();
    let payload: Vec<u8> = sqlx::query_scalar("SELECT job FROM Jobs")
        .fetch_one(&file.pool)
        .await
        .unwrap();
    let job = Job::from_json(&payload).unwrap();
    let (key, print) = (job.work_key(), Fingerprint::of(&job.payload));
    let again = store.claim(&key, Claimant::unique(), &print, Duration::from_secs(30));
    assert!(matches!(again.await, Ok(Claim::Done { .. })));
}
