//! The administration over HTTP.

mod described;
mod endpoints;
mod secrets;
mod store;
mod world;
