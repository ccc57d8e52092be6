//! Refuses authentic deliveries whose signed time is outside the window: 409.
//!
//! An age of exactly the window is inside. Schemes that sign no time pass through: nothing in such
//! a delivery says when it was sent.
//!
//! # Deployment caveat
//!
//! The window is only as good as the machine's clock.

mod body;
mod layer;
mod service;

pub use self::body::{Fresh, FreshBody};
pub use self::layer::ReplayWindowLayer;
pub use self::service::ReplayWindow;
