//! The sending wing: events become deliveries that are signed, retried, recorded.
//!
//! ```text
//! emit(event) → a delivery for each endpoint ⟲ claim (fair, leased; the attempt's number is a fencing token)
//!    attempt: per-endpoint limits ▸ breaker ▸ sign ▸ egress guard ▸ time-out ▸ HTTP client      → settle
//! ```

mod body;
pub mod egress;
pub mod endpoint;
mod error;
pub mod event;
pub mod policy;
mod random;
mod seal;
pub mod sign;
pub mod store;
mod tenant;

pub use self::body::DeliveryBody;
pub use self::error::{OutboundError, OutboundErrorKind};
pub use self::seal::SealingKey;
pub use self::store::{MemoryOutbox, OutboundStore};
pub use self::tenant::Tenant;
