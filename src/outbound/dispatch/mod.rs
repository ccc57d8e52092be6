//! Sends what is due.
//!
//! One loop claims as many deliveries as there are places free; each attempt is a task of its own; one task writes down
//! how attempts ended, as many at once as there are; one task makes leases longer. A place is free again when its
//! attempt is written down, so the store being slow slows the sender instead of filling its memory.

mod attempt;
mod dispatcher;
mod prepared;
mod run;
mod settler;
mod slots;

pub use self::dispatcher::Dispatcher;
