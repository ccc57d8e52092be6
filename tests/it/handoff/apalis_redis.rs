//! apalis, with its tasks in Redis.

use std::sync::Arc;
use std::time::Duration;

use apalis_core::error::BoxDynError;
use apalis_core::task::data::Data;
use apalis_core::worker::builder::WorkerBuilder;
use apalis_core::worker::context::WorkerContext;
use apalis_redis::{Config, ConnectionManager, RedisStorage};
use redis::AsyncCommands as _;
use tokio::sync::mpsc;
use tower_webhook::handoff::{ApalisQueue, Handoff, Job, Queue as _, QueueErrorKind};
use tower_webhook::store::MokaStore;

use super::{Seen, job, send};
use crate::store::servers::{redis, unique};

/// A queue of the test's own.
struct Tasks {
    connection: ConnectionManager,
    config: Config,
}

impl Tasks {
    async fn new(remembers: Option<Duration>) -> Option<Self> {
        let url = redis()?;
        Some(Self {
            connection: apalis_redis::connect(url).await.unwrap(),
            config: Config::default()
                .queue(unique("handoff"))
                .idempotency_ttl(remembers),
        })
    }

    fn storage(&self) -> RedisStorage<Job> {
        RedisStorage::new(self.connection.clone()).with_config(self.config.clone())
    }

    async fn count(&self) -> usize {
        let mut connection = self.connection.clone();
        connection.hlen(self.config.job_data_hash()).await.unwrap()
    }

    async fn delete(self) {
        let mut connection = self.connection;
        let pattern = format!("*{}*", self.config.queue);
        let keys: Vec<String> = connection.keys(pattern).await.unwrap();
        let _: () = connection.del(keys).await.unwrap();
    }
}

#[tokio::test]
async fn redis_holds_each_push_of_a_key_by_default() {
    let Some(tasks) = Tasks::new(None).await else {
        return;
    };
    let queue = ApalisQueue::new(tasks.storage());
    for key in ["shop:push:1", "shop:push:1", "shop:push:2"] {
        queue.enqueue(&job(key)).await.unwrap();
    }
    assert_eq!(tasks.count().await, 3);
    tasks.delete().await;
}

#[tokio::test]
async fn redis_that_remembers_keys_holds_one_task_of_each() {
    let Some(tasks) = Tasks::new(Some(Duration::from_secs(600))).await else {
        return;
    };
    let queue = ApalisQueue::new(tasks.storage());
    for key in ["shop:push:1", "shop:push:1", "shop:push:2"] {
        queue.enqueue(&job(key)).await.unwrap();
    }
    assert_eq!(tasks.count().await, 2);
    tasks.delete().await;
}

#[tokio::test]
async fn redis_that_refuses_gives_503_and_the_next_delivery_enqueues() {
    let Some(tasks) = Tasks::new(None).await else {
        return;
    };
    let (handoff, store) = (
        Handoff::new(ApalisQueue::new(tasks.storage())),
        Arc::new(MokaStore::new()),
    );
    // A key of another type: the script fails at its first write.
    let mut connection = tasks.connection.clone();
    let hash = tasks.config.job_data_hash();
    let _: () = connection.set(&hash, "no hash").await.unwrap();
    let err = ApalisQueue::new(tasks.storage()).enqueue(&job("b")).await;
    assert_eq!(err.unwrap_err().kind(), QueueErrorKind::Unavailable);
    assert_eq!(send(&handoff, &store, "a").await, Seen::refused("5"));
    let _: () = connection.del(&hash).await.unwrap();
    assert_eq!(send(&handoff, &store, "a").await, Seen::ACCEPTED);
    assert_eq!(tasks.count().await, 1);
    tasks.delete().await;
}

#[tokio::test]
async fn a_worker_of_apalis_gets_the_job_from_redis_as_it_was_handed_over() {
    async fn work(
        job: Job,
        got: Data<mpsc::UnboundedSender<Job>>,
        worker: WorkerContext,
    ) -> Result<(), BoxDynError> {
        got.send(job)?;
        worker.stop()?;
        Ok(())
    }

    let Some(tasks) = Tasks::new(None).await else {
        return;
    };
    let queue = ApalisQueue::new(tasks.storage());
    queue.enqueue(&job("shop:push:1")).await.unwrap();
    let (sender, mut got) = mpsc::unbounded_channel();
    let worker = WorkerBuilder::new("worker")
        .backend(tasks.storage())
        .data(sender)
        .build(work);
    let worked = tokio::time::timeout(Duration::from_secs(60), worker.run());
    worked.await.expect("a task in time").unwrap();
    assert_eq!(got.recv().await, Some(job("shop:push:1")));
    tasks.delete().await;
}
