//! Threads that share a store, a budget, secrets or a shutdown, in orders that are drawn at random.
//!
//! Run `cargo test` here. `SCHEDULES=50000` sets how many orders each test tries, at random, and again as many
//! by PCT with three changes of priority; a failing one is printed, to be replayed by shuttle. What is tried is
//! what lies between our own locks, counters, permits and tasks: moka and tokio do theirs in one step here.

#![cfg(test)]

mod budget;
mod drain;
mod race;
mod store;
mod swap;

/// How many orders are tried where nobody says otherwise.
const SCHEDULES: usize = 2_000;

/// Tries `threads` in many orders.
fn try_orders(threads: impl Fn() + Send + Sync + Clone + 'static) {
    let schedules = std::env::var("SCHEDULES");
    let schedules = schedules.map_or(SCHEDULES, |text| {
        text.parse().expect("a number of schedules")
    });
    shuttle::check_random(threads.clone(), schedules);
    shuttle::check_pct(threads, schedules, 3);
}
