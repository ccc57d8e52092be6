use std::collections::HashMap;

use crate::outbound::endpoint::{Endpoint, EndpointId};
use crate::outbound::policy::Limits;
use crate::outbound::store::Allowance;

/// What this process has under way, of each endpoint.
#[derive(Debug, Default)]
pub(super) struct Slots(HashMap<EndpointId, Slot>);

#[derive(Debug)]
struct Slot {
    in_flight: u32,
    most: u32,
    bucket: Option<Bucket>,
}

/// Deliveries that may be begun: as many as a second allows, and no more than that are saved up.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    per_second: u32,
    /// Thousandths of a delivery: so each millisecond adds a whole number of them.
    parts: u64,
    at: i64,
}

/// Parts of one delivery.
const WHOLE: u64 = 1000;

impl Bucket {
    fn full(per_second: u32, now: i64) -> Self {
        Self {
            per_second,
            parts: WHOLE * u64::from(per_second),
            at: now,
        }
    }

    fn refill(&mut self, now: i64) {
        // A clock that is set back gives nothing, and nothing is taken.
        let passed = u64::try_from(now.saturating_sub(self.at)).unwrap_or(0);
        let added = passed.saturating_mul(u64::from(self.per_second));
        self.parts = self
            .parts
            .saturating_add(added)
            .min(WHOLE * u64::from(self.per_second));
        self.at = now;
    }

    /// How many may be begun.
    fn deliveries(&self) -> u32 {
        u32::try_from(self.parts / WHOLE).unwrap_or(u32::MAX)
    }

    fn is_full(&self) -> bool {
        self.deliveries() >= self.per_second
    }

    /// When one more may be begun.
    fn next(&self) -> i64 {
        let missing = WHOLE.saturating_sub(self.parts);
        let millis = missing.div_ceil(u64::from(self.per_second).max(1));
        self.at
            .saturating_add(i64::try_from(millis).unwrap_or(i64::MAX))
    }
}

impl Slots {
    /// Takes a place for a delivery to `endpoint`.
    pub(super) fn take(&mut self, endpoint: &Endpoint, limits: &Limits, now: i64) {
        let per_second = endpoint.max_per_second.or(limits.per_second);
        let slot = self.0.entry(endpoint.id.clone()).or_insert(Slot {
            in_flight: 0,
            most: 0,
            bucket: None,
        });
        slot.in_flight += 1;
        slot.most = endpoint.max_concurrent.unwrap_or(limits.concurrent);
        slot.bucket = per_second.map(|per_second| {
            let mut bucket = slot.bucket.unwrap_or_else(|| Bucket::full(per_second, now));
            bucket.refill(now);
            bucket.per_second = per_second;
            bucket.parts = bucket.parts.saturating_sub(WHOLE);
            bucket
        });
    }

    /// Gives a place back.
    pub(super) fn give(&mut self, endpoint: &EndpointId) {
        if let Some(slot) = self.0.get_mut(endpoint) {
            slot.in_flight = slot.in_flight.saturating_sub(1);
        }
    }

    /// What a claim must know, and when an endpoint that has used up its second may have more.
    pub(super) fn allowances(&mut self, now: i64) -> (Vec<Allowance>, Option<i64>) {
        self.0.retain(|_, slot| {
            if let Some(bucket) = &mut slot.bucket {
                bucket.refill(now);
            }
            slot.in_flight > 0 || !slot.bucket.as_ref().is_none_or(Bucket::is_full)
        });
        let mut next: Option<i64> = None;
        let allowances = self.0.iter().map(|(endpoint, slot)| {
            let mut most = slot.most.saturating_sub(slot.in_flight);
            if let Some(bucket) = &slot.bucket {
                most = most.min(bucket.deliveries());
                if bucket.deliveries() == 0 {
                    let at = bucket.next();
                    next = Some(next.map_or(at, |next| next.min(at)));
                }
            }
            Allowance::new(endpoint.clone(), most, slot.in_flight)
        });
        (allowances.collect(), next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbound::endpoint::{EndpointState, Health};

    fn endpoint() -> Endpoint {
        Endpoint {
            id: "ep_1".into(),
            tenant: "".into(),
            url: String::new(),
            description: String::new(),
            events: Vec::new(),
            max_concurrent: None,
            max_per_second: None,
            state: EndpointState::Active,
            health: Health::default(),
            created_at: 0,
            updated_at: 0,
            version: 1,
        }
    }

    fn most(slots: &mut Slots, now: i64) -> (Option<u32>, Option<i64>) {
        let (allowances, next) = slots.allowances(now);
        (allowances.first().map(|allowance| allowance.most), next)
    }

    #[test]
    fn no_more_are_under_way_than_an_endpoint_allows() {
        let (mut slots, limits) = (Slots::default(), Limits::concurrent(2));
        slots.take(&endpoint(), &limits, 0);
        assert_eq!(most(&mut slots, 0), (Some(1), None));
        slots.take(&endpoint(), &limits, 0);
        assert_eq!(most(&mut slots, 0), (Some(0), None));
        slots.give(&"ep_1".into());
        slots.give(&"ep_1".into());
        assert_eq!(most(&mut slots, 0), (None, None));
    }

    #[test]
    fn a_second_allows_so_many_and_saves_up_no_more() {
        let (mut slots, limits) = (Slots::default(), Limits::concurrent(9).per_second(5));
        slots.take(&endpoint(), &limits, 0);
        slots.give(&"ep_1".into());
        assert_eq!(most(&mut slots, 0), (Some(4), None));
        let (mut slots, limits) = (Slots::default(), Limits::concurrent(9).per_second(2));
        for _ in 0..2 {
            slots.take(&endpoint(), &limits, 0);
            slots.give(&"ep_1".into());
        }
        assert_eq!(most(&mut slots, 0), (Some(0), Some(500)));
        assert_eq!(most(&mut slots, 499), (Some(0), Some(500)));
        assert_eq!(most(&mut slots, 500), (Some(1), None));
        assert_eq!(most(&mut slots, 1000), (None, None));
        for _ in 0..2 {
            slots.take(&endpoint(), &limits, 60_000);
        }
        assert_eq!(most(&mut slots, 60_000).0, Some(0));
        // A clock that is set back gives nothing.
        assert_eq!(most(&mut slots, 0).0, Some(0));
    }
}
