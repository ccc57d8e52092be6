use std::time::Duration;

use tower_webhook::store::conformance::{Testbed, run};
use tower_webhook::store::{BoxStore, MokaStore};

struct Boxed;

impl Testbed for Boxed {
    type Store = BoxStore;

    async fn store(&self) -> BoxStore {
        BoxStore::new(MokaStore::new())
    }

    async fn pass(&self, time: Duration) {
        tokio::time::advance(time).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_boxed_store_conforms() {
    assert!(run(&Boxed).await >= 60);
}
