//! Histories: what workers that pause, crash and lose replies hear of a store, and whether a right
//! store can have said it.
//!
//! `HISTORY_CLAIMS=100000` sets how many claims each store is asked for.

mod check;
mod event;
mod naive;
mod worker;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use tokio::task::JoinSet;
use tower_webhook::store::{IdemKey, IdempotencyStore, MokaStore};

use self::event::{Call, Diary, Reply, Violation};
use self::naive::Naive;
use self::worker::{Seed, Worker};
use super::broken::{Flaw, Simple};

const WORKERS: u64 = 24;
const KEYS: usize = 480;
/// Of one episode, with keys of its own.
const CLAIMS: usize = 3_600;

/// What a survey came to.
#[derive(Debug, Default)]
pub(super) struct Report {
    claims: usize,
    grants: usize,
    commits: usize,
    refused: usize,
    lost_replies: usize,
    violations: Vec<Violation>,
}

impl Report {
    /// # Panics
    ///
    /// Panics with what no right store can have said, and where nothing was tried.
    pub(super) fn is_right(&self) {
        assert_eq!(self.violations, []);
        assert!(self.commits > 0 && self.refused > 0 && self.lost_replies > 0);
    }
}

/// Asks the instances of a store for so many claims and looks at what they said.
pub(super) async fn survey<S: IdempotencyStore>(
    stores: &[Arc<S>],
    run: &str,
    claims: usize,
    lease: Duration,
) -> Report {
    let mut report = Report::default();
    let mut episode = 0;
    while report.claims < claims {
        let quota = CLAIMS.min(claims - report.claims);
        let keys =
            (0..KEYS).map(|n| IdemKey::compose(run, Some(&episode.to_string()), &n.to_string()));
        play(stores, &keys.collect(), episode, quota, lease, &mut report).await;
        episode += 1;
    }
    println!(
        "{run}: {} claims, {} grants, {} commits, {} stale calls refused, {} replies lost, {} violations",
        report.claims,
        report.grants,
        report.commits,
        report.refused,
        report.lost_replies,
        report.violations.len()
    );
    report
}

async fn play<S: IdempotencyStore>(
    stores: &[Arc<S>],
    keys: &Arc<[IdemKey]>,
    episode: u64,
    quota: usize,
    lease: Duration,
    report: &mut Report,
) {
    let diary = Arc::new(Diary::default());
    let claims_left = Arc::new(AtomicUsize::new(quota));
    let worker = |number: u64| Worker {
        store: Arc::clone(&stores[number as usize % stores.len()]),
        diary: Arc::clone(&diary),
        claims_left: Arc::clone(&claims_left),
        quota,
        keys: Arc::clone(keys),
        lease,
        seed: Seed::new(episode * WORKERS + number),
    };
    let workers: JoinSet<_> = (0..WORKERS).map(|n| worker(n).work()).collect();
    workers.join_all().await;
    // A late call may still be under way, and may renew.
    tokio::time::sleep(lease * 3).await;
    let mut last = worker(0);
    for key in 0..keys.len() {
        last.last_look(key).await;
    }
    drop(last);
    let events = Arc::into_inner(diary).unwrap().into_events();
    for event in &events {
        let reply = event.heard.map(|(_, reply)| reply);
        report.claims += usize::from(matches!(event.call, Call::Claim(_)));
        report.grants += usize::from(matches!(reply, Some(Reply::Acquired(_))));
        let is_commit = matches!(event.call, Call::Complete(_)) && reply == Some(Reply::Held);
        report.commits += usize::from(is_commit);
        report.refused += usize::from(reply == Some(Reply::Lost));
        report.lost_replies += usize::from(reply.is_none());
    }
    for key in 0..keys.len() {
        report.violations.extend(check::check(key, &events, lease));
    }
}

pub(super) fn claims() -> usize {
    let claims = std::env::var("HISTORY_CLAIMS");
    claims.map_or(CLAIMS, |claims| claims.parse().expect("a number of claims"))
}

#[tokio::test(start_paused = true)]
async fn the_histories_of_moka_are_right() {
    let store = Arc::new(MokaStore::new());
    let lease = Duration::from_millis(25);
    let report = survey(&[store], "moka, paused time", claims(), lease).await;
    report.is_right();
    assert!(report.claims >= claims());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_histories_of_moka_are_right_on_two_threads() {
    let store = Arc::new(MokaStore::new());
    let lease = Duration::from_millis(25);
    let report = survey(&[store], "moka, two threads", CLAIMS, lease).await;
    report.is_right();
}

#[tokio::test(start_paused = true)]
async fn a_history_is_the_same_again() {
    let lease = Duration::from_millis(25);
    let mut seen = Vec::new();
    for _ in 0..2 {
        let store = Arc::new(Naive::default());
        let report = survey(&[store], "naive", CLAIMS, lease).await;
        seen.push(report.violations);
    }
    assert_eq!(seen[0], seen[1]);
}

/// Two commits, or a claim granted after a commit.
fn is_double(violation: &Violation) -> bool {
    matches!(
        violation,
        Violation::TwoCommits(_) | Violation::GrantedAfterCommit(_)
    )
}

#[tokio::test(start_paused = true)]
async fn a_naive_store_is_flagged_every_time() {
    for run in 0..50_u64 {
        let store = Arc::new(Naive::default());
        let keys = (0..KEYS).map(|n| IdemKey::compose("naive", None, &n.to_string()));
        let mut report = Report::default();
        let lease = Duration::from_millis(25);
        play(&[store], &keys.collect(), run, CLAIMS, lease, &mut report).await;
        assert!(report.violations.iter().any(is_double), "run {run}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_naive_store_is_flagged_in_real_time() {
    tokio::time::resume();
    let store = Arc::new(Naive::default());
    let report = survey(
        &[store],
        "naive, real time",
        CLAIMS,
        Duration::from_millis(25),
    )
    .await;
    assert!(report.violations.iter().any(is_double));
}

#[tokio::test(start_paused = true)]
async fn what_breaks_the_protocol_shows_in_the_history() {
    let lease = Duration::from_millis(25);
    let control = survey(&[Arc::new(Simple::new(None))], "no flaw", CLAIMS, lease).await;
    assert_eq!(control.violations, []);
    for flaw in [
        Flaw::OneFenceForAll,
        Flaw::FenceShrinks,
        Flaw::FenceKeptOverRelease,
        Flaw::FenceKeptOverTakeover,
        Flaw::EverybodyIsTheHolder,
        Flaw::LeaseEndsEarly,
        Flaw::RenewalByAnybody,
        Flaw::RenewalUndoesCompletion,
        Flaw::CompletionByAnybody,
        Flaw::CompletionBySmallerFence,
        Flaw::CompletionForgets,
        Flaw::CompletionOfAllKeys,
        Flaw::OneAnswerForAll,
        Flaw::ReleaseByAnybody,
        Flaw::ReleaseFreesTheCompleted,
        Flaw::ClaimIsNotAtomic,
        Flaw::TakeoverIsNotAtomic,
    ] {
        let store = Arc::new(Simple::new(Some(flaw)));
        let report = survey(&[store], &format!("{flaw:?}"), CLAIMS, lease).await;
        assert!(!report.violations.is_empty(), "{flaw:?}");
    }
}
