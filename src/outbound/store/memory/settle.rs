use super::super::health::HealthFold;
use super::super::{
    AttemptError, DeliveryState, ENDPOINT_DISABLED, HealthNow, Held, Next, Settled, Settlement,
};
use super::state::State;

impl State {
    pub(super) fn renew(&mut self, held: &[Held], until: i64) {
        for held in held {
            if self.holds(held, false) {
                self.reschedule(held.delivery, until, true);
            }
        }
    }

    /// Whether an attempt holds its delivery; where it arrived, also one whose endpoint was disabled meanwhile.
    fn holds(&self, held: &Held, arrived: bool) -> bool {
        self.deliveries.get(&held.delivery).is_some_and(|row| {
            let is_open = match &row.delivery.state {
                DeliveryState::Pending { .. } => true,
                DeliveryState::Dead { reason } => arrived && reason == ENDPOINT_DISABLED,
                DeliveryState::Delivered => false,
            };
            is_open && row.leased && row.delivery.attempts == held.attempt
        })
    }

    pub(super) fn settle(&mut self, settlements: &[Settlement]) -> Settled {
        let mut held = Vec::with_capacity(settlements.len());
        let mut counted = Vec::new();
        for settlement in settlements {
            let holds = self.holds(&settlement.held(), settlement.next == Next::Delivered);
            if holds {
                self.move_on(settlement);
                counted.push(settlement);
            }
            held.push(self.write_attempt(settlement, holds));
        }
        let mut endpoints = Vec::new();
        for fold in HealthFold::of(counted) {
            if let Some(record) = self.record_mut(&fold.endpoint) {
                let before = record.endpoint.health;
                record.endpoint.health = fold.apply(before);
                if record.endpoint.health != before {
                    let health = record.endpoint.health;
                    endpoints.push(HealthNow::new(fold.endpoint, before.failures, health));
                }
            }
        }
        Settled::new(held, endpoints)
    }

    fn move_on(&mut self, settlement: &Settlement) {
        let id = settlement.attempt.delivery;
        if let Some(row) = self.deliveries.get_mut(&id) {
            row.leased = false;
            row.delivery.changed_at = settlement.at;
            if matches!(settlement.next, Next::Retry { .. } | Next::Dead { .. }) {
                row.delivery.failed += 1;
            }
        }
        match settlement.next {
            Next::Delivered => self.end(id, DeliveryState::Delivered, settlement.at),
            Next::Retry { due_at } | Next::Released { due_at } => {
                self.reschedule(id, due_at, false)
            }
            Next::Dead { reason } => {
                let reason = reason.to_owned();
                self.end(id, DeliveryState::Dead { reason }, settlement.at);
            }
        }
    }

    /// Writes an attempt down once; says whether it held its delivery then.
    fn write_attempt(&mut self, settlement: &Settlement, holds: bool) -> bool {
        let attempt = &settlement.attempt;
        let is_nothing = matches!(settlement.next, Next::Released { .. });
        if is_nothing || !self.deliveries.contains_key(&attempt.delivery) {
            return holds;
        }
        let written = self.attempts.entry(attempt.delivery).or_default();
        let mut attempt = attempt.clone();
        attempt.late = !holds;
        let at = written.partition_point(|other| other.number < attempt.number);
        match written
            .get_mut(at)
            .filter(|other| other.number == attempt.number)
        {
            None => written.insert(at, attempt),
            Some(other) => {
                let is_lost = |error: &AttemptError| error.code == AttemptError::LEASE_EXPIRED;
                if !other.error.as_ref().is_some_and(is_lost) {
                    return !other.late;
                }
                *other = attempt;
            }
        }
        holds
    }
}
