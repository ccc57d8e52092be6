use crate::config::ConfigError;

/// How much is sent to one endpoint, by one process. An endpoint may have limits of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Limits {
    pub(crate) concurrent: u32,
    pub(crate) per_second: Option<u32>,
}

impl Limits {
    /// So many deliveries at once, 8 by default: an endpoint that hangs holds no more.
    pub fn concurrent(deliveries: u32) -> Self {
        Self {
            concurrent: deliveries,
            per_second: None,
        }
    }

    /// So many deliveries a second, without a limit by default. What has not been used of one second is no more than
    /// one second's worth in the next.
    pub fn per_second(mut self, deliveries: u32) -> Self {
        self.per_second = Some(deliveries);
        self
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        if self.concurrent == 0 || self.per_second == Some(0) {
            return Err(ConfigError::new("limits", "must let something through"));
        }
        Ok(())
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::concurrent(8)
    }
}
