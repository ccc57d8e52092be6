//! The sending wing: events become deliveries that are signed, retried, recorded.
//!
//! ```text
//! emit(event) → a delivery for each endpoint ⟲ claim (fair, leased; the attempt's number is a fencing token)
//!    attempt: per-endpoint limits ▸ breaker ▸ sign ▸ egress guard ▸ time-out ▸ HTTP client      → settle
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
