//! Settings that let nothing through are named; what policies say of themselves.

use std::time::Duration;

use tower_webhook::outbound::policy::{AutoDisable, Breaker, Limits, Schedule};
use tower_webhook::outbound::{MemoryOutbox, SealingKey, Sender, SenderBuilder};

const SECOND: Duration = Duration::from_secs(1);
const MONTH: Duration = Duration::from_secs(30 * 24 * 3600);

fn builder() -> SenderBuilder<MemoryOutbox> {
    Sender::builder(MemoryOutbox::new(), SealingKey::generate())
}

#[test]
fn a_setting_that_lets_nothing_through_is_named() {
    let breaker = |first, longest| builder().breaker(Breaker::after(1).pauses(first, longest));
    let schedule = |waits: &[Duration], jitter| {
        let schedule = Schedule::list(waits.iter().copied());
        builder().schedule(schedule.jitter(jitter))
    };
    for (refused, field) in [
        (builder().breaker(Breaker::after(0)), "breaker"),
        (breaker(Duration::ZERO, SECOND), "breaker"),
        (breaker(2 * SECOND, SECOND), "breaker"),
        (
            builder().auto_disable(AutoDisable::after(0)),
            "auto_disable",
        ),
        (builder().limits(Limits::concurrent(0)), "limits"),
        (
            builder().limits(Limits::concurrent(1).per_second(0)),
            "limits",
        ),
        (schedule(&[SECOND], 1.0), "schedule"),
        (schedule(&[SECOND], -0.1), "schedule"),
        (schedule(&[MONTH + SECOND], 0.0), "schedule"),
        (builder().timeout(Duration::ZERO), "timeout"),
        (builder().lease(19 * SECOND), "lease"),
    ] {
        assert_eq!(refused.build().unwrap_err().field(), field);
    }
    for taken in [
        breaker(SECOND, SECOND),
        builder().auto_disable(AutoDisable::after(1)),
        builder().limits(Limits::concurrent(1).per_second(1)),
        schedule(&[SECOND, MONTH], 0.9),
        schedule(&[], 0.0),
        builder().lease(20 * SECOND),
    ] {
        assert!(taken.build().is_ok());
    }
}

#[test]
fn what_is_switched_off_never_comes() {
    assert_eq!(Breaker::off().pause(1_000_000), None);
    assert!(!AutoDisable::never().is_reached(1_000_000, MONTH));
    assert!(AutoDisable::strict().is_reached(10, Duration::ZERO));
}

#[test]
fn a_schedule_says_how_many_retries_it_has() {
    assert_eq!(Schedule::standard().retries(), 9);
    assert_eq!(Schedule::long().retries(), 7);
    assert_eq!(Schedule::quick().retries(), 5);
    assert_eq!(Schedule::list([]).retries(), 0);
}
