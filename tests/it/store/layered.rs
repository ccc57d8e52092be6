//! The store with a memory in front.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::StatusCode;
use tower_webhook::store::conformance::{Testbed, run};
use tower_webhook::store::{
    BoxStore, Claim, Claimant, Fence, Fingerprint, Held, IdemKey, IdempotencyStore as _,
    LayeredStore, MokaStore, RedisStore, Retention, StoredAnswer, TestClock,
};
use tower_webhook::time::{Clock as _, SystemClock};

use super::servers;
use crate::faulty::Faulty;

const LEASE: Duration = Duration::from_secs(300);
const DAY: Duration = Duration::from_secs(86_400);

struct Layered;

impl Testbed for Layered {
    type Store = LayeredStore<MokaStore>;

    async fn store(&self) -> Self::Store {
        let keep = Retention::new(Duration::from_millis(400), Duration::from_millis(1200));
        LayeredStore::new(MokaStore::new()).with_retention(keep)
    }

    async fn pass(&self, time: Duration) {
        tokio::time::advance(time).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_layered_store_conforms() {
    assert!(run(&Layered).await >= 40);
}

/// The store behind is on a server, with a clock of its own.
struct OnRedis {
    shared: RedisStore,
    clock: TestClock,
}

impl Testbed for OnRedis {
    type Store = LayeredStore<BoxStore>;

    async fn store(&self) -> Self::Store {
        LayeredStore::new(BoxStore::new(self.shared.clone()))
    }

    async fn pass(&self, time: Duration) {
        self.clock.advance(time);
        tokio::time::pause();
        tokio::time::advance(time).await;
        tokio::time::resume();
    }
}

#[tokio::test]
async fn a_layered_and_boxed_store_on_redis_conforms() {
    let Some(url) = servers::redis() else { return };
    let clock = TestClock::new();
    let builder = RedisStore::builder(&url).prefix(servers::unique("test"));
    let builder = builder
        .timeout(Duration::from_secs(30))
        .clock(clock.clone());
    let shared = builder.connect().await.unwrap();
    assert!(run(&OnRedis { shared, clock }).await >= 40);
}

fn key() -> IdemKey {
    IdemKey::compose("github", Some("push"), "1")
}

/// Two instances of one service, and the store they share, which counts.
struct Pair {
    shared: Arc<Faulty>,
    one: LayeredStore<Arc<Faulty>>,
    two: LayeredStore<Arc<Faulty>>,
}

impl Pair {
    fn new(keep: Option<Retention>) -> Self {
        let shared = Arc::<Faulty>::default();
        let instance = || {
            let store = LayeredStore::new(Arc::clone(&shared));
            match keep {
                Some(keep) => store.with_retention(keep),
                None => store,
            }
        };
        Self {
            one: instance(),
            two: instance(),
            shared,
        }
    }

    fn claims(&self) -> usize {
        self.shared.calls.load(Ordering::Relaxed)
    }
}

async fn claim(store: &LayeredStore<Arc<Faulty>>, body: &[u8]) -> Claim {
    let payload = Fingerprint::of(body);
    let claim = store
        .claim(&key(), Claimant::unique(), &payload, LEASE)
        .await;
    claim.unwrap()
}

async fn fence(store: &LayeredStore<Arc<Faulty>>) -> Fence {
    match claim(store, b"{}").await {
        Claim::Acquired { fence, .. } => fence,
        other => panic!("{other:?}"),
    }
}

fn answer(accepted_at: i64) -> StoredAnswer {
    StoredAnswer::new(StatusCode::CREATED, accepted_at).with_body("{}".into(), None)
}

fn keep() -> Retention {
    Retention::new(DAY, 7 * DAY)
}

async fn complete(store: &LayeredStore<Arc<Faulty>>, fence: Fence, answer: &StoredAnswer) -> Held {
    store.complete(&key(), fence, answer, keep()).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_of_what_was_completed_here_costs_no_round_trip() {
    let pair = Pair::new(None);
    let fence = fence(&pair.one).await;
    let answer = answer(7);
    assert_eq!(complete(&pair.one, fence, &answer).await, Held::Yes);
    let claims = pair.claims();
    for _ in 0..100 {
        let answer = answer.clone();
        assert_eq!(claim(&pair.one, b"{}").await, Claim::Done { answer });
    }
    assert_eq!(claim(&pair.one, b"[]").await, Claim::Mismatch);
    assert_eq!(pair.claims(), claims);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_known_to_be_completed_is_asked_behind() {
    let pair = Pair::new(None);
    let fence = fence(&pair.one).await;
    for store in [&pair.one, &pair.two] {
        assert!(matches!(
            claim(store, b"{}").await,
            Claim::InProgress { .. }
        ));
    }
    assert_eq!(pair.claims(), 3);
    pair.one.release(&key(), fence).await.unwrap();
    assert!(matches!(
        claim(&pair.two, b"{}").await,
        Claim::Acquired { .. }
    ));
}

#[tokio::test(start_paused = true)]
async fn a_completion_that_came_too_late_is_not_remembered() {
    let pair = Pair::new(None);
    let late = fence(&pair.one).await;
    tokio::time::advance(LEASE).await;
    let second = fence(&pair.two).await;
    assert_eq!(complete(&pair.one, late, &answer(7)).await, Held::Lost);
    assert!(matches!(
        claim(&pair.one, b"{}").await,
        Claim::InProgress { .. }
    ));
    assert_eq!(complete(&pair.two, second, &answer(7)).await, Held::Yes);
}

#[tokio::test(start_paused = true)]
async fn a_release_by_another_takes_nothing_from_the_holder() {
    let pair = Pair::new(None);
    let late = fence(&pair.one).await;
    tokio::time::advance(LEASE).await;
    let held = fence(&pair.one).await;
    let lost = pair.one.release(&key(), late).await.unwrap();
    assert_eq!(lost, Held::Lost);
    assert_eq!(complete(&pair.one, held, &answer(7)).await, Held::Yes);
    let asked = pair.claims();
    assert!(matches!(claim(&pair.one, b"{}").await, Claim::Done { .. }));
    assert_eq!(pair.claims(), asked);
}

#[tokio::test(start_paused = true)]
async fn the_memory_in_front_ends_before_the_one_behind() {
    let pair = Pair::new(None);
    let fence = fence(&pair.one).await;
    tokio::time::advance(LEASE / 2).await;
    let answer = answer(7);
    complete(&pair.one, fence, &answer).await;
    // A day after the claim: behind, the whole answer has 150 s left.
    tokio::time::advance(DAY - LEASE / 2).await;
    let claims = pair.claims();
    let whole = answer.clone();
    assert_eq!(claim(&pair.one, b"{}").await, Claim::Done { answer: whole });
    assert_eq!(pair.claims(), claims + 1);
    tokio::time::advance(LEASE / 2).await;
    let answer = answer.to_tombstone();
    assert_eq!(claim(&pair.one, b"{}").await, Claim::Done { answer });
    tokio::time::advance(6 * DAY).await;
    assert!(matches!(
        claim(&pair.one, b"{}").await,
        Claim::Acquired { .. }
    ));
}

#[tokio::test(start_paused = true)]
async fn with_the_retention_of_all_a_duplicate_costs_one_round_trip_elsewhere() {
    let accepted_at = SystemClock.unix_seconds();
    for (keep, expected) in [(None, 10), (Some(keep()), 1)] {
        let pair = Pair::new(keep);
        let fence = fence(&pair.one).await;
        complete(&pair.one, fence, &answer(accepted_at)).await;
        let claims = pair.claims();
        for _ in 0..10 {
            let answer = answer(accepted_at);
            assert_eq!(claim(&pair.two, b"{}").await, Claim::Done { answer });
        }
        assert_eq!(pair.claims() - claims, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn what_may_soon_be_forgotten_behind_is_not_remembered_in_front() {
    let now = SystemClock.unix_seconds();
    // A day ago less the 60 s that clocks may be apart, and in the future.
    for accepted_at in [now - 86_400 + 59, now + 3600] {
        let pair = Pair::new(Some(keep()));
        let fence = fence(&pair.one).await;
        complete(&pair.one, fence, &answer(accepted_at)).await;
        let claims = pair.claims();
        for _ in 0..10 {
            claim(&pair.two, b"{}").await;
        }
        assert_eq!(pair.claims() - claims, 10);
    }
}
