//! Behaviour of the crate from outside. One test binary, one module a subject.

mod architecture;
mod detach;
mod envelope;
mod faulty;
mod idempotency;
mod observe;
mod order;
mod properties;
mod replay;
mod secrets;
mod sockets;
mod stack;
mod store;
mod testing;
mod urls;
mod vectors;
