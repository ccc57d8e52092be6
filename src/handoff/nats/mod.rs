mod builder;

use std::fmt;
use std::sync::Arc;

use async_nats::jetstream::Context;
use async_nats::jetstream::context::{PublishError, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use sha2::{Digest as _, Sha256};

pub use self::builder::JetStreamQueueBuilder;
use super::{Enqueued, Job, Queue, QueueError};

/// Deliveries as messages of a NATS JetStream stream, each the JSON of a [`Job`].
///
/// The key of a job is the `Nats-Msg-Id` of its message: within the duplicate window of the stream, a key
/// is one message. (A key that has other than visible ASCII characters is replaced by the hex digits of its
/// SHA-256, for NATS trims headers.) The acknowledgement of the stream is awaited.
///
/// # Example
///
/// ```no_run
/// use tower_webhook::handoff::{Handoff, JetStreamQueue};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// // The stream `WEBHOOKS` exists, and takes `webhooks.github`.
/// let queue = JetStreamQueue::builder("WEBHOOKS", "webhooks.github")
///     .connect("nats://127.0.0.1:4222")
///     .await?;
/// let handoff = Handoff::new(queue);
/// # Ok(())
/// # }
/// ```
///
/// # Deployment caveat
///
/// A stream is asked once, at the start, whether it would lose what it acknowledges; who changes it later
/// is not noticed. A server acknowledges when it has written, and flushes to the disk every two minutes
/// unless `sync_interval: always`: a single server that loses power may lose what three replicas would
/// keep. A stream that keeps messages for a time (`max_age`) drops what no worker took within it.
#[derive(Clone)]
pub struct JetStreamQueue {
    context: Context,
    stream: Arc<str>,
    subject: Arc<str>,
}

impl JetStreamQueue {
    /// Begins a queue on `stream`, which exists and takes `subject`.
    pub fn builder(stream: &str, subject: &str) -> JetStreamQueueBuilder {
        JetStreamQueueBuilder::new(stream, subject)
    }
}

impl Queue for JetStreamQueue {
    async fn enqueue(&self, job: &Job) -> Result<Enqueued, QueueError> {
        let message = PublishMessage::build()
            .message_id(message_id(&job.key))
            .expected_stream(&*self.stream)
            .payload(job.to_json());
        let subject = self.subject.to_string();
        let sent = self.context.send_publish(subject, message).await;
        let acknowledged = sent.map_err(refused)?.await.map_err(refused)?;
        if acknowledged.duplicate {
            Ok(Enqueued::AlreadyThere)
        } else {
            Ok(Enqueued::New)
        }
    }
}

fn message_id(key: &str) -> String {
    if key.bytes().all(|byte| byte.is_ascii_graphic()) {
        key.to_owned()
    } else {
        const_hex::encode(Sha256::digest(key))
    }
}

fn refused(err: PublishError) -> QueueError {
    match err.kind() {
        PublishErrorKind::MaxPayloadExceeded => QueueError::too_large(err),
        PublishErrorKind::MaxAckPending => QueueError::full(),
        _ => QueueError::unavailable(err),
    }
}

impl fmt::Debug for JetStreamQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JetStreamQueue")
            .field("stream", &self.stream)
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::{PublishErrorKind, refused};
    use crate::handoff::QueueErrorKind;

    #[test]
    fn a_queue_that_does_not_take_a_job_says_why() {
        for (said, kind) in [
            (
                PublishErrorKind::MaxPayloadExceeded,
                QueueErrorKind::TooLarge,
            ),
            (PublishErrorKind::MaxAckPending, QueueErrorKind::Full),
            (PublishErrorKind::TimedOut, QueueErrorKind::Unavailable),
        ] {
            assert_eq!(refused(said.into()).kind(), kind);
        }
    }
}
