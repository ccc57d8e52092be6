//! What a batch of attempts says of an endpoint.

use super::{HealthEffect, Settlement};
use crate::outbound::endpoint::{EndpointId, Health};

/// What the attempts of one batch say of one endpoint, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HealthFold {
    pub(crate) endpoint: EndpointId,
    /// Whether one arrived, so that failures before the batch are forgotten.
    pub(crate) succeeded: bool,
    /// How many failed after the last that arrived.
    pub(crate) failures: u32,
    /// When the first of these ended.
    pub(crate) failing_since: Option<i64>,
}

impl HealthFold {
    /// Of the settlements that count.
    pub(crate) fn of<'s>(settlements: impl IntoIterator<Item = &'s Settlement>) -> Vec<Self> {
        let mut folds: Vec<Self> = Vec::new();
        for settlement in settlements {
            if settlement.health == HealthEffect::None {
                continue;
            }
            let known = folds
                .iter()
                .position(|fold| fold.endpoint == settlement.endpoint);
            let index = known.unwrap_or_else(|| {
                folds.push(Self {
                    endpoint: settlement.endpoint.clone(),
                    succeeded: false,
                    failures: 0,
                    failing_since: None,
                });
                folds.len() - 1
            });
            let fold = &mut folds[index];
            if settlement.health == HealthEffect::Success {
                (fold.succeeded, fold.failures, fold.failing_since) = (true, 0, None);
            } else {
                fold.failures = fold.failures.saturating_add(1);
                fold.failing_since = fold.failing_since.or(Some(settlement.at));
            }
        }
        // In one order everywhere, so that two transactions never wait for each other.
        folds.sort_by(|a, b| a.endpoint.cmp(&b.endpoint));
        folds
    }

    /// The health after the batch.
    pub(crate) fn apply(&self, before: Health) -> Health {
        // A pause ends by itself: what the endpoint asked for holds, though an attempt arrives that began before it.
        let (failures, since) = match self.succeeded {
            true => (0, None),
            false => (before.failures, before.failing_since),
        };
        Health {
            failures: failures.saturating_add(self.failures),
            failing_since: since.or(self.failing_since),
            paused_until: before.paused_until,
        }
    }
}
