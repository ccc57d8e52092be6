use std::time::Duration;

use crate::config::ConfigError;

/// When an endpoint is disabled for its failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct AutoDisable {
    failures: u32,
    lasting: Duration,
}

impl AutoDisable {
    /// After so many failed attempts in a row, 10 by default, that lie at least an hour apart.
    ///
    /// Ten attempts with waits of two seconds are two events while a receiver is deployed, so the count alone says
    /// little.
    pub fn after(failures: u32) -> Self {
        Self {
            failures,
            lasting: Duration::from_secs(3600),
        }
    }

    /// After ten failed attempts in a row, however soon.
    pub fn strict() -> Self {
        Self::after(10).lasting(Duration::ZERO)
    }

    /// Never.
    pub fn never() -> Self {
        Self::after(u32::MAX)
    }

    /// How far the first and the last failure must lie apart.
    pub fn lasting(mut self, time: Duration) -> Self {
        self.lasting = time;
        self
    }

    /// Whether so many failures since so long are enough.
    #[must_use]
    pub fn is_reached(&self, failures: u32, since: Duration) -> bool {
        failures >= self.failures && since >= self.lasting
    }

    /// The part of the way there that was crossed between two counts of failures: 50, 70 or 90 per cent.
    #[must_use]
    pub fn crossed(&self, before: u32, now: u32) -> Option<u8> {
        let part = |failures: u32| u64::from(failures) * 100 / u64::from(self.failures.max(1));
        let is_crossed =
            |mark: &u8| part(before) < u64::from(*mark) && part(now) >= u64::from(*mark);
        [90, 70, 50].into_iter().find(is_crossed)
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        if self.failures == 0 {
            return Err(ConfigError::new("auto_disable", "must allow a failure"));
        }
        Ok(())
    }
}

impl Default for AutoDisable {
    fn default() -> Self {
        Self::after(10)
    }
}
