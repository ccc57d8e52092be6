//! The administration over HTTP.

mod described;
mod endpoints;
mod pages;
mod secrets;
mod store;
mod world;
