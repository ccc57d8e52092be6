use std::time::Duration;

use crate::config::ConfigError;

/// When a delivery that failed is tried again.
///
/// Each wait is counted from the end of the attempt before it, and is up to the [jitter](Self::jitter) longer or
/// shorter, so that what failed together does not come back together.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct Schedule {
    waits: Vec<Duration>,
    jitter: f64,
}

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// Longest wait of an exponential schedule.
const MAX_WAIT: Duration = Duration::from_secs(24 * 3600);

impl Schedule {
    /// 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h: what Standard Webhooks recommends, over three days.
    pub fn standard() -> Self {
        let hours = [2, 5, 10, 14, 20, 24].map(|hours| HOUR * hours);
        Self::list(
            [5 * SECOND, 5 * MINUTE, 30 * MINUTE]
                .into_iter()
                .chain(hours),
        )
    }

    /// 10 s, 1 min, 5 min, 30 min, 1 h, 6 h, 24 h.
    pub fn long() -> Self {
        let hours = [1, 6, 24].map(|hours| HOUR * hours);
        let minutes = [1, 5, 30].map(|minutes| MINUTE * minutes);
        Self::list([10 * SECOND].into_iter().chain(minutes).chain(hours))
    }

    /// 2 s, 4 s, 8 s, 16 s, 32 s.
    pub fn quick() -> Self {
        Self::exponential(2 * SECOND, 5)
    }

    /// `base`, and twice as long each time, 24 h at most, for so many retries.
    pub fn exponential(base: Duration, retries: u32) -> Self {
        let wait = |retry| {
            base.saturating_mul(2_u32.saturating_pow(retry))
                .min(MAX_WAIT)
        };
        Self::list((0..retries).map(wait))
    }

    /// These waits, one a retry.
    pub fn list(waits: impl IntoIterator<Item = Duration>) -> Self {
        Self {
            waits: waits.into_iter().collect(),
            jitter: 0.2,
        }
    }

    /// By which part a wait may be longer or shorter: 0.2 by default, 0 for none.
    pub fn jitter(mut self, part: f64) -> Self {
        self.jitter = part;
        self
    }

    /// How many retries there are.
    #[must_use]
    pub fn retries(&self) -> usize {
        self.waits.len()
    }

    /// The wait after so many failed attempts; `None` when it was the last. `random` is from 0 up to 1.
    #[must_use]
    pub fn wait(&self, failed: u32, random: f64) -> Option<Duration> {
        let wait = self
            .waits
            .get(usize::try_from(failed.checked_sub(1)?).ok()?)?;
        Some(wait.mul_f64(1.0 + self.jitter * (2.0 * random - 1.0)))
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        if !(0.0..1.0).contains(&self.jitter) {
            return Err(ConfigError::new(
                "schedule",
                "has a jitter that is no part of 1",
            ));
        }
        if self.waits.iter().any(|wait| *wait > 30 * MAX_WAIT) {
            return Err(ConfigError::new("schedule", "waits longer than 30 days"));
        }
        Ok(())
    }
}

impl Default for Schedule {
    fn default() -> Self {
        Self::standard()
    }
}
