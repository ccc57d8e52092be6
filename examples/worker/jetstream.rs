use std::time::Duration;

use async_nats::jetstream::consumer::pull;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::{self, AckKind, Context, Message, stream};
use futures_util::TryStreamExt as _;
use tower_webhook::BoxError;
use tower_webhook::handoff::{JetStreamQueue, Job};
use tower_webhook::store::Claimant;

use super::{LEASE, PAUSE, TRIES, Tried, Worker, deliver};

/// Makes a stream that takes the subject of its name.
async fn stream(context: &Context, name: &str) -> Result<stream::Stream, BoxError> {
    let config = stream::Config {
        name: name.to_owned(),
        subjects: vec![name.to_owned()],
        retention: stream::RetentionPolicy::WorkQueue,
        // Longer than the lease of the receiver: who retries after a crash enqueues nothing twice.
        duplicate_window: Duration::from_secs(600),
        ..stream::Config::default()
    };
    Ok(context.create_stream(config).await?)
}

/// Settles one message: acknowledged, to be delivered again, or set aside. Whether it is settled.
async fn settle(
    worker: &Worker,
    context: &Context,
    dead: &str,
    message: &Message,
) -> Result<bool, BoxError> {
    let tried = match Job::from_json(&message.payload) {
        Ok(job) => {
            // Each beat also tells the server that the work goes on.
            let beat = async || drop(message.ack_with(AckKind::Progress).await);
            worker.attempt(&job, beat).await
        }
        // It will not be one the next time either.
        Err(err) => return bury(context, dead, message, &err).await.map(|()| true),
    };
    match tried {
        Ok(Tried::Done) => {
            // Until the server has it, the message may come again; the claim tells then.
            message.double_ack().await?;
            Ok(true)
        }
        Ok(Tried::Elsewhere(wait)) => {
            message.ack_with(AckKind::Nak(Some(wait))).await?;
            Ok(false)
        }
        Err(err) if message.info()?.delivered >= TRIES => {
            bury(context, dead, message, &err).await.map(|()| true)
        }
        Err(_) => {
            message.ack_with(AckKind::Nak(Some(PAUSE))).await?;
            Ok(false)
        }
    }
}

/// Sets a message aside, and only then gives it up.
async fn bury(
    context: &Context,
    dead: &str,
    message: &Message,
    reason: &BoxError,
) -> Result<(), BoxError> {
    println!("dead letter: {reason}");
    let number = message.info()?.stream_sequence;
    let letter = PublishMessage::build()
        .message_id(number.to_string())
        .header("Reason", reason.to_string().replace(['\r', '\n'], " "))
        .payload(message.payload.clone());
    let sent = context.send_publish(dead.to_owned(), letter).await?;
    sent.await?;
    message.ack_with(AckKind::Term).await
}

/// On a server of NATS: how often a message came is counted there.
pub(crate) async fn run(url: &str) -> Result<(Worker, usize), BoxError> {
    let context = jetstream::new(async_nats::connect(url).await?);
    let name = format!("example_{:x}", Claimant::unique().get());
    let dead = format!("{name}_dead");
    let jobs = stream(&context, &name).await?;
    let mut letters = stream(&context, &dead).await?;
    let queue = JetStreamQueue::builder(&name, &name).connect(url).await?;
    deliver(queue).await?;

    let consumer = pull::Config {
        durable_name: Some("worker".to_owned()),
        // A worker that is silent for this long has died.
        ack_wait: LEASE,
        ..pull::Config::default()
    };
    let consumer = jobs.create_consumer(consumer).await?;
    let mut messages = consumer.messages().await?;
    let (worker, mut settled) = (Worker::default(), 0);
    while settled < 4 {
        let Some(message) = messages.try_next().await? else {
            return Err("the consumer ended".into());
        };
        settled += usize::from(settle(&worker, &context, &dead, &message).await?);
    }
    let buried = usize::try_from(letters.info().await?.state.messages)?;
    context.delete_stream(&name).await?;
    context.delete_stream(&dead).await?;
    Ok((worker, buried))
}
