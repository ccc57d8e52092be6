//! The simulated store is a right one.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;
use tower_webhook::store::conformance::{self, Testbed};
use tower_webhook::store::{
    Claim, Claimant, Fence, Fingerprint, Held, IdemKey, IdempotencyStore, Retention, StoreError,
    StoredAnswer,
};

use crate::memory::{Call, Plain, Reply};
use crate::run::alone;

struct Store {
    plain: Mutex<Plain>,
    start: Instant,
}

impl Store {
    fn held(&self, call: &Call) -> Result<Held, StoreError> {
        match self.plain.lock().unwrap().apply(call, self.start.elapsed()) {
            Reply::Held(held) => Ok(held),
            Reply::Claim(_) => unreachable!("a reply is that to its call"),
        }
    }
}

impl IdempotencyStore for Store {
    async fn claim(
        &self,
        key: &IdemKey,
        who: Claimant,
        payload: &Fingerprint,
        lease: Duration,
    ) -> Result<Claim, StoreError> {
        let call = Call::Claim(key.clone(), who, *payload, lease);
        match self
            .plain
            .lock()
            .unwrap()
            .apply(&call, self.start.elapsed())
        {
            Reply::Claim(claim) => Ok(claim),
            Reply::Held(_) => unreachable!("a reply is that to its call"),
        }
    }

    async fn renew(
        &self,
        key: &IdemKey,
        fence: Fence,
        lease: Duration,
    ) -> Result<Held, StoreError> {
        self.held(&Call::Renew(key.clone(), fence, lease))
    }

    async fn complete(
        &self,
        key: &IdemKey,
        fence: Fence,
        answer: &StoredAnswer,
        keep: Retention,
    ) -> Result<Held, StoreError> {
        self.held(&Call::Complete(key.clone(), fence, answer.clone(), keep))
    }

    async fn release(&self, key: &IdemKey, fence: Fence) -> Result<Held, StoreError> {
        self.held(&Call::Release(key.clone(), fence))
    }
}

struct Bed;

impl Testbed for Bed {
    type Store = Store;

    async fn store(&self) -> Store {
        Store {
            plain: Mutex::new(Plain::new(None)),
            start: Instant::now(),
        }
    }

    async fn pass(&self, time: Duration) {
        tokio::time::advance(time).await;
    }
}

#[test]
fn the_simulated_store_passes_the_suite() {
    let _alone = alone();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    let facts = runtime
        .expect("it needs nothing")
        .block_on(conformance::run(&Bed));
    assert!(facts >= 100);
}
