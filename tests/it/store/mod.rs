//! Every store, held to the shared suite, and what is its own.

mod boxed;
mod layered;
mod moka;
mod postgres;
mod redis;
pub(crate) mod servers;
mod transaction;
mod url;
