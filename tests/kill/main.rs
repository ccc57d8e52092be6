//! Processes that share a store, and processes and servers that are killed while deliveries flow.
//!
//! `KILLS` sets how many kills a test makes, `DELIVERIES` how many deliveries two processes get; see
//! `tests/README.md`.

mod fleet;
mod kills;
mod outbound;
mod pair;
mod sender;
mod servers;
mod worker;

/// The number of a variable of the environment.
fn number(variable: &str, default: usize) -> usize {
    let value = std::env::var(variable);
    value.map_or(default, |value| value.parse().expect("a number"))
}
