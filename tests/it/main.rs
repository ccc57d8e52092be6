//! Behaviour of the crate from outside. One test binary, one module a subject.

mod architecture;
mod connections;
mod decoys;
mod detach;
mod dispatch;
mod envelope;
mod faulty;
mod handoff;
mod idempotency;
mod keys;
mod observe;
mod order;
mod outbound;
mod proof;
mod properties;
mod receipt;
mod receipt_stores;
mod replay;
mod secrets;
mod sockets;
mod source;
#[cfg(feature = "tracing")]
mod spans;
mod stack;
mod store;
mod testing;
mod urls;
mod vectors;
mod vectors_keys;
