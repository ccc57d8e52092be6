//! Races that were planted: each must be found, or nothing here proves anything.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use shuttle::sync::Mutex;
use shuttle::sync::atomic::{AtomicUsize, Ordering};
use shuttle::thread;

/// Whether an order was found in which `threads` fail.
fn is_found(threads: impl Fn() + Send + Sync + Clone + 'static) -> bool {
    catch_unwind(AssertUnwindSafe(|| crate::try_orders(threads))).is_err()
}

#[test]
fn a_claim_that_looks_and_then_takes_is_found() {
    let is_granted = |claims: &Mutex<BTreeMap<&str, usize>>, who| {
        // Two locks, one after the other.
        let is_free = !claims.lock().unwrap().contains_key("one");
        if is_free {
            claims.lock().unwrap().insert("one", who);
        }
        is_free
    };
    assert!(is_found(move || {
        let claims = Arc::new(Mutex::new(BTreeMap::new()));
        let shared = Arc::clone(&claims);
        let other = thread::spawn(move || is_granted(&shared, 1));
        let one = is_granted(&claims, 2);
        assert!(!(one && other.join().unwrap()));
    }));
}

#[test]
fn a_bound_that_is_read_and_then_counted_up_is_found() {
    let take = |slots: &AtomicUsize| {
        if slots.load(Ordering::SeqCst) < 1 {
            slots.fetch_add(1, Ordering::SeqCst);
        }
    };
    assert!(is_found(move || {
        let slots = Arc::new(AtomicUsize::new(0));
        let shared = Arc::clone(&slots);
        let other = thread::spawn(move || take(&shared));
        take(&slots);
        other.join().unwrap();
        assert!(slots.load(Ordering::SeqCst) <= 1);
    }));
}
