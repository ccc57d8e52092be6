use std::collections::HashSet;
use std::sync::Arc;

use super::super::patterns::wants;
use super::super::{
    Delivery, DeliveryId, DeliveryState, ENDPOINT_DISABLED, EndpointChange, Purge, Revival, Revive,
};
use super::state::{Row, State};
use crate::outbound::endpoint::{EndpointId, EndpointRecord, EndpointState};
use crate::outbound::event::Event;

impl State {
    pub(super) fn insert_endpoint(&mut self, record: &EndpointRecord) -> bool {
        let is_new = self.record(&record.endpoint.id).is_none();
        if is_new {
            self.endpoints.push(Arc::new(record.clone()));
        }
        is_new
    }

    /// A record that is there and may be changed.
    pub(super) fn record_mut(&mut self, id: &EndpointId) -> Option<&mut EndpointRecord> {
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
            let reason = ENDPOINT_DISABLED.to_owned();
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
