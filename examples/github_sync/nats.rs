//! NATS JetStream before the table of jobs: pushes are taken while the database is not there.

use std::time::Duration;

use async_nats::jetstream::consumer::{Consumer, pull};
use async_nats::jetstream::{self, AckKind, Message, stream};
use futures_util::StreamExt as _;
use tokio::sync::watch;
use tower_webhook::BoxError;
use tower_webhook::handoff::{JetStreamQueue, Job, Queue as _};

use crate::queue::JobTable;

/// The stream where the URL names none, as in `nats://127.0.0.1:4222?stream=NAME`.
const STREAM: &str = "GITHUB_SYNC";
/// When a job that the table did not take comes again.
const PAUSE: Duration = Duration::from_secs(1);

/// Takes jobs out of the stream into the table.
pub(crate) struct Pump {
    consumer: Consumer<pull::Config>,
    table: JobTable,
}

/// Makes the stream where it is missing.
pub(crate) async fn connect(
    url: &str,
    table: JobTable,
    lease: Duration,
) -> Result<(JetStreamQueue, Pump), BoxError> {
    let (url, stream) = url.split_once("?stream=").unwrap_or((url, STREAM));
    let subject = format!("{stream}.push");
    let context = jetstream::new(async_nats::connect(url).await?);
    let config = stream::Config {
        name: stream.to_owned(),
        subjects: vec![subject.clone()],
        retention: stream::RetentionPolicy::WorkQueue,
        duplicate_window: Duration::from_secs(600),
        ..stream::Config::default()
    };
    let jobs = context.get_or_create_stream(config).await?;
    let config = pull::Config {
        durable_name: Some("table".to_owned()),
        // What a process that died had taken out comes again.
        ack_wait: lease,
        ..pull::Config::default()
    };
    let consumer = jobs.get_or_create_consumer("table", config).await?;
    let queue = JetStreamQueue::builder(stream, &subject)
        .connect(url)
        .await?;
    Ok((queue, Pump { consumer, table }))
}

impl Pump {
    pub(crate) async fn run(self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            let Ok(mut messages) = self.consumer.messages().await else {
                tokio::time::sleep(PAUSE).await;
                continue;
            };
            loop {
                let message = tokio::select! {
                    message = messages.next() => message,
                    _ = stop.changed() => return,
                };
                let Some(Ok(message)) = message else { break };
                if let Err(err) = self.settle(&message).await {
                    eprintln!("queue: {err}");
                }
            }
        }
    }

    /// Acknowledges what is in the table. What is no job will never be one.
    async fn settle(&self, message: &Message) -> Result<(), BoxError> {
        let Ok(job) = Job::from_json(&message.payload) else {
            return message.ack_with(AckKind::Term).await;
        };
        match self.table.enqueue(&job).await {
            Ok(_) => message.double_ack().await,
            Err(err) => {
                message.ack_with(AckKind::Nak(Some(PAUSE))).await?;
                Err(err.into())
            }
        }
    }
}
