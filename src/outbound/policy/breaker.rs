use std::time::Duration;

use crate::config::ConfigError;

/// When an endpoint that fails is left alone for a while.
///
/// After so many failed attempts in a row nothing is sent to it for a pause, then one delivery at a time; each further
/// failure doubles the pause, and after one that arrives all is as before. Deliveries that wait for it lose no attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Breaker {
    pub(crate) failures: u32,
    pause: Duration,
    longest: Duration,
}

impl Breaker {
    /// After so many failures in a row; 5 by default. The first pause is 5 s, the longest 5 min.
    pub fn after(failures: u32) -> Self {
        Self {
            failures,
            pause: Duration::from_secs(5),
            longest: Duration::from_secs(300),
        }
    }

    /// Never: an endpoint that is down is asked as often as one that is up.
    pub fn off() -> Self {
        Self::after(u32::MAX)
    }

    /// The first pause and the longest.
    pub fn pauses(mut self, first: Duration, longest: Duration) -> Self {
        (self.pause, self.longest) = (first, longest);
        self
    }

    /// The pause after so many failures in a row.
    #[must_use]
    pub fn pause(&self, failures: u32) -> Option<Duration> {
        let beyond = failures.checked_sub(self.failures)?;
        let pause = self.pause.saturating_mul(2_u32.saturating_pow(beyond));
        Some(pause.min(self.longest))
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        if self.failures == 0 || self.pause.is_zero() || self.longest < self.pause {
            let reason =
                "must begin after a failure, with a pause that is no longer than the longest";
            return Err(ConfigError::new("breaker", reason));
        }
        Ok(())
    }
}

impl Default for Breaker {
    fn default() -> Self {
        Self::after(5)
    }
}
