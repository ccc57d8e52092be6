//! The two applications, as processes: what they answer, and what stands in their databases after processes were
//! killed and servers were down while deliveries flowed.
//!
//! `KILLS` sets how many kills a test makes, `DELIVERIES` how many deliveries go through; see
//! `tests/README.md`.

mod content;
mod examples;
mod flow;
mod gateway;
mod gateway_config;
mod gateway_operator;
mod gateway_stop;
mod github_sync;
mod history;
mod payloads;
mod places;
mod process;
mod proxy;
mod recorded;
mod sender;

/// The number of a variable of the environment.
fn number(variable: &str, default: usize) -> usize {
    let value = std::env::var(variable);
    value.map_or(default, |value| value.parse().expect("a number"))
}
