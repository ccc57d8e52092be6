//! Every store of the sending wing, held to the shared suite, and compared with the one in memory.

use tower_webhook::outbound::store::conformance::run;
use tower_webhook::outbound::{MemoryOutbox, OutboundStore};

use super::model;

/// `fresh` gives a store with nothing in it.
async fn conforms<S: OutboundStore>(name: &str, fresh: impl AsyncFn() -> S) {
    let facts = run(&fresh).await;
    println!("{facts} facts on {name}");
}

/// As [`conforms`]; so many random operations from each of three seeds.
async fn agrees<S: OutboundStore>(fresh: impl AsyncFn() -> S, steps: usize) {
    for seed in 1..=3 {
        model::agrees(fresh().await, seed, steps).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_conforms() {
    conforms("memory", async || MemoryOutbox::new()).await;
}

#[tokio::test]
async fn memory_is_the_same_each_time() {
    agrees(async || MemoryOutbox::new(), 2000).await;
}
