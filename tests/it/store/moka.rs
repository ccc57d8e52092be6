//! The store in memory: the shared suite, its bound, and keys.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use proptest::prelude::*;
use tower_webhook::store::conformance::{Testbed, run};
use tower_webhook::store::{
    Claim, Claimant, Fingerprint, Held, IdemKey, IdempotencyStore as _, MokaStore, Retention,
    StoreErrorKind, StoredAnswer,
};

const LEASE: Duration = Duration::from_secs(300);
const DAY: Duration = Duration::from_secs(86_400);

struct Paused;

impl Testbed for Paused {
    type Store = MokaStore;

    async fn store(&self) -> MokaStore {
        MokaStore::new()
    }

    async fn pass(&self, time: Duration) {
        tokio::time::advance(time).await;
    }
}

#[tokio::test(start_paused = true)]
async fn moka_conforms() {
    assert!(run(&Paused).await >= 60);
}

fn key(number: usize) -> IdemKey {
    IdemKey::compose("github", Some("push"), &number.to_string())
}

async fn claim(store: &MokaStore, number: usize) -> Result<Claim, StoreErrorKind> {
    let claim = store
        .claim(
            &key(number),
            Claimant::unique(),
            &Fingerprint::of(b"{}"),
            LEASE,
        )
        .await;
    claim.map_err(|err| err.kind())
}

async fn complete(store: &MokaStore, number: usize, keep: Retention) {
    let Ok(Claim::Acquired { fence, .. }) = claim(store, number).await else {
        panic!("{number} was not granted");
    };
    let answer = StoredAnswer::new(StatusCode::NO_CONTENT, 1);
    store
        .complete(&key(number), fence, &answer, keep)
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_full_store_refuses_and_forgets_nothing_inside_the_safety_window() {
    let store = MokaStore::with_capacity(1000);
    let keep = Retention::new(DAY, 7 * DAY).with_safety(Duration::from_secs(360));
    for number in 0..1000 {
        complete(&store, number, keep).await;
    }
    tokio::time::advance(Duration::from_secs(359)).await;
    assert_eq!(claim(&store, 1000).await, Err(StoreErrorKind::Full));
    for number in 0..1000 {
        assert!(matches!(
            claim(&store, number).await,
            Ok(Claim::Done { .. })
        ));
    }
    // A second later the oldest makes room, and only as many as are needed.
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(matches!(
        claim(&store, 1000).await,
        Ok(Claim::Acquired { .. })
    ));
    assert!(matches!(claim(&store, 1).await, Ok(Claim::Done { .. })));
    assert_eq!(store.len(), 1000);
    assert_eq!(store.forgotten_early(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_full_store_that_may_forget_refuses_nobody_however_many_come_at_once() {
    let store = Arc::new(MokaStore::with_capacity(16_000));
    let keep = Retention::new(DAY, 7 * DAY).with_safety(Duration::ZERO);
    for number in 0..16_000 {
        complete(&store, number, keep).await;
    }
    // For each there is a record that may go, although the others look for one too.
    let tasks = (1..=8).map(|task| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for number in 0..2_000 {
                complete(&store, task * 100_000 + number, keep).await;
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    assert_eq!((store.len(), store.forgotten_early()), (16_000, 16_000));
}

#[tokio::test(start_paused = true)]
async fn of_two_retentions_the_older_record_is_forgotten_early() {
    let store = MokaStore::with_capacity(2);
    let [narrow, wide] = [60, 120].map(Duration::from_secs);
    complete(&store, 0, Retention::new(DAY, DAY).with_safety(wide)).await;
    tokio::time::advance(Duration::from_secs(1)).await;
    complete(&store, 1, Retention::new(DAY, DAY).with_safety(narrow)).await;
    tokio::time::advance(wide).await;
    assert!(matches!(claim(&store, 2).await, Ok(Claim::Acquired { .. })));
    assert!(matches!(claim(&store, 1).await, Ok(Claim::Done { .. })));
    assert_eq!(store.forgotten_early(), 1);
}

#[tokio::test(start_paused = true)]
async fn without_a_safety_window_nothing_is_forgotten_before_its_time() {
    let store = MokaStore::with_capacity(10);
    for number in 0..10 {
        complete(&store, number, Retention::new(DAY, 7 * DAY)).await;
    }
    tokio::time::advance(7 * DAY - Duration::from_secs(1)).await;
    assert_eq!(claim(&store, 10).await, Err(StoreErrorKind::Full));
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(matches!(
        claim(&store, 10).await,
        Ok(Claim::Acquired { .. })
    ));
    assert_eq!(store.len(), 1);
    // What was over was not early.
    assert_eq!(store.forgotten_early(), 0);
}

#[tokio::test(start_paused = true)]
async fn claims_that_nobody_came_back_to_make_room() {
    let store = MokaStore::with_capacity(10);
    for number in 0..10 {
        claim(&store, number).await.unwrap();
    }
    assert_eq!(claim(&store, 10).await, Err(StoreErrorKind::Full));
    tokio::time::advance(2 * LEASE).await;
    assert!(matches!(
        claim(&store, 10).await,
        Ok(Claim::Acquired { .. })
    ));
}

#[tokio::test(start_paused = true)]
async fn records_of_several_retentions_go_each_at_its_own_time() {
    let store = MokaStore::with_capacity(3);
    let [short, long] = [60, 120].map(Duration::from_secs);
    complete(&store, 0, Retention::new(long, long)).await;
    complete(&store, 1, Retention::new(short, short)).await;
    complete(&store, 2, Retention::new(long, long)).await;
    tokio::time::advance(short).await;
    assert!(matches!(claim(&store, 3).await, Ok(Claim::Acquired { .. })));
    assert_eq!(claim(&store, 4).await, Err(StoreErrorKind::Full));
    assert!(matches!(claim(&store, 0).await, Ok(Claim::Done { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_record_in_the_place_of_one_whose_time_is_over_keeps_its_answer() {
    let store = MokaStore::new();
    let keep = Retention::new(Duration::from_secs(10), Duration::from_secs(20));
    let answer = StoredAnswer::new(StatusCode::OK, 1).with_body("done".into(), None);
    for _ in 0..2 {
        let Ok(Claim::Acquired { fence, .. }) = claim(&store, 0).await else {
            panic!("it was not granted");
        };
        let held = store.complete(&key(0), fence, &answer, keep).await;
        assert_eq!(held.unwrap(), Held::Yes);
        let again = claim(&store, 0).await.unwrap();
        assert!(matches!(again, Claim::Done { answer: kept } if kept == answer));
        // Nobody looks for what is over before the event is done again.
        tokio::time::advance(keep.tombstone).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_says_how_much_it_holds_and_may_hold() {
    let store = MokaStore::with_capacity(10);
    assert_eq!((store.capacity(), store.len()), (10, 0));
    assert!(store.is_empty());
    claim(&store, 0).await.unwrap();
    assert!(!store.is_empty());
    assert_eq!(MokaStore::with_capacity(0).capacity(), 1);
}

#[test]
fn parts_of_a_key_are_escaped_where_they_would_join_otherwise() {
    for (parts, text) in [
        (["github", "push", "1"], "github:push:1"),
        (["a:b", "c%", "d\u{1}é"], "a%3Ab:c%25:d%01é"),
        ([":", "%", "~"], "%3A:%25:~"),
        (["", "é:é", "é%é"], ":é%3Aé:é%25é"),
        (["\u{7f}", " ", "\u{85}"], "%7F: :%C2%85"),
    ] {
        let [connection, event_type, nonce] = parts;
        let key = IdemKey::compose(connection, Some(event_type), nonce);
        assert_eq!(key.as_str(), text);
    }
    assert_eq!(IdemKey::compose("a", None, "1").as_str(), "a::1");
}

#[test]
fn a_key_of_more_than_255_characters_is_the_digest_of_all() {
    let nonce = |length: usize| IdemKey::compose("a", None, &"é".repeat(length - 3));
    assert_eq!(nonce(255).as_str().chars().count(), 255);
    let long = nonce(256);
    assert_eq!(long.as_str().len(), 64);
    assert!(long.as_str().bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert_ne!(long, nonce(257));
}

proptest! {
    #[test]
    fn keys_are_equal_only_where_all_their_parts_are(
        one in prop::array::uniform3("[ab:%\u{0}é]{0,3}"),
        two in prop::array::uniform3("[ab:%\u{0}é]{0,3}"),
    ) {
        let compose = |[a, b, c]: &[String; 3]| IdemKey::compose(a, Some(b), c);
        prop_assert_eq!(compose(&one) == compose(&two), one == two);
    }

    #[test]
    fn keys_are_short_and_without_control_characters(nonce in any::<String>(), times in 1_usize..20) {
        let key = IdemKey::compose("github", Some("push"), &nonce.repeat(times));
        prop_assert!(key.as_str().chars().count() <= 255);
        prop_assert!(!key.as_str().chars().any(char::is_control));
    }
}
