//! Hands deliveries to a queue, and answers 202 once the queue has them for good.
//!
//! A [`Handoff`] stands where the handler stands. It makes a [`Job`] of the delivery, waits for the
//! acknowledgement of its [`Queue`], and only then says 202. A queue that refuses, does not answer in
//! time, or is full gives 503 with `Retry-After`, and the claim is given up: the sender's retry enqueues.
//! A duplicate gets the recorded answer and enqueues nothing.
//!
//! The key of the delivery goes with the job, as the id by which the queue drops what it already has
//! ([`Enqueued::AlreadyThere`]). That closes the gap between the acknowledgement and the completion of the
//! claim: a process that dies there is asked again by the sender, and enqueues the same id.
//!
//! | queue | feature | what an acknowledgement means | drops a known key |
//! |---|---|---|---|
//! | `JetStreamQueue` | `handoff-nats` | written to the stream's file, on its replicas | within the stream's duplicate window |
//! | `ApalisQueue` | `handoff-apalis` | committed to PostgreSQL or SQLite; on Redis, as its `appendonly` says | while the task exists; on Redis, for its `idempotency_ttl`, by default none |
//! | [`LossyChannel`] | – | nothing: a process that dies loses what is in it | no |
//!
//! # The worker
//!
//! No queue delivers once, so a worker claims each job before it works, by the protocol of the
//! receiver: claim [`Job::work_key`], renew while working, complete, or release.
//! `examples/worker` does so on a channel, apalis and JetStream, with acknowledgements, and a dead letter after a number of tries.
//!
//! # Example
//!
//! ```
//! use tower_webhook::handoff::{Handoff, LossyChannel};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let (queue, mut jobs) = LossyChannel::new(1024);
//! let handoff = Handoff::new(queue);
//! // axum: `Router::new().route_service("/webhooks/github", handoff).layer(inbound)`
//! // hyper, tonic: `inbound.layer(handoff)`
//! # drop(handoff);
//! while let Some(job) = jobs.next().await {
//!     println!("{} from {}", job.event_type.as_deref().unwrap_or("?"), job.connection);
//! }
//! # });
//! ```
//!
//! # Deployment caveat
//!
//! 202 promises what the queue promises. A process may die after it enqueued and before its claim is
//! completed; the claim then stands until its lease ends, and the retry after that enqueues again. A duplicate
//! window longer than the lease (300 s by default) drops it, and so does a worker that claims.

#[cfg(feature = "handoff-apalis")]
mod apalis;
mod channel;
mod error;
mod job;
#[cfg(feature = "handoff-nats")]
mod nats;
mod queue;
mod service;
mod wire;

#[cfg(feature = "handoff-apalis")]
pub use self::apalis::ApalisQueue;
pub use self::channel::{LossyChannel, LossyJobs};
pub use self::error::{QueueError, QueueErrorKind};
pub use self::job::Job;
#[cfg(feature = "handoff-nats")]
pub use self::nats::{JetStreamQueue, JetStreamQueueBuilder};
pub use self::queue::{Enqueued, Queue};
pub use self::service::{Handoff, ResponseFuture};
