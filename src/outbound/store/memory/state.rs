use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use super::super::{
    Attempt, AttemptError, ClaimRequest, Claimed, ClaimedDelivery, Delivery, DeliveryId,
    DeliveryQuery, DeliveryState, EndpointQuery, Held, MAX_VISITS,
};
use crate::outbound::endpoint::{EndpointId, EndpointRecord};
use crate::outbound::event::{Event, EventId};
use crate::outbound::tenant::Tenant;

/// Most attempts of a delivery that are told.
const MOST_ATTEMPTS: usize = 50;

#[derive(Debug, Default)]
pub(super) struct State {
    /// In the order of their making.
    pub(super) endpoints: Vec<Arc<EndpointRecord>>,
    pub(super) events: HashMap<(Tenant, EventId), (Arc<Event>, i64)>,
    pub(super) deliveries: BTreeMap<DeliveryId, Row>,
    /// What is due when, of each endpoint that has something pending.
    pub(super) due: BTreeMap<EndpointId, BTreeSet<(i64, DeliveryId)>>,
    pub(super) attempts: HashMap<DeliveryId, Vec<Attempt>>,
    pub(super) last: i64,
}

#[derive(Debug)]
pub(super) struct Row {
    pub(super) delivery: Delivery,
    pub(super) event: Arc<Event>,
    /// Whether the last attempt has not been settled.
    pub(super) leased: bool,
}

impl State {
    pub(super) fn endpoint(&self, id: &EndpointId) -> Option<EndpointRecord> {
        self.record(id).map(|record| (**record).clone())
    }

    pub(super) fn record(&self, id: &EndpointId) -> Option<&Arc<EndpointRecord>> {
        self.endpoints
            .iter()
            .find(|record| record.endpoint.id == *id)
    }

    pub(super) fn endpoints(&self, query: &EndpointQuery) -> Vec<EndpointRecord> {
        let is_after = |after| {
            self.endpoints
                .iter()
                .position(|record| record.endpoint.id == after)
        };
        let start = query
            .after
            .clone()
            .map_or(0, |after| is_after(after).map_or(usize::MAX, |at| at + 1));
        let rest = self.endpoints.iter().skip(start);
        let asked = rest.filter(|record| {
            query
                .tenant
                .as_ref()
                .is_none_or(|tenant| *tenant == record.endpoint.tenant)
        });
        asked
            .take(query.limit.min(1000) as usize)
            .map(|record| (**record).clone())
            .collect()
    }

    pub(super) fn deliveries(&self, query: &DeliveryQuery) -> Vec<Delivery> {
        let end = query.before.map_or(Bound::Unbounded, Bound::Excluded);
        let rows = self
            .deliveries
            .range((Bound::Unbounded, end))
            .rev()
            .map(|(_, row)| &row.delivery);
        let asked = rows.filter(|delivery| {
            delivery.endpoint == query.endpoint
                && query
                    .event
                    .as_ref()
                    .is_none_or(|event| *event == delivery.event)
                && query
                    .state
                    .as_ref()
                    .is_none_or(|state| state == delivery.state.name())
        });
        asked
            .take(query.limit.min(1000) as usize)
            .cloned()
            .collect()
    }

    pub(super) fn attempts(&self, deliveries: &[DeliveryId]) -> Vec<Attempt> {
        let of = |id| self.attempts.get(id).map_or(&[][..], Vec::as_slice);
        let last = |attempts: &'_ [Attempt]| attempts.len().saturating_sub(MOST_ATTEMPTS);
        deliveries
            .iter()
            .map(of)
            .flat_map(|attempts| &attempts[last(attempts)..])
            .cloned()
            .collect()
    }

    pub(super) fn claim(&mut self, request: &ClaimRequest) -> Claimed {
        let start = request
            .after
            .clone()
            .map_or(Bound::Unbounded, Bound::Excluded);
        let waiting = self
            .due
            .range((start, Bound::Unbounded))
            .map(|(id, _)| id.clone());
        let waiting: Vec<_> = waiting.take(MAX_VISITS).collect();
        let mut claimed = Claimed {
            after: (waiting.len() == MAX_VISITS).then(|| waiting[MAX_VISITS - 1].clone()),
            ..Claimed::default()
        };
        for id in waiting {
            let left = request.limit as usize - claimed.deliveries.len();
            if left == 0 {
                // The last one visited may have more, and has had its share.
                claimed.after = claimed
                    .deliveries
                    .last()
                    .map(|last| last.endpoint.endpoint.id.clone());
                break;
            }
            self.visit(&id, left, request, &mut claimed);
        }
        claimed
    }

    fn visit(
        &mut self,
        id: &EndpointId,
        left: usize,
        request: &ClaimRequest,
        claimed: &mut Claimed,
    ) {
        let (Some(record), Some(due)) = (self.record(id).cloned(), self.due.get(id)) else {
            return;
        };
        let paused_until = record.endpoint.health.paused_until.unwrap_or(i64::MIN);
        let allowed = (request.allowed(&record.endpoint) as usize).min(left);
        let is_due = |(due_at, _): &&(i64, DeliveryId)| *due_at <= request.now;
        let ids: Vec<_> = due
            .iter()
            .take_while(is_due)
            .take(allowed)
            .map(|(_, id)| *id)
            .collect();
        let first = due
            .first()
            .map_or(i64::MAX, |(due_at, _)| (*due_at).max(paused_until));
        if ids.is_empty() && first > request.now {
            claimed.next_due = Some(claimed.next_due.map_or(first, |next| next.min(first)));
        }
        for id in ids {
            claimed.deliveries.extend(self.take(id, request, &record));
        }
    }

    fn take(
        &mut self,
        id: DeliveryId,
        request: &ClaimRequest,
        record: &Arc<EndpointRecord>,
    ) -> Option<ClaimedDelivery> {
        let row = self.deliveries.get_mut(&id)?;
        let DeliveryState::Pending { due_at, .. } = row.delivery.state else {
            return None;
        };
        if row.leased {
            let held = Held::new(id, row.delivery.attempts);
            let mut attempt = Attempt::new(held, due_at);
            let words = "the sender did not live to tell how it ended";
            attempt.error = Some(AttemptError::new(AttemptError::LEASE_EXPIRED, words));
            self.attempts.entry(id).or_default().push(attempt);
        }
        row.delivery.attempts += 1;
        let held = Held::new(id, row.delivery.attempts);
        let claimed = ClaimedDelivery {
            failed: row.delivery.failed,
            manual: row.delivery.manual,
            ..ClaimedDelivery::new(held, due_at, Arc::clone(&row.event), Arc::clone(record))
        };
        row.leased = true;
        self.reschedule(id, request.lease_until, true);
        Some(claimed)
    }

    /// Makes a delivery pending until `due_at`.
    pub(super) fn reschedule(&mut self, id: DeliveryId, due_at: i64, leased: bool) {
        let Some(row) = self.deliveries.get_mut(&id) else {
            return;
        };
        row.leased = leased;
        let state = DeliveryState::Pending { due_at, leased };
        let before = std::mem::replace(&mut row.delivery.state, state);
        let due = self.due.entry(row.delivery.endpoint.clone()).or_default();
        if let DeliveryState::Pending { due_at, .. } = before {
            due.remove(&(due_at, id));
        }
        due.insert((due_at, id));
    }

    /// Ends a delivery.
    pub(super) fn end(&mut self, id: DeliveryId, state: DeliveryState, at: i64) {
        let Some(row) = self.deliveries.get_mut(&id) else {
            return;
        };
        row.delivery.changed_at = at;
        let before = std::mem::replace(&mut row.delivery.state, state);
        let endpoint = row.delivery.endpoint.clone();
        if let (DeliveryState::Pending { due_at, .. }, Some(due)) =
            (before, self.due.get_mut(&endpoint))
        {
            due.remove(&(due_at, id));
            if due.is_empty() {
                self.due.remove(&endpoint);
            }
        }
    }
}
