use std::ops::RangeInclusive;

use super::Ended;

/// What becomes of a delivery after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verdict {
    /// It arrived.
    Delivered,
    /// It is tried again, as the schedule says.
    Retry,
    /// It is tried again, and until then nothing else is sent to the endpoint either.
    Throttle,
    /// It is a dead letter at once.
    GiveUp,
    /// It is a dead letter, and the endpoint is disabled.
    Disable,
}

/// Judges how an attempt ended. [`Responses`] is a table of it; any closure will do.
pub trait Classify: Send + Sync + 'static {
    /// The verdict.
    fn classify(&self, ended: &Ended<'_>) -> Verdict;
}

impl<F: Fn(&Ended<'_>) -> Verdict + Send + Sync + 'static> Classify for F {
    fn classify(&self, ended: &Ended<'_>) -> Verdict {
        self(ended)
    }
}

/// A verdict for each status. What had no answer is tried again.
///
/// # Example
///
/// ```
/// use tower_webhook::outbound::policy::{Responses, Verdict};
///
/// let responses = Responses::standard().on(404, Verdict::Retry);
/// assert_eq!(responses.verdict(404), Verdict::Retry);
/// assert_eq!(responses.verdict(410), Verdict::Disable);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Responses {
    rows: Vec<(RangeInclusive<u16>, Verdict)>,
}

impl Responses {
    /// 2xx arrived; 410 disables the endpoint, as Standard Webhooks has it; 429 and 503 throttle it; 408, 421, 425,
    /// 3xx and 5xx are tried again; any other 4xx is final for this delivery.
    ///
    /// A firewall, a deploy or a gateway that lost its routes answers 401, 403 or 404 for a while: the deliveries can
    /// be replayed when it is over, which a disabled endpoint would have to be noticed for.
    pub fn standard() -> Self {
        Self { rows: Vec::new() }
            .on_all(100..=599, Verdict::Retry)
            .on_all(200..=299, Verdict::Delivered)
            .on_all(400..=499, Verdict::GiveUp)
            .on(408, Verdict::Retry)
            .on(410, Verdict::Disable)
            .on(421, Verdict::Retry)
            .on(425, Verdict::Retry)
            .on(429, Verdict::Throttle)
            .on(503, Verdict::Throttle)
    }

    /// 2xx arrived; 400 is final; 401, 403, 404 and 410 disable the endpoint; 429 throttles it; 5xx and all without an
    /// answer are tried again, as are 3xx; any other 4xx is final.
    pub fn strict() -> Self {
        Self::standard()
            .on(401, Verdict::Disable)
            .on(403, Verdict::Disable)
            .on(404, Verdict::Disable)
            .on(503, Verdict::Retry)
    }

    /// Sets the verdict of a status.
    pub fn on(self, status: u16, verdict: Verdict) -> Self {
        self.on_all(status..=status, verdict)
    }

    /// Sets the verdict of all these statuses.
    pub fn on_all(mut self, statuses: RangeInclusive<u16>, verdict: Verdict) -> Self {
        self.rows.push((statuses, verdict));
        self
    }

    /// The verdict of a status: that of the last row that has it.
    #[must_use]
    pub fn verdict(&self, status: u16) -> Verdict {
        let mut rows = self.rows.iter().rev();
        let row = rows.find(|(statuses, _)| statuses.contains(&status));
        row.map_or(Verdict::Retry, |(_, verdict)| *verdict)
    }
}

impl Default for Responses {
    fn default() -> Self {
        Self::standard()
    }
}

impl Classify for Responses {
    fn classify(&self, ended: &Ended<'_>) -> Verdict {
        let status = ended.status.map(|status| status.as_u16());
        status.map_or(Verdict::Retry, |status| self.verdict(status))
    }
}
