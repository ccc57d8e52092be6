//! Every store of the sending wing, held to the shared suite.

use tower_webhook::outbound::MemoryOutbox;
use tower_webhook::outbound::store::conformance::run;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_conforms() {
    let facts = run(async || MemoryOutbox::new()).await;
    println!("{facts} facts on memory");
}
