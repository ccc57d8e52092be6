//! Clocks.

use std::sync::Arc;

use tower_webhook::time::{Clock, ManualClock, SystemClock};

/// A clock that says no more than it must.
#[derive(Debug)]
struct Seconds(i64);

impl Clock for Seconds {
    fn unix_seconds(&self) -> i64 {
        self.0
    }
}

#[test]
fn a_clock_of_seconds_has_whole_seconds_of_milliseconds() {
    assert_eq!(Seconds(7).unix_millis(), 7000);
    assert_eq!(Seconds(-7).unix_millis(), -7000);
    assert_eq!(Seconds(i64::MAX).unix_millis(), i64::MAX);
}

#[test]
fn a_clock_that_is_set_shows_that_and_so_does_one_that_is_shared() {
    let clock = Arc::new(ManualClock::new(7));
    let shown = |clock: &dyn Clock| (clock.unix_seconds(), clock.unix_millis());
    assert_eq!(shown(&*clock), (7, 7000));
    clock.set_millis(8999);
    assert_eq!(shown(&*clock), (8, 8999));
    clock.set_millis(-1);
    assert_eq!(shown(&*clock), (-1, -1));
    clock.set(5);
    assert_eq!(shown(&clock), (5, 5000));
}

#[test]
fn the_clock_of_the_machine_counts_both() {
    let seconds = SystemClock.unix_seconds();
    let millis = SystemClock.unix_millis();
    // Later than this was written.
    assert!(seconds > 1_763_724_670);
    assert!((seconds..seconds + 60).contains(&(millis / 1000)));
}
