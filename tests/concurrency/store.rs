//! The store in memory.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use shuttle::future::block_on;
use shuttle::thread;
use tower_webhook::store::{
    Claim, Claimant, Fence, Fingerprint, Held, IdemKey, IdempotencyStore as _, MokaStore,
    Retention, StoredAnswer,
};

use crate::try_orders;

const HOUR: Duration = Duration::from_secs(3600);
/// A lease that is over when it begins.
const LAPSED: Duration = Duration::ZERO;

fn key(name: &str) -> IdemKey {
    IdemKey::compose("concurrency", None, name)
}

fn claim(store: &MokaStore, key: &IdemKey, lease: Duration) -> Option<Claim> {
    let payload = Fingerprint::of(b"{}");
    block_on(store.claim(key, Claimant::unique(), &payload, lease)).ok()
}

fn granted(claim: Option<Claim>) -> Option<Fence> {
    match claim {
        Some(Claim::Acquired { fence, .. }) => Some(fence),
        _ => None,
    }
}

fn complete(store: &MokaStore, key: &IdemKey, fence: Fence, keep: Retention) -> Held {
    let status = StatusCode::from_u16(200 + u16::try_from(fence.get() % 20).unwrap()).unwrap();
    let answer = StoredAnswer::new(status, 0);
    block_on(store.complete(key, fence, &answer, keep)).unwrap()
}

/// Runs `work` in `count` threads and gathers what they say.
fn threads<T: Send + 'static>(
    count: usize,
    work: impl Fn(usize) -> T + Send + Sync + 'static,
) -> Vec<T> {
    let work = Arc::new(work);
    let spawn = |number| {
        let work = Arc::clone(&work);
        thread::spawn(move || work(number))
    };
    let running: Vec<_> = (0..count).map(spawn).collect();
    running
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .collect()
}

#[test]
fn of_racing_claims_one_is_granted() {
    try_orders(|| {
        let store = Arc::new(MokaStore::with_capacity(8));
        let shared = Arc::clone(&store);
        let claims = threads(3, move |_| claim(&shared, &key("one"), HOUR));
        let grants = claims.iter().cloned().filter_map(granted).count();
        let waiting = |claim: &&Option<Claim>| matches!(claim, Some(Claim::InProgress { .. }));
        assert_eq!((grants, claims.iter().filter(waiting).count()), (1, 2));
        assert_eq!(store.len(), 1);
    });
}

#[test]
fn holders_who_lapsed_commit_once() {
    try_orders(|| {
        let store = Arc::new(MokaStore::with_capacity(8));
        let shared = Arc::clone(&store);
        let ends = threads(3, move |_| match claim(&shared, &key("one"), LAPSED) {
            Some(Claim::Acquired { fence, .. }) => {
                let held = complete(&shared, &key("one"), fence, Retention::new(HOUR, HOUR));
                (held == Held::Yes).then_some(fence)
            }
            // Its lease may have begun a moment later than this claim was asked for.
            Some(Claim::Done { .. } | Claim::InProgress { .. }) => None,
            other => panic!("{other:?}"),
        });
        let commits: Vec<_> = ends.into_iter().flatten().collect();
        assert_eq!(commits.len(), 1);
        // What is told later is what was committed.
        let Some(Claim::Done { answer }) = claim(&store, &key("one"), HOUR) else {
            panic!("a commit was forgotten");
        };
        assert_eq!(
            u64::from(answer.status.as_u16()),
            200 + commits[0].get() % 20
        );
        assert_eq!(store.len(), 1);
    });
}

#[test]
fn who_gives_up_too_late_frees_nobody_elses_claim() {
    try_orders(|| {
        let store = Arc::new(MokaStore::with_capacity(8));
        let late = granted(claim(&store, &key("one"), LAPSED)).unwrap();
        let shared = Arc::clone(&store);
        let grants = threads(3, move |number| {
            if number == 0 {
                let _ = block_on(shared.release(&key("one"), late));
                let _ = block_on(shared.renew(&key("one"), late, LAPSED));
                return None;
            }
            granted(claim(&shared, &key("one"), HOUR))
        });
        let grants: Vec<_> = grants.into_iter().flatten().collect();
        assert_eq!(grants.len(), 1);
        assert!(grants[0] > late);
        assert_eq!(
            block_on(store.renew(&key("one"), grants[0], HOUR)).unwrap(),
            Held::Yes
        );
    });
}

#[test]
fn no_claim_goes_over_the_bound_and_each_place_is_given_back() {
    try_orders(|| {
        let store = Arc::new(MokaStore::with_capacity(2));
        let shared = Arc::clone(&store);
        threads(3, move |number| {
            let key = key(&number.to_string());
            let fence = granted(claim(&shared, &key, LAPSED));
            assert!(shared.len() <= 2);
            if let Some(fence) = fence {
                match number {
                    0 => drop(block_on(shared.release(&key, fence))),
                    // Forgotten with the next sweep.
                    _ => drop(complete(
                        &shared,
                        &key,
                        fence,
                        Retention::new(LAPSED, LAPSED),
                    )),
                }
            }
            assert!(shared.len() <= 2);
        });
        // All of it is over by now, so there is room for two, and for no third.
        let room = ["a", "b", "c"].map(|name| granted(claim(&store, &key(name), HOUR)).is_some());
        assert_eq!((room, store.len()), ([true, true, false], 2));
    });
}

#[test]
fn what_is_forgotten_early_is_counted_once() {
    try_orders(|| {
        let store = Arc::new(MokaStore::with_capacity(2));
        let shared = Arc::clone(&store);
        let keep = Retention::new(HOUR, HOUR).with_safety(Duration::ZERO);
        let commits = threads(3, move |number| {
            let key = key(&number.to_string());
            let fence = granted(claim(&shared, &key, HOUR));
            fence.is_some_and(|fence| complete(&shared, &key, fence, keep) == Held::Yes)
        });
        let commits = commits.into_iter().filter(|held| *held).count();
        let early = usize::try_from(store.forgotten_early()).unwrap();
        assert_eq!(store.len() + early, commits);
    });
}
