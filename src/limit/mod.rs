//! Bounds the bytes, the time and the memory of a body, and reads none of it.
//!
//! A declared length over the limit is 413 with the body not polled; one that grows past it is 413
//! as well. Bytes in flight over the budget are 503. A body that is not there after the deadline,
//! or slower than the minimum rate once a second has passed, is 408.
//!
//! # Deployment caveat
//!
//! The head of a request is read before any layer runs: the server sets that time-out.

mod body;
mod layer;
mod service;

pub use self::body::{Bounded, RawBody};
pub use self::layer::BodyLimitLayer;
pub use self::service::BodyLimit;
