//! Behaviour of the crate from outside. One test binary, one module a subject.

mod architecture;
mod bodies;
mod catalog;
mod connections;
mod decoys;
mod detach;
mod dispatch;
mod envelope;
mod faulty;
mod handoff;
mod handshakes;
mod idempotency;
mod keys;
mod media;
mod observe;
mod order;
mod outbound;
mod proof;
mod properties;
mod receipt;
mod receipt_alone;
mod receipt_stores;
mod replay;
mod secrets;
mod signatures;
mod sockets;
mod source;
#[cfg(feature = "tracing")]
mod spans;
mod stack;
mod store;
mod testing;
mod time;
mod urls;
mod vectors;
mod vectors_keys;
