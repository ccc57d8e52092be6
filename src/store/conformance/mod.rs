//! What every [`IdempotencyStore`] must do, as one suite of facts.
//!
//! Time passes by [`Testbed::pass`], so that a store with a clock of its own is tested as well as one
//! that lives by a paused one: a testbed may advance, set an offset, or sleep. The suite lets about 50
//! of its leases pass; a testbed that sleeps is done within a minute with the lease of 400 ms.
//!
//! # Example
//!
//! ```
//! # #[cfg(feature = "moka")]
//! # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
//! use std::time::Duration;
//! use tower_webhook::store::MokaStore;
//! use tower_webhook::store::conformance::{Testbed, run};
//!
//! struct Bed;
//!
//! impl Testbed for Bed {
//!     type Store = MokaStore;
//!
//!     async fn store(&self) -> MokaStore {
//!         MokaStore::new()
//!     }
//!
//!     async fn pass(&self, time: Duration) {
//!         tokio::time::advance(time).await;
//!     }
//! }
//!
//! let facts = run(&Bed).await;
//! assert!(facts >= 60);
//! # });
//! ```

mod answers;
mod claiming;
mod completing;
mod holding;
mod keys;
mod lasting;
mod racer;
mod racing;
mod releasing;

use std::fmt::Debug;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, StatusCode};

use super::{
    Claim, Claimant, Fence, Fingerprint, Held, IdemKey, IdempotencyStore, Retention, StoredAnswer,
};

const FIRST: &[u8] = b"{\"first\":1}";
const OTHER: &[u8] = b"{\"other\":1}";

/// Where a store is tested.
pub trait Testbed: Sync {
    /// The store under test.
    type Store: IdempotencyStore;

    /// Connects to the store. Keys of earlier runs must not be in it.
    fn store(&self) -> impl Future<Output = Self::Store>;

    /// Lets time pass for the store: a sleep, or the advance of a paused clock.
    fn pass(&self, time: Duration) -> impl Future<Output = ()>;

    /// The lease of the suite. A testbed that sleeps needs one of many times what a call takes: a claim
    /// that lapses while it is looked at proves nothing.
    fn lease(&self) -> Duration {
        Duration::from_millis(400)
    }
}

/// Runs the suite and says how many facts hold.
///
/// # Panics
///
/// Panics with the fact that does not hold.
pub async fn run<T: Testbed>(bed: &T) -> usize {
    let mut suite = Suite {
        bed,
        store: Arc::new(bed.store().await),
        facts: 0,
    };
    claiming::run(&mut suite).await;
    keys::run(&mut suite).await;
    holding::run(&mut suite).await;
    completing::run(&mut suite).await;
    answers::run(&mut suite).await;
    lasting::run(&mut suite).await;
    releasing::run(&mut suite).await;
    racing::run(&mut suite).await;
    suite.facts
}

struct Suite<'t, T: Testbed> {
    bed: &'t T,
    store: Arc<T::Store>,
    facts: usize,
}

impl<T: Testbed> Suite<'_, T> {
    async fn fact(&mut self, fact: &'static str, check: impl AsyncFnOnce(Case<'_, T>)) {
        self.facts += 1;
        let case = Case {
            bed: self.bed,
            store: &self.store,
            key: IdemKey::compose("conformance", Some("fact"), &self.facts.to_string()),
            fact,
        };
        check(case).await;
    }
}

/// One fact, with a key of its own.
struct Case<'t, T: Testbed> {
    bed: &'t T,
    store: &'t Arc<T::Store>,
    key: IdemKey,
    fact: &'static str,
}

impl<T: Testbed> Case<'_, T> {
    /// The same fact under another key.
    fn beside(&self, name: &str) -> Self {
        Self {
            key: IdemKey::compose(self.key.as_str(), None, name),
            ..*self
        }
    }

    fn lease(&self) -> Duration {
        self.bed.lease()
    }

    async fn claim_for(&self, who: Claimant, body: &[u8], lease: Duration) -> Claim {
        let payload = Fingerprint::of(body);
        let claim = self.store.claim(&self.key, who, &payload, lease).await;
        claim.expect(self.fact)
    }

    async fn claim_as(&self, who: Claimant, body: &[u8]) -> Claim {
        self.claim_for(who, body, self.lease()).await
    }

    async fn claim(&self, body: &[u8]) -> Claim {
        self.claim_as(Claimant::unique(), body).await
    }

    /// A grant, and whether somebody vanished before it.
    async fn grant(&self, body: &[u8]) -> (Fence, bool) {
        self.grant_of(self.claim(body).await)
    }

    fn grant_of(&self, claim: Claim) -> (Fence, bool) {
        match claim {
            Claim::Acquired { fence, reclaimed } => (fence, reclaimed),
            other => panic!("{}: {other:?}", self.fact),
        }
    }

    async fn fence(&self) -> Fence {
        self.grant(FIRST).await.0
    }

    /// What a claimant hears of the lease of another.
    async fn wait(&self) -> Duration {
        match self.claim(FIRST).await {
            Claim::InProgress { retry_after } => retry_after,
            other => panic!("{}: {other:?}", self.fact),
        }
    }

    async fn renew(&self, fence: Fence) -> Held {
        self.renew_for(fence, self.lease()).await
    }

    async fn renew_for(&self, fence: Fence, lease: Duration) -> Held {
        let held = self.store.renew(&self.key, fence, lease).await;
        held.expect(self.fact)
    }

    /// Completes, to be kept whole for one lease and as a tombstone for three.
    async fn complete(&self, fence: Fence, answer: &StoredAnswer) -> Held {
        let keep = Retention::new(self.lease(), self.lease() * 3);
        self.complete_for(fence, answer, keep).await
    }

    async fn complete_for(&self, fence: Fence, answer: &StoredAnswer, keep: Retention) -> Held {
        let held = self.store.complete(&self.key, fence, answer, keep).await;
        held.expect(self.fact)
    }

    async fn release(&self, fence: Fence) -> Held {
        let held = self.store.release(&self.key, fence).await;
        held.expect(self.fact)
    }

    /// Lets the tenths of a lease pass.
    async fn pass(&self, tenths: u32) {
        self.bed.pass(self.lease() * tenths / 10).await;
    }

    #[expect(clippy::needless_pass_by_value, reason = "the facts read better")]
    fn is<V: PartialEq + Debug>(&self, actual: V, expected: V) {
        assert_eq!(actual, expected, "{}", self.fact);
    }

    fn that(&self, holds: bool) {
        assert!(holds, "{}", self.fact);
    }

    async fn is_in_progress(&self) {
        self.wait().await;
    }

    async fn is_done(&self, answer: &StoredAnswer) {
        let answer = answer.clone();
        self.is(self.claim(FIRST).await, Claim::Done { answer });
    }
}

/// An answer with everything that a store may lose.
fn answer() -> StoredAnswer {
    let kind = HeaderValue::from_static("application/octet-stream");
    StoredAnswer::new(StatusCode::CREATED, 1_763_724_670)
        .with_body((&b"\0\xff\n\"quoted\""[..]).into(), Some(kind))
}

fn another() -> StoredAnswer {
    StoredAnswer::new(StatusCode::NO_CONTENT, 1)
}

/// A token that nobody was given.
fn later(fence: Fence) -> Fence {
    Fence::new(NonZeroU64::MIN.saturating_add(fence.get()))
}

/// A token that is good for another key.
async fn elsewhere<T: Testbed>(case: &Case<'_, T>) -> Fence {
    case.beside("elsewhere").fence().await
}
