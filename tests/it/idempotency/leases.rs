//! What is tried until the lease ends, and not after.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::rig::{Rig, status};

fn count(calls: &AtomicUsize) -> usize {
    calls.load(Ordering::Relaxed)
}

#[tokio::test(start_paused = true)]
async fn a_completion_is_tried_each_second_until_the_lease_ends_and_not_after() {
    let rig = Rig::new(|| status(204));
    rig.store
        .completions_to_fail
        .store(10_000, Ordering::Relaxed);
    assert_eq!(rig.github("1", "{}").await.status(), 204);
    // At once, three times half a second apart, and then from the third second to the 300th.
    assert_eq!(count(&rig.store.completions), 4);
    tokio::time::sleep(Duration::from_secs(1000)).await;
    assert_eq!(count(&rig.store.completions), 4 + 298);
}

#[tokio::test(start_paused = true)]
async fn a_claim_is_given_up_each_second_until_the_lease_ends_and_not_after() {
    let rig = Rig::new(|| status(500));
    rig.store.releases_to_fail.store(10_000, Ordering::Relaxed);
    assert_eq!(rig.github("1", "{}").await.status(), 500);
    assert_eq!(count(&rig.store.releases), 1);
    tokio::time::sleep(Duration::from_secs(1000)).await;
    assert_eq!(count(&rig.store.releases), 1 + 300);
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_hangs_is_given_up_in_time_for_others() {
    let rig = Rig {
        lease: Duration::from_secs(1),
        takes: Duration::from_millis(1500),
        ..Rig::new(|| status(204))
    };
    // Each may take a tenth of so short a lease, so that three of them fit into it.
    rig.store.renewals_to_hang.store(3, Ordering::Relaxed);
    assert_eq!(rig.github("1", "{}").await.status(), 204);
    assert_eq!(rig.runs(), 1);
    assert!(count(&rig.store.renewals) > 3);
}
