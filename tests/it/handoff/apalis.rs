//! apalis, with its tasks in PostgreSQL.

use std::sync::Arc;
use std::time::Duration;

use apalis_core::error::BoxDynError;
use apalis_core::task::data::Data;
use apalis_core::worker::builder::WorkerBuilder;
use apalis_core::worker::context::WorkerContext;
use apalis_postgres::{PgPool, PostgresStorage};
use sqlx::{AssertSqlSafe, Row as _};
use tower_webhook::handoff::{ApalisQueue, Enqueued, Handoff, Job, Queue, QueueErrorKind};
use tower_webhook::store::{
    Claim, Claimant, Fingerprint, IdempotencyStore as _, MokaStore, Retention, StoredAnswer,
};

use super::{Seen, job, send};
use crate::store::servers::{postgres, unique};

/// A database of the test's own: apalis has one schema, of a fixed name.
pub(super) struct Database {
    admin: PgPool,
    name: String,
    pub(super) url: String,
    pub(super) pool: PgPool,
}

impl Database {
    pub(super) async fn new() -> Option<Self> {
        let server = postgres()?;
        let name = unique("handoff");
        let admin = PgPool::connect(&server).await.unwrap();
        let create = format!("CREATE DATABASE {name}");
        sqlx::query(AssertSqlSafe(create))
            .execute(&admin)
            .await
            .unwrap();
        let (base, _) = server.rsplit_once('/').unwrap();
        let url = format!("{base}/{name}");
        let pool = PgPool::connect(&url).await.unwrap();
        PostgresStorage::setup(&pool).await.unwrap();
        Some(Self {
            admin,
            name,
            url,
            pool,
        })
    }

    /// The jobs in the order of their keys.
    pub(super) async fn jobs(&self) -> Vec<Job> {
        let rows = sqlx::query("SELECT job FROM apalis.jobs ORDER BY idempotency_key");
        let rows = rows.fetch_all(&self.pool).await.unwrap();
        let read = |row: &sqlx::postgres::PgRow| Job::from_json(row.get::<&[u8], _>(0)).unwrap();
        rows.iter().map(read).collect()
    }

    pub(super) async fn delete(self) {
        self.pool.close().await;
        let drop = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        sqlx::query(AssertSqlSafe(drop))
            .execute(&self.admin)
            .await
            .unwrap();
    }
}

pub(super) fn queue(pool: &PgPool) -> ApalisQueue<PostgresStorage<Job>> {
    ApalisQueue::new(PostgresStorage::new(pool))
}

#[tokio::test]
async fn a_key_pushed_twice_is_one_task() {
    let Some(database) = Database::new().await else {
        return;
    };
    let queue = queue(&database.pool);
    for (key, enqueued) in [
        ("shop:push:1", Enqueued::New),
        ("shop:push:1", Enqueued::AlreadyThere),
        ("shop:push:2", Enqueued::New),
    ] {
        assert_eq!(queue.enqueue(&job(key)).await.unwrap(), enqueued);
    }
    let jobs = database.jobs().await;
    assert_eq!(jobs, ["shop:push:1", "shop:push:2"].map(job));
    database.delete().await;
}

#[tokio::test]
async fn a_receiver_that_forgot_enqueues_one_task_of_a_delivery() {
    let Some(database) = Database::new().await else {
        return;
    };
    let handoff = Handoff::new(queue(&database.pool));
    for _ in 0..2 {
        let seen = send(&handoff, &Arc::new(MokaStore::new()), "a").await;
        assert_eq!(seen, Seen::ACCEPTED);
    }
    assert_eq!(database.jobs().await.len(), 1);
    database.delete().await;
}

#[tokio::test]
async fn a_database_that_does_not_take_gives_503_and_the_next_delivery_enqueues() {
    let Some(database) = Database::new().await else {
        return;
    };
    let handoff = Handoff::new(queue(&database.pool));
    let store = Arc::new(MokaStore::new());
    let rename = async |from: &str, to: &str| {
        let text = format!("ALTER TABLE apalis.{from} RENAME TO {to}");
        let renamed = sqlx::query(AssertSqlSafe(text)).execute(&database.pool);
        renamed.await.unwrap();
    };
    rename("jobs", "hidden").await;
    assert_eq!(send(&handoff, &store, "a").await, Seen::refused("5"));
    rename("hidden", "jobs").await;
    assert_eq!(send(&handoff, &store, "a").await, Seen::ACCEPTED);
    assert_eq!(database.jobs().await.len(), 1);
    database.pool.close().await;
    let err = queue(&database.pool).enqueue(&job("b")).await.unwrap_err();
    assert_eq!(err.kind(), QueueErrorKind::Unavailable);
    database.delete().await;
}

#[tokio::test]
async fn a_worker_of_apalis_claims_each_task_as_a_job() {
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

    let Some(database) = Database::new().await else {
        return;
    };
    let handoff = Handoff::new(queue(&database.pool));
    let store = Arc::new(MokaStore::new());
    // One store for both claims: the receiver's is completed before the worker asks for its own.
    assert_eq!(send(&handoff, &store, "a").await, Seen::ACCEPTED);
    let [job] = &database.jobs().await[..] else {
        panic!("one task")
    };
    let worker = WorkerBuilder::new("worker")
        .backend(PostgresStorage::<Job>::new(&database.pool))
        .data(Arc::clone(&store))
        .build(work);
    let worked = tokio::time::timeout(Duration::from_secs(60), worker.run());
    worked.await.expect("a task in time").unwrap();
    let print = Fingerprint::of(&job.payload);
    let (key, lease) = (job.work_key(), Duration::from_secs(30));
    let again = store.claim(&key, Claimant::unique(), &print, lease);
    assert!(matches!(again.await, Ok(Claim::Done { .. })));
    database.delete().await;
}
