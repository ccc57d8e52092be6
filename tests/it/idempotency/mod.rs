//! Claims: duplicates, failures, outages, and leases that run out.

mod leases;
mod racing;
mod rig;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tower_webhook::idempotency::{Reject, Retry};
use tower_webhook::outcome::{Incident, Outcome};
use tower_webhook::rejection::Rejection;
use tower_webhook::scheme::HmacScheme;
use tower_webhook::secret::Secret;

use self::rig::{KEY, NOW, Rig, status};

fn outcome<B>(response: &Response<B>) -> Outcome {
    Outcome::of(response)
}

fn is_duplicate<B>(response: &Response<B>) -> bool {
    let marked = response
        .headers()
        .get("webhook-duplicate")
        .is_some_and(|mark| mark == "true");
    assert_eq!(marked, outcome(response) == Outcome::Duplicate);
    marked
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_gets_the_recorded_answer_and_runs_nothing() {
    let rig = Rig::new(|| {
        let response = Response::builder()
            .status(201)
            .header("content-type", "text/plain");
        response
            .header("set-cookie", "a=b")
            .body("made".to_owned())
            .unwrap()
    });
    let first = rig.github("1", "{}").await;
    assert_eq!(outcome(&first), Outcome::Acknowledged);
    let second = rig.github("1", "{}").await;
    assert!(is_duplicate(&second) && !is_duplicate(&first));
    assert_eq!(
        (second.status(), second.body()),
        (first.status(), first.body())
    );
    assert_eq!(second.headers()["content-type"], "text/plain");
    assert!(!second.headers().contains_key("set-cookie"));
    assert_eq!(rig.runs(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_long_body_is_not_kept() {
    for (length, kept) in [(1024, 1024), (1025, 0)] {
        let rig = Rig::new(move || Response::new("a".repeat(length)));
        assert_eq!(rig.github("1", "{}").await.body().len(), length);
        let second = rig.github("1", "{}").await;
        assert!(is_duplicate(&second));
        assert_eq!(second.body().len(), kept);
    }
}

#[tokio::test(start_paused = true)]
async fn a_signed_id_with_other_bytes_is_422() {
    let rig = Rig::new(|| status(204));
    rig.standard("msg_1", "{}").await;
    let other = rig.standard("msg_1", "{\"a\":1}").await;
    assert_eq!(other.status(), 422);
    assert!(is_duplicate(&rig.standard("msg_1", "{}").await));
    assert_eq!(rig.runs(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_unsigned_id_claimed_in_advance_swallows_no_other_event() {
    let rig = Rig::new(|| status(204));
    rig.github("1", "{}").await;
    assert!(!is_duplicate(&rig.github("1", "{\"a\":1}").await));
    assert_eq!(rig.runs(), 2);
}

#[tokio::test(start_paused = true)]
async fn under_strict_replay_a_captured_body_under_a_fresh_id_is_a_duplicate() {
    for is_strict in [true, false] {
        let rig = Rig {
            is_strict,
            ..Rig::new(|| status(204))
        };
        rig.github("1", "{}").await;
        assert_eq!(is_duplicate(&rig.github("2", "{}").await), is_strict);
    }
}

#[tokio::test(start_paused = true)]
async fn what_signs_no_time_is_409_later_than_the_window_after_its_acceptance() {
    let rig = Rig::new(|| status(204));
    rig.github("1", "{}").await;
    rig.clock.set(NOW + 300);
    assert!(is_duplicate(&rig.github("1", "{}").await));
    rig.clock.set(NOW + 301);
    let late = rig.github("1", "{}").await;
    assert_eq!(late.status(), 409);
    assert_eq!(outcome(&late), Outcome::Rejected(Rejection::Stale));
    assert_eq!(rig.runs(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_failure_gives_the_claim_up_and_never_says_gone_or_elsewhere() {
    for (answer, seen) in [(500, 500), (404, 404), (503, 503), (410, 500), (302, 500)] {
        let rig = Rig::new(move || status(answer));
        for runs in 1..3 {
            let response = rig.github("1", "{}").await;
            assert_eq!(response.status(), seen);
            assert_eq!(outcome(&response), Outcome::HandlerError);
            assert_eq!(rig.runs(), runs);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_typed_refusal_is_for_good_and_a_typed_retry_is_not() {
    for (answer, seen) in [(422, 422), (410, 400), (500, 400)] {
        let rig = Rig::new(move || {
            let mut response = status(answer);
            response.extensions_mut().insert(Reject);
            response
        });
        let first = rig.github("1", "{}").await;
        assert_eq!(outcome(&first), Outcome::HandlerRejected);
        let second = rig.github("1", "{}").await;
        assert!(is_duplicate(&second));
        assert_eq!(
            (first.status(), second.status()),
            (second.status(), seen.try_into().unwrap())
        );
    }
    let rig = Rig::new(|| {
        let mut response = status(200);
        response.headers_mut().insert("retry-after", 7.into());
        response.extensions_mut().insert(Retry);
        response
    });
    for runs in 1..3 {
        let response = rig.github("1", "{}").await;
        assert_eq!(
            (
                response.status().as_u16(),
                &response.headers()["retry-after"]
            ),
            (503, &7.into())
        );
        assert_eq!(rig.runs(), runs);
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_500_and_gives_the_claim_up() {
    let calls = AtomicUsize::new(0);
    let rig = Rig::new(move || match calls.fetch_add(1, Ordering::Relaxed) {
        0 => panic!("as told"),
        _ => status(204),
    });
    let first = rig.github("1", "{}").await;
    assert_eq!(outcome(&first), Outcome::Rejected(Rejection::HandlerPanic));
    assert_eq!(outcome(&rig.github("1", "{}").await), Outcome::Acknowledged);
}

#[tokio::test(start_paused = true)]
async fn a_handler_past_its_deadline_is_503_and_dropped_before_the_claim_is_given_up() {
    let takes = Duration::from_secs(241);
    let rig = Rig {
        takes,
        ..Rig::new(|| status(204))
    };
    let late = rig.github("1", "{}").await;
    assert_eq!(outcome(&late), Outcome::Rejected(Rejection::HandlerTimeout));
    tokio::time::advance(takes).await;
    assert_eq!(rig.runs(), 0);
    let rig = Rig {
        takes: Duration::ZERO,
        ..rig
    };
    assert_eq!(outcome(&rig.github("1", "{}").await), Outcome::Acknowledged);
}

#[tokio::test(start_paused = true)]
async fn a_claim_is_kept_for_longer_than_its_lease_while_the_handler_runs() {
    let (takes, lease) = (Duration::from_secs(200), Duration::from_secs(30));
    let rig = Rig {
        takes,
        lease,
        ..Rig::new(|| status(204))
    };
    let first = tokio::spawn(rig.github("1", "{}"));
    tokio::time::sleep(Duration::from_secs(100)).await;
    let second = rig.github("1", "{}").await;
    let why = Outcome::Rejected(Rejection::InProgress {
        retry_after: 30,
        is_conflict: false,
    });
    assert!(
        matches!(
            outcome(&second),
            Outcome::Rejected(Rejection::InProgress { .. })
        ),
        "{why}"
    );
    assert!(
        std::str::from_utf8(second.body())
            .unwrap()
            .contains("processing")
    );
    let wait: u64 = second.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=30).contains(&wait));
    assert_eq!(outcome(&first.await.unwrap()), Outcome::Acknowledged);
    assert!((19..=20).contains(&rig.store.renewals.load(Ordering::Relaxed)));
}

#[tokio::test(start_paused = true)]
async fn a_handler_whose_claim_is_lost_is_stopped_and_the_record_left_alone() {
    let takes = Duration::from_secs(200);
    let rig = Rig {
        takes,
        ..Rig::new(|| status(204))
    };
    rig.store.is_lost.store(true, Ordering::Relaxed);
    let lost = rig.github("1", "{}").await;
    assert_eq!(outcome(&lost), Outcome::Rejected(Rejection::LeaseLost));
    tokio::time::advance(takes).await;
    assert_eq!(rig.runs(), 0);
    assert_eq!(rig.store.completions.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_at_the_claim_is_asked_three_times_by_the_same_claimant() {
    let rig = Rig::new(|| status(204));
    rig.store.claims_to_fail.store(3, Ordering::Relaxed);
    let down = rig.github("1", "{}").await;
    assert_eq!(
        outcome(&down),
        Outcome::Rejected(Rejection::StoreUnavailable)
    );
    assert_eq!(down.headers()["retry-after"], "5");
    assert_eq!(rig.runs(), 0);
    rig.store.claims_to_fail.store(2, Ordering::Relaxed);
    assert_eq!(outcome(&rig.github("1", "{}").await), Outcome::Acknowledged);
    let claimants = rig.store.claimants.lock().unwrap();
    assert_eq!(claimants.len(), 6);
    assert!(claimants[..3].iter().all(|who| *who == claimants[0]));
    assert_ne!(claimants[0], claimants[3]);
}

#[tokio::test(start_paused = true)]
async fn a_marker_that_cannot_be_written_is_tried_again_after_the_answer() {
    let rig = Rig::new(|| status(204));
    rig.store.completions_to_fail.store(6, Ordering::Relaxed);
    let start = tokio::time::Instant::now();
    let first = rig.github("1", "{}").await;
    assert_eq!(first.status(), 204);
    assert_eq!(first.extensions().get(), Some(&Incident::CommitFailed));
    assert_eq!(start.elapsed().as_secs(), 2);
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(rig.store.completions.load(Ordering::Relaxed), 7);
    assert!(is_duplicate(&rig.github("1", "{}").await));
    assert_eq!(rig.runs(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_unauthenticated_request_asks_the_store_nothing() {
    let rig = Rig::new(|| status(204));
    for signature in [
        "sha256=00",
        "",
        "sha256=0000000000000000000000000000000000000000000000000000000000000000",
    ] {
        let req = Request::post("/").header("x-hub-signature-256", signature);
        let req = req.body(Full::new(Bytes::from_static(b"{}"))).unwrap();
        let scheme = HmacScheme::github(Secret::new(KEY).unwrap());
        assert_eq!(rig.send(scheme, req).await.status(), 401);
    }
    assert_eq!(rig.store.calls.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_messages_is_judged_by_its_grpc_status() {
    let told = Arc::new(Mutex::new("0"));
    let code = Arc::clone(&told);
    let rig = Rig::new(move || {
        let mut response = status(200);
        let code = http::HeaderValue::from_static(*code.lock().unwrap());
        response.headers_mut().insert("grpc-status", code);
        response
    });
    for _ in 0..2 {
        assert_eq!(rig.github("1", "{}").await.status(), 200);
    }
    assert_eq!(rig.runs(), 1);
    *told.lock().unwrap() = "13";
    for runs in [2, 3] {
        let failed = rig.github("2", "{}").await;
        // gRPC says all in that header: the status of HTTP stays.
        assert_eq!((failed.status().as_u16(), rig.runs()), (200, runs));
        assert_eq!(outcome(&failed), Outcome::HandlerError);
    }
}
