//! Wall time, read in one place so that tests can set it.

use std::fmt::Debug;
#[cfg(feature = "test-util")]
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Tells the time in Unix seconds.
pub trait Clock: Debug + Send + Sync + 'static {
    /// Seconds since 1970-01-01 00:00:00 UTC.
    fn unix_seconds(&self) -> i64;

    /// Milliseconds since then. A clock that counts seconds only need not say more.
    fn unix_millis(&self) -> i64 {
        self.unix_seconds().saturating_mul(1000)
    }
}

/// Unix seconds of an RFC 3339 time in UTC, which is written with a `Z` by everybody who signs one.
pub(crate) fn rfc3339(text: &str) -> Option<i64> {
    // Behind the seconds `humantime` reads more than that.
    let fraction = text.get(19..)?.strip_suffix('Z')?;
    let is_fraction = match fraction.strip_prefix('.') {
        Some(digits) => !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()),
        None => fraction.is_empty(),
    };
    if !is_fraction {
        return None;
    }
    let time = humantime::parse_rfc3339(text).ok()?;
    i64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()
}

/// The RFC 3339 time in UTC of Unix seconds.
#[cfg(any(feature = "outbound", feature = "test-util"))]
pub(crate) fn to_rfc3339(unix_seconds: i64) -> String {
    let since = std::time::Duration::from_secs(unix_seconds.try_into().unwrap_or(0));
    humantime::format_rfc3339_seconds(UNIX_EPOCH + since).to_string()
}

/// The RFC 3339 time in UTC of Unix milliseconds. What is outside the years 1970 to 9999 is told as their ends.
#[cfg(feature = "outbound")]
pub(crate) fn to_rfc3339_millis(unix_millis: i64) -> String {
    const LAST: u64 = 253_402_300_799_999;
    let millis = u64::try_from(unix_millis).unwrap_or(0).min(LAST);
    let since = std::time::Duration::from_millis(millis);
    humantime::format_rfc3339_millis(UNIX_EPOCH + since).to_string()
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn unix_seconds(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        // A machine that lives before 1970 has no clock to judge freshness by: all is "future".
        since.map_or(0, |since| {
            i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
        })
    }

    fn unix_millis(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.map_or(0, |since| {
            i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
        })
    }
}

/// A clock that stands still until it is set. It counts milliseconds.
#[cfg(feature = "test-util")]
#[derive(Debug, Default)]
pub struct ManualClock(AtomicI64);

#[cfg(feature = "test-util")]
impl ManualClock {
    /// Creates a clock that shows `seconds`.
    #[must_use]
    pub fn new(seconds: i64) -> Self {
        Self(AtomicI64::new(seconds.saturating_mul(1000)))
    }

    /// Sets the time, backwards too.
    pub fn set(&self, seconds: i64) {
        self.set_millis(seconds.saturating_mul(1000));
    }

    /// Sets the time to so many milliseconds.
    pub fn set_millis(&self, millis: i64) {
        self.0.store(millis, Ordering::Relaxed);
    }
}

#[cfg(feature = "test-util")]
impl Clock for ManualClock {
    fn unix_seconds(&self) -> i64 {
        self.unix_millis().div_euclid(1000)
    }

    fn unix_millis(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl<C: Clock + ?Sized> Clock for std::sync::Arc<C> {
    fn unix_seconds(&self) -> i64 {
        (**self).unix_seconds()
    }

    fn unix_millis(&self) -> i64 {
        (**self).unix_millis()
    }
}
