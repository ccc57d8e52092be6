use std::time::Duration;

/// How long what is over is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Retention {
    pub(crate) delivered: Duration,
    pub(crate) dead: Duration,
}

const DAY: Duration = Duration::from_secs(86_400);

impl Retention {
    /// Deliveries that arrived, 7 days by default.
    pub fn delivered(mut self, time: Duration) -> Self {
        self.delivered = time;
        self
    }

    /// Dead letters, 30 days by default.
    pub fn dead(mut self, time: Duration) -> Self {
        self.dead = time;
        self
    }
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            delivered: 7 * DAY,
            dead: 30 * DAY,
        }
    }
}
