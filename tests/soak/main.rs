//! Mixed traffic at a steady rate, over sockets, for as long as is asked: nothing is lost, nothing is handled twice,
//! what the receiver counted is what its senders counted, and its memory stays where it was.
//!
//! `SOAK_SECONDS` sets how long, 10 by default, and `SOAK_RATE` how many events a second; see `tests/README.md`.

mod bodies;
mod events;
mod memory;
mod process;
mod receiver;
mod sender;
mod store;
mod tally;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use self::memory::Samples;
use self::process::Process;
use self::sender::Sender;
use self::tally::join_late;

/// From here on memory is judged: a quarter of it is longer than the store takes to fill.
const LONG: Duration = Duration::from_secs(1800);
/// Events on their way at once.
const AT_ONCE: usize = 64;

fn setting(name: &str, or: u32) -> u32 {
    let value = std::env::var(name);
    value.map_or(or, |value| value.parse().expect("a number"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn senders_and_receiver_count_the_same_and_memory_stays_flat() {
    let length = Duration::from_secs(setting("SOAK_SECONDS", 10).into());
    let rate = setting("SOAK_RATE", 200);
    let process = Arc::new(Process::start());
    let sender = Arc::new(Sender::new(Arc::clone(&process)));
    let mut samples = Samples::new();
    let mut ticks = interval(Duration::from_secs(1) / rate);
    // A steady rate: what a busy machine missed is not made up for at once.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut looks = interval((length / 720).max(Duration::from_secs(1)));
    let mut tenths = interval(length / 10);
    let mut events = JoinSet::new();
    let start = Instant::now();
    let mut number = 0;
    while start.elapsed() < length {
        tokio::select! {
            _ = ticks.tick() => {
                if events.len() >= AT_ONCE
                    && let Some(ended) = events.join_next().await
                {
                    ended.expect("each event is answered as it should be");
                }
                let sender = Arc::clone(&sender);
                events.spawn(async move { sender.deliver(number).await });
                number += 1;
            }
            _ = tenths.tick() => println!("{:?}: {}", start.elapsed(), process.population()),
            _ = looks.tick() => {
                samples.take(start.elapsed(), process.memory(), process.descriptors());
                while let Some(ended) = events.try_join_next() {
                    ended.expect("each event is answered as it should be");
                }
            }
        }
    }
    while let Some(ended) = events.join_next().await {
        ended.expect("each event is answered as it should be");
    }
    let population = process.population();
    println!(
        "{number} events in {:?}: {}",
        start.elapsed(),
        sender.story()
    );
    println!("in the end {population}");
    println!("{}", samples.story());

    let (ours, theirs) = (sender.tally(), process.counts());
    println!("{theirs:#?}");
    let theirs = join_late(theirs);
    assert_eq!(
        ours, theirs,
        "what senders counted, what the receiver counted"
    );
    for number in 0..number {
        let (accepted, handled) = (sender.accepted(number), process.handled(number));
        assert_eq!(u64::from(accepted), handled, "event {number}");
    }
    if length >= LONG {
        samples.judge(sender.requests());
    }
}
