//! What the sender delivers: `cargo bench --bench outbound --all-features [-- memory sqlite postgres transactions
//! parked peer]`.
//!
//! 50 endpoints on a receiver behind a loopback socket in the same process, 1 KiB of payload, an attempt row a
//! delivery. Deliveries are counted where they arrive, from the start of the dispatcher to the last one. Then one of the
//! 50 hangs for 2 s on each delivery, and only the other 49 are counted; both in turn, for several rounds. `peer` builds
//! webhooksmith from the manifest in `benches/peers`, and measures it and this crate in turn on the same PostgreSQL.
//! That is the one of `DATABASE_URL`, or the local one, in schemas of their own; what is missing is skipped. All ratios
//! are of one run. The figures are in `benches/README.md`.

mod peer;
mod postgres;
mod receiver;
mod sending;

use std::time::Duration;

use tower_webhook::outbound::{MemoryOutbox, SqliteOutbox};

/// How much is done: all of it, or just enough to see that it works.
#[derive(Debug)]
pub(crate) struct Scale {
    rounds: usize,
    /// Events, each to 50 endpoints.
    events: u64,
    /// Events a second, and for how long.
    rate: (u64, Duration),
    emissions: u64,
    parked: u64,
    claims: u64,
}

const FULL: Scale = Scale {
    rounds: 5,
    events: 600,
    rate: (20, Duration::from_secs(15)),
    emissions: 2000,
    parked: 1_000_000,
    claims: 200,
};

const TEST: Scale = Scale {
    rounds: 1,
    events: 4,
    rate: (20, Duration::from_millis(200)),
    emissions: 10,
    parked: 1000,
    claims: 3,
};

async fn on_sqlite() -> SqliteOutbox {
    let path = std::env::temp_dir().join("tower_webhook_outbound_bench.db");
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", path.display()));
    }
    let store = SqliteOutbox::connect(&format!("sqlite://{}", path.display())).await;
    store.expect("the file is made")
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_test = arguments.iter().any(|argument| argument == "--test");
    let scale = if is_test { TEST } else { FULL };
    let named: Vec<_> = arguments
        .iter()
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    let is_named = |name: &str| named.iter().any(|named| *named == name);
    let is_meant = |name: &str| named.is_empty() || is_named(name);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    runtime.expect("the runtime starts").block_on(async {
        if is_meant("memory") {
            sending::report("memory", &scale, async || MemoryOutbox::new()).await;
        }
        if is_meant("sqlite") {
            sending::report("sqlite", &scale, on_sqlite).await;
        }
        if ["postgres", "transactions", "parked"]
            .into_iter()
            .any(is_meant)
        {
            postgres::report(&scale, is_meant).await;
        }
        // It takes crates of its own, which the others do not.
        if is_named("peer") {
            peer::report(&scale).await;
        }
    });
}
