//! The sending wing: events become deliveries that are signed, retried, recorded.
//!
//! ```text
//! emit(event) → a delivery for each endpoint ⟲ claim (fair, leased; the attempt's number is a fencing token)
//!    attempt: per-endpoint limits ▸ breaker ▸ sign ▸ egress guard ▸ time-out ▸ HTTP client      → settle
//! ```
//!
//! A [`Sender`] emits events and administers endpoints; its [`Dispatcher`] sends what is due. The row of a delivery in
//! the [`store`] is the job too, so there is no second queue that could disagree with it. Each attempt is signed anew
//! with the time of the attempt, and all carry the id of the event: receivers know duplicates by it.
//!
//! What is delivered is delivered **at least once**: a sender that dies after it sent and before it wrote so down sends
//! again, with the same id, when the lease has ended; and a request that a kept connection broke under is sent once more
//! within a second, as one attempt.
//!
//! [`SignLayer`](sign::SignLayer), [`EgressConnector`](egress::EgressConnector), [`EgressLayer`](egress::EgressLayer)
//! and [`HttpClient`](client::HttpClient) serve without a sender, too.
//!
//! # Example
//!
//! ```
//! use tower_webhook::outbound::endpoint::NewEndpoint;
//! use tower_webhook::outbound::event::Event;
//! use tower_webhook::outbound::policy::{Limits, Schedule};
//! use tower_webhook::outbound::{MemoryOutbox, SealingKey, Sender};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let sender = Sender::builder(MemoryOutbox::new(), SealingKey::generate())
//!     .schedule(Schedule::long())
//!     .limits(Limits::concurrent(4).per_second(50))
//!     .build()?;
//!
//! let new = NewEndpoint::new("https://example.com/hooks").events(["order.*"]);
//! let created = sender.endpoints().create(new).await?;
//! // What the receiver verifies with is told this once: `created.keys`.
//!
//! let emitted = sender.emit(Event::standard("order.created", &7)?).await?;
//! assert_eq!(emitted.deliveries, 1);
//!
//! // In a task of its own, until the program is told to stop:
//! let stop = std::future::ready(());
//! # let sender = Sender::builder(MemoryOutbox::new(), SealingKey::generate()).build()?;
//! sender.dispatcher().run_until(stop).await;
//! # let _ = created;
//! # Ok::<_, tower_webhook::BoxError>(())
//! # })?;
//! # Ok::<(), tower_webhook::BoxError>(())
//! ```

pub mod admin;
mod body;
pub mod catalogue;
pub mod client;
mod dispatch;
pub mod egress;
pub mod endpoint;
mod error;
pub mod event;
mod failure;
mod lifecycle;
pub mod policy;
mod random;
mod seal;
mod sender;
pub mod sign;
pub mod store;
mod tenant;
mod transport;

pub use self::body::DeliveryBody;
pub use self::dispatch::Dispatcher;
pub use self::error::{OutboundError, OutboundErrorKind};
pub use self::failure::Failure;
pub use self::lifecycle::Lifecycle;
pub use self::seal::SealingKey;
pub use self::sender::{Audited, Created, Emit, Emitted, Endpoints, Replay, Sender, SenderBuilder};
#[cfg(feature = "postgres")]
pub use self::store::PostgresOutbox;
#[cfg(feature = "sqlite")]
pub use self::store::SqliteOutbox;
pub use self::store::{MemoryOutbox, OutboundStore};
pub use self::tenant::Tenant;
