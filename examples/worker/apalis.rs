use std::io;
use std::sync::Arc;

use apalis_core::error::{AbortError, BoxDynError};
use apalis_core::task::attempt::Attempt;
use apalis_core::task::data::Data;
use apalis_core::worker::builder::WorkerBuilder;
use apalis_sqlite::{SqlitePool, SqliteStorage};
use sqlx::sqlite::SqlitePoolOptions;
use tower_webhook::BoxError;
use tower_webhook::handoff::{ApalisQueue, Job};

use super::{PAUSE, TRIES, Tried, Worker, deliver};

/// How many tasks are neither done nor given up.
async fn open_tasks(pool: &SqlitePool) -> Result<i64, sqlx::Error> {
    let count = "SELECT count(*) FROM Jobs WHERE status NOT IN ('Done', 'Killed')";
    sqlx::query_scalar(count).fetch_one(pool).await
}

/// One try of a task. Without an error it is done; with one it comes again; aborted it is given up, and stays
/// in its table as `Killed`: that is where dead letters of apalis are.
async fn work(job: Job, attempt: Attempt, worker: Data<Arc<Worker>>) -> Result<(), BoxDynError> {
    match worker.attempt(&job, async || {}).await {
        Ok(Tried::Done) => Ok(()),
        Ok(Tried::Elsewhere(wait)) => {
            tokio::time::sleep(wait).await;
            Err("another worker has it".into())
        }
        Err(err) if i64::try_from(attempt.current())? >= TRIES => {
            println!("dead letter: {err}");
            Err(AbortError::new(err).into())
        }
        Err(err) => Err(err),
    }
}

/// Tasks of apalis in SQLite, here in memory; in a file, or in PostgreSQL, they outlive the process.
pub(crate) async fn run() -> Result<(Worker, usize), BoxError> {
    // One connection, that is never closed: each would have a memory of its own.
    let pool = SqlitePoolOptions::new().max_connections(1);
    let pool = pool.idle_timeout(None).max_lifetime(None);
    let pool = pool.connect("sqlite::memory:").await?;
    SqliteStorage::setup(&pool).await?;
    deliver(ApalisQueue::new(SqliteStorage::<Job>::new(&pool))).await?;

    let worker = Arc::new(Worker::default());
    let tasks = pool.clone();
    let all_settled = async move {
        while open_tasks(&tasks).await.map_err(io::Error::other)? > 0 {
            tokio::time::sleep(PAUSE).await;
        }
        io::Result::Ok(())
    };
    WorkerBuilder::new("worker")
        .backend(SqliteStorage::<Job>::new(&pool))
        .data(Arc::clone(&worker))
        .build(work)
        .run_until(all_settled)
        .await?;
    let dead = "SELECT count(*) FROM Jobs WHERE status = 'Killed'";
    let dead: i64 = sqlx::query_scalar(dead).fetch_one(&pool).await?;
    let worker = Arc::into_inner(worker).ok_or("the worker still runs")?;
    Ok((worker, usize::try_from(dead)?))
}
