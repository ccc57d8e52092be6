use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::{
    Claim, Claimant, FIRST, Fence, Fingerprint, Held, IdemKey, IdempotencyStore, Retention, another,
};

/// Of claims under which nobody waits for an end. A slow store must not lose them half-way.
const LONG: Duration = Duration::from_secs(600);

/// One call of a race, in a task of its own.
pub(super) struct Racer<S> {
    pub(super) store: Arc<S>,
    pub(super) key: IdemKey,
    pub(super) fact: &'static str,
}

impl<S: IdempotencyStore> Racer<S> {
    pub(super) async fn ask(self, who: Claimant, body: Vec<u8>) -> Claim {
        let payload = Fingerprint::of(&body);
        let claim = self.store.claim(&self.key, who, &payload, LONG).await;
        claim.expect(self.fact)
    }

    pub(super) async fn renew(self, fence: Fence) -> Held {
        let held = self.store.renew(&self.key, fence, LONG).await;
        held.expect(self.fact)
    }

    pub(super) async fn tell(self, fence: Fence, body: Vec<u8>) -> Held {
        let answer = another().with_body(body.into(), None);
        let keep = Retention::new(LONG, LONG);
        let held = self.store.complete(&self.key, fence, &answer, keep).await;
        held.expect(self.fact)
    }

    pub(super) async fn release(self, fence: Fence) -> Held {
        let held = self.store.release(&self.key, fence).await;
        held.expect(self.fact)
    }

    /// The tokens of what was granted in so many tries.
    pub(super) async fn claim_and_release(self, tries: u32) -> Vec<Fence> {
        let (payload, mut fences) = (Fingerprint::of(FIRST), Vec::new());
        for _ in 0..tries {
            let who = Claimant::unique();
            let claim = self.store.claim(&self.key, who, &payload, LONG).await;
            if let Claim::Acquired { fence, .. } = claim.expect(self.fact) {
                fences.push(fence);
                let held = self.store.release(&self.key, fence).await;
                assert_eq!(held.expect(self.fact), Held::Yes, "{}", self.fact);
            }
        }
        fences
    }
}

pub(super) async fn at_once<F>(count: u8, task: impl Fn(u8) -> F) -> Vec<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let tasks: JoinSet<_> = (0..count).map(task).collect();
    tasks.join_all().await
}

/// Both calls in tasks of their own. The second is spawned first in each second round.
pub(super) async fn both<A, B>(round: u32, one: A, two: B) -> (A::Output, B::Output)
where
    A: Future<Output: Send> + Send + 'static,
    B: Future<Output: Send> + Send + 'static,
{
    let (one, two) = if round.is_multiple_of(2) {
        let one = tokio::spawn(one);
        (one, tokio::spawn(two))
    } else {
        let two = tokio::spawn(two);
        (tokio::spawn(one), two)
    };
    let ended = "a task of the suite panicked";
    (one.await.expect(ended), two.await.expect(ended))
}
