//! The sending wing: events become deliveries that are signed, retried, recorded.

mod body;
pub mod client;
pub mod egress;
mod failure;
pub mod sign;

pub use self::body::DeliveryBody;
pub use self::failure::Failure;
