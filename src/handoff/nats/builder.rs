use std::time::Duration;

use async_nats::jetstream::context::{GetStreamError, GetStreamErrorKind};
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType};
use async_nats::{Client, ConnectOptions, jetstream};
use tokio::time::timeout;

use super::JetStreamQueue;
use crate::config::ConfigError;
use crate::danger::Dangerous;
use crate::store::ConnectError;

/// How long the server may take to let us in, and to describe the stream.
const PATIENCE: Duration = Duration::from_secs(5);

/// Collects the settings of a [`JetStreamQueue`].
#[derive(Clone, Debug)]
#[must_use]
pub struct JetStreamQueueBuilder {
    stream: String,
    subject: String,
    is_lossy: bool,
}

impl JetStreamQueueBuilder {
    pub(super) fn new(stream: &str, subject: &str) -> Self {
        Self {
            stream: stream.to_owned(),
            subject: subject.to_owned(),
            is_lossy: false,
        }
    }

    /// What may be weakened.
    pub fn dangerous(self) -> Dangerous<Self> {
        Dangerous(self)
    }

    /// Connects to `url`, such as `nats://user:password@127.0.0.1:4222`, and asks the stream whether it is
    /// one to rely on.
    ///
    /// # Errors
    ///
    /// Returns an error when the server cannot be reached, and one that names
    ///
    /// - `stream` when there is none, or it acknowledges nothing (`no_ack`),
    /// - `subject` when the stream does not take it,
    /// - `duplicate_window` when the stream has none,
    /// - `storage` when it is in memory,
    /// - `retention` when it keeps only what somebody listens for (`interest`),
    /// - `discard` when it makes room by dropping the oldest messages (`old`, with a bound on messages or
    ///   bytes).
    pub async fn connect(self, url: &str) -> Result<JetStreamQueue, ConnectError> {
        let options = ConnectOptions::new().connection_timeout(PATIENCE);
        let client = timeout(PATIENCE, options.connect(url)).await;
        let client = client
            .map_err(ConnectError::unreachable)?
            .map_err(ConnectError::unreachable)?;
        self.with_client(client).await
    }

    /// Uses a client that is connected, with credentials and TLS of yours.
    ///
    /// # Errors
    ///
    /// As for [`connect`](Self::connect).
    pub async fn with_client(self, client: Client) -> Result<JetStreamQueue, ConnectError> {
        let context = jetstream::new(client);
        let stream = timeout(PATIENCE, context.get_stream(&self.stream)).await;
        let stream = stream
            .map_err(ConnectError::unreachable)?
            .map_err(missing)?;
        let config = &stream.cached_info().config;
        self.judge(config)?;
        let owner = timeout(PATIENCE, context.stream_by_subject(self.subject.as_str())).await;
        if owner.map_err(ConnectError::unreachable)?.ok().as_ref() != Some(&self.stream) {
            return Err(ConfigError::new("subject", "must be one that the stream takes").into());
        }
        Ok(JetStreamQueue {
            context,
            stream: self.stream.into(),
            subject: self.subject.into(),
        })
    }

    /// Whether the stream keeps what it acknowledges.
    fn judge(&self, config: &Config) -> Result<(), ConfigError> {
        if config.no_ack {
            return Err(ConfigError::new("stream", "must acknowledge messages"));
        }
        if config.duplicate_window.is_zero() {
            let reason = "must be longer than nothing: retries enqueue again";
            return Err(ConfigError::new("duplicate_window", reason));
        }
        if self.is_lossy {
            return Ok(());
        }
        if config.storage == StorageType::Memory {
            return Err(ConfigError::new("storage", "must be a file"));
        }
        if config.retention == RetentionPolicy::Interest {
            let reason = "must not depend on who listens: `limits` or `workqueue`";
            return Err(ConfigError::new("retention", reason));
        }
        let bounds = [
            config.max_messages,
            config.max_bytes,
            config.max_messages_per_subject,
        ];
        if config.discard == DiscardPolicy::Old && bounds.iter().any(|bound| *bound > 0) {
            let reason = "must be `new`, or the stream without a bound on messages and bytes";
            return Err(ConfigError::new("discard", reason));
        }
        Ok(())
    }
}

impl Dangerous<JetStreamQueueBuilder> {
    /// Takes a stream that may lose what it acknowledged: in memory, kept only while somebody listens, or
    /// dropping the oldest to make room.
    pub fn allow_lossy_stream(mut self) -> JetStreamQueueBuilder {
        self.0.is_lossy = true;
        self.0
    }
}

fn missing(err: GetStreamError) -> ConnectError {
    match err.kind() {
        GetStreamErrorKind::JetStream(_) => {
            ConfigError::new("stream", "must exist, on a server with JetStream").into()
        }
        _ => ConnectError::unreachable(err),
    }
}
