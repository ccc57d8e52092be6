//! The egress guard: what it refuses by address, by URL, and when it dials.

mod addresses;
mod connector;
mod layer;
mod urls;
