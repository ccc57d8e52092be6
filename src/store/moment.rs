#[cfg(feature = "test-util")]
use std::sync::Arc;
#[cfg(feature = "test-util")]
use std::sync::atomic::{AtomicI64, Ordering};
#[cfg(feature = "test-util")]
use std::time::Duration;

#[cfg(feature = "test-util")]
use crate::time::{Clock as _, SystemClock};

/// The time by which a shared store judges leases: that of its server, or a clock of the tests.
#[derive(Clone, Debug, Default)]
pub(super) struct Moment {
    #[cfg(feature = "test-util")]
    pub(super) clock: Option<TestClock>,
}

impl Moment {
    /// Unix milliseconds, or `None` for the time of the server.
    #[cfg_attr(
        not(feature = "test-util"),
        expect(clippy::unused_self, reason = "tests set it")
    )]
    pub(super) fn millis(&self) -> Option<i64> {
        #[cfg(feature = "test-util")]
        return self.clock.as_ref().map(TestClock::millis);
        #[cfg(not(feature = "test-util"))]
        None
    }
}

/// A clock for stores on servers. It stands still until it is advanced: no lease lapses because the
/// machine is slow, and none has to be waited for. A clone is the same clock.
#[cfg(feature = "test-util")]
#[derive(Clone, Debug)]
pub struct TestClock(Arc<AtomicI64>);

#[cfg(feature = "test-util")]
impl TestClock {
    /// A clock that shows the present.
    #[must_use]
    pub fn new() -> Self {
        let now = SystemClock.unix_seconds().saturating_mul(1000);
        Self(Arc::new(AtomicI64::new(now)))
    }

    /// Lets `time` pass, in whole milliseconds.
    pub fn advance(&self, time: Duration) {
        let millis = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        self.0.fetch_add(millis, Ordering::Relaxed);
    }

    fn millis(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[cfg(feature = "test-util")]
impl Default for TestClock {
    fn default() -> Self {
        Self::new()
    }
}
