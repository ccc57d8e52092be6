use std::collections::HashSet;
use std::sync::Arc;

use super::super::health::HealthFold;
use super::super::{
    AttemptError, Delivery, DeliveryId, DeliveryState, EndpointChange, HealthNow, Held, Next,
    Purge, Revival, Revive, Settled, Settlement,
};
use super::state::{Row, State};
use crate::event::EventPatterns;
use crate::outbound::endpoint::{EndpointId, EndpointRecord, EndpointState};
use crate::outbound::event::Event;

const DISABLED: &str = "endpoint_disabled";

impl State {
    pub(super) fn insert_endpoint(&mut self, record: &EndpointRecord) -> bool {
        let is_new = self.record(&record.endpoint.id).is_none();
        if is_new {
            self.endpoints.push(Arc::new(record.clone()));
        }
        is_new
    }

    /// A record that is there and may be changed.
    fn record_mut(&mut self, id: &EndpointId) -> Option<&mut EndpointRecord> {
        let mut records = self.endpoints.iter_mut();
        records
            .find(|record| record.endpoint.id == *id)
            .map(Arc::make_mut)
    }

    pub(super) fn update_endpoint(
        &mut self,
        record: &EndpointRecord,
        version: i64,
        now: i64,
    ) -> bool {
        let id = &record.endpoint.id;
        let Some(known) = self
            .record_mut(id)
            .filter(|known| known.endpoint.version == version)
        else {
            return false;
        };
        let health = known.endpoint.health;
        *known = record.clone();
        known.endpoint.health = health;
        known.endpoint.version = version + 1;
        if !record.endpoint.state.is_active() {
            self.bury(id, now);
        }
        true
    }

    pub(super) fn change_endpoint(
        &mut self,
        id: &EndpointId,
        change: &EndpointChange,
        now: i64,
    ) -> bool {
        let Some(record) = self.record_mut(id) else {
            return false;
        };
        let endpoint = &mut record.endpoint;
        match change {
            EndpointChange::Pause { until } => {
                let is_longer = endpoint.health.paused_until.is_none_or(|end| end < *until);
                if is_longer {
                    endpoint.health.paused_until = Some(*until);
                }
                is_longer
            }
            EndpointChange::Disable { reason, failures } => {
                if !endpoint.state.is_active() || endpoint.health.failures < *failures {
                    return false;
                }
                let reason = (*reason).to_owned();
                endpoint.state = EndpointState::Disabled { reason };
                endpoint.version += 1;
                endpoint.updated_at = now;
                self.bury(id, now);
                true
            }
        }
    }

    /// Makes what is pending of an endpoint dead letters.
    fn bury(&mut self, id: &EndpointId, now: i64) {
        let due = self.due.remove(id).unwrap_or_default();
        for (_, delivery) in due {
            let reason = DISABLED.to_owned();
            self.end(delivery, DeliveryState::Dead { reason }, now);
        }
    }

    pub(super) fn delete_endpoint(&mut self, id: &EndpointId) -> bool {
        let before = self.endpoints.len();
        self.endpoints.retain(|record| record.endpoint.id != *id);
        self.due.remove(id);
        let of = |(_, row): &(&DeliveryId, &Row)| row.delivery.endpoint == *id;
        let gone: Vec<_> = self
            .deliveries
            .iter()
            .filter(of)
            .map(|(id, _)| *id)
            .collect();
        self.forget(&gone);
        self.endpoints.len() < before
    }

    fn forget(&mut self, deliveries: &[DeliveryId]) {
        for id in deliveries {
            self.deliveries.remove(id);
            self.attempts.remove(id);
        }
    }

    pub(super) fn emit(
        &mut self,
        event: &Event,
        only: Option<&EndpointId>,
        now: i64,
    ) -> Option<u64> {
        let key = (event.tenant.clone(), event.id.clone());
        if self.events.contains_key(&key) {
            return None;
        }
        let is_wanted = |record: &&Arc<EndpointRecord>| {
            let endpoint = &record.endpoint;
            let is_asked = || match only {
                Some(only) => endpoint.id == *only,
                None => wants(
                    endpoint.events.iter().map(String::as_str),
                    &event.event_type,
                ),
            };
            endpoint.tenant == event.tenant && endpoint.state.is_active() && is_asked()
        };
        let wanted = self.endpoints.iter().filter(is_wanted);
        let wanted: Vec<_> = wanted.map(|record| record.endpoint.id.clone()).collect();
        if only.is_some() && wanted.is_empty() {
            return None;
        }
        let event = Arc::new(event.clone());
        self.events.insert(key, (Arc::clone(&event), now));
        for endpoint in &wanted {
            self.last += 1;
            let id = DeliveryId(self.last);
            let delivery = Delivery {
                id,
                event: event.id.clone(),
                event_type: event.event_type.clone(),
                endpoint: endpoint.clone(),
                state: DeliveryState::Delivered,
                attempts: 0,
                failed: 0,
                manual: only.is_some(),
                created_at: now,
                changed_at: now,
            };
            let row = Row {
                delivery,
                event: Arc::clone(&event),
                leased: false,
            };
            self.deliveries.insert(id, row);
            self.reschedule(id, now, false);
        }
        Some(wanted.len() as u64)
    }

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
                DeliveryState::Dead { reason } => arrived && reason == DISABLED,
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

    pub(super) fn revive(&mut self, revive: &Revive, now: i64) -> u64 {
        let active = self.record(&revive.endpoint);
        if !active.is_some_and(|record| record.endpoint.state.is_active()) {
            return 0;
        }
        let is_meant = |(_, row): &(&DeliveryId, &Row)| {
            let (delivery, which) = (&row.delivery, &revive.which);
            let (is_over, is_dead) = match delivery.state {
                DeliveryState::Pending { .. } => (false, false),
                DeliveryState::Delivered => (true, false),
                DeliveryState::Dead { .. } => (true, true),
            };
            delivery.endpoint == revive.endpoint
                && match which {
                    Revival::Event(event) => is_over && delivery.event == *event,
                    Revival::Since { time, delivered } => {
                        (is_dead || is_over && *delivered) && delivery.created_at >= *time
                    }
                }
        };
        let meant: Vec<_> = self
            .deliveries
            .iter()
            .filter(is_meant)
            .map(|(id, _)| *id)
            .collect();
        for id in &meant {
            if let Some(row) = self.deliveries.get_mut(id) {
                row.delivery.failed = 0;
                row.delivery.manual = true;
                row.delivery.changed_at = now;
            }
            self.reschedule(*id, now, false);
        }
        meant.len() as u64
    }

    pub(super) fn purge(&mut self, purge: &Purge) -> u64 {
        let is_old = |(_, row): &(&DeliveryId, &Row)| match row.delivery.state {
            DeliveryState::Pending { .. } => false,
            DeliveryState::Delivered => row.delivery.changed_at < purge.delivered_before,
            DeliveryState::Dead { .. } => row.delivery.changed_at < purge.dead_before,
        };
        let old: Vec<_> = self
            .deliveries
            .iter()
            .filter(is_old)
            .map(|(id, _)| *id)
            .collect();
        self.forget(&old);
        let used = self.deliveries.values().map(|row| Arc::as_ptr(&row.event));
        let used: HashSet<_> = used.collect();
        self.events.retain(|_, (event, emitted_at)| {
            *emitted_at >= purge.delivered_before || used.contains(&Arc::as_ptr(event))
        });
        old.len() as u64
    }
}

/// Whether one of the patterns means the event type. What cannot be read means nothing.
fn wants<'p>(patterns: impl Iterator<Item = &'p str>, event_type: &str) -> bool {
    let meant = |pattern| {
        let pattern = EventPatterns::parse([pattern]);
        pattern.is_ok_and(|pattern| pattern.means(event_type))
    };
    patterns.map(meant).any(|is_meant| is_meant)
}
