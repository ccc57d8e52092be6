//! The sending wing: events become deliveries that are signed, retried, recorded.

mod body;
pub mod egress;
pub mod sign;

pub use self::body::DeliveryBody;
