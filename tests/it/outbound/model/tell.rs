//! What two stores are compared by.

use std::collections::HashMap;
use std::fmt::Debug;

use tower_webhook::outbound::endpoint::{Endpoint, EndpointId, EndpointRecord, NewEndpoint};
use tower_webhook::outbound::store::{
    Attempt, AttemptError, Claimed, ClaimedDelivery, Delivery, DeliveryId, DeliveryQuery,
    EndpointQuery, HealthEffect, Next, Settled, Settlement,
};
use tower_webhook::outbound::{MemoryOutbox, OutboundStore, SealingKey, Sender};

/// What becomes of a delivery, what it says of the endpoint, and when the attempt ended.
pub(super) type Said = (Next, HealthEffect, i64);

/// A record as a sender makes it, under an id that sorts otherwise than it was made.
pub(super) async fn record(number: usize, wanted: &[&str]) -> EndpointRecord {
    let memory = MemoryOutbox::new();
    let sender = Sender::builder(memory.clone(), SealingKey::generate());
    let sender = sender.build().unwrap();
    let new = NewEndpoint::new("https://receiver.example/hooks").events(wanted.to_vec());
    let made = sender.endpoints().create(new).await.unwrap();
    let record = memory.endpoint(&made.endpoint.id).await.unwrap();
    let mut record = record.unwrap();
    record.endpoint.id = format!("ep_{}", number * 5 % 7).into();
    record.endpoint.tenant = if number == 5 { "other" } else { "" }.into();
    record
}

pub(super) fn settlement(open: &ClaimedDelivery, said: Said) -> Settlement {
    let (next, health, at) = said;
    let mut attempt = Attempt::new(open.held, at - 5);
    attempt.took = 5;
    attempt.status = (next == Next::Delivered).then_some(204);
    if attempt.status.is_none() {
        attempt.error = Some(AttemptError::new("timeout", "it took too long"));
    }
    attempt.response = vec![0xff, open.held.attempt as u8].into();
    Settlement::new(attempt, open.endpoint.endpoint.id.clone(), next, health, at)
}

pub(super) fn taken(claimed: &Claimed) -> Vec<impl PartialEq + Debug + use<>> {
    let tell = |it: &ClaimedDelivery| {
        let event = (it.event.event_id().clone(), it.event.body().to_vec());
        let numbers = (it.held.attempt, it.failed, it.manual, it.due_at);
        (it.endpoint.endpoint.clone(), event, numbers)
    };
    claimed.deliveries.iter().map(tell).collect()
}

pub(super) fn health(settled: &Settled) -> Vec<impl PartialEq + Debug + use<>> {
    let told = settled.endpoints.iter();
    let mut told: Vec<_> = told
        .map(|it| (it.endpoint.clone(), it.failures_before, it.health))
        .collect();
    told.sort_by(|a, b| a.0.cmp(&b.0));
    told
}

pub(super) async fn endpoints(store: &impl OutboundStore) -> Vec<(Endpoint, Vec<u8>)> {
    let found = store.endpoints(&EndpointQuery::default()).await.unwrap();
    let told = found.into_iter().map(|it| (it.endpoint, it.sealed));
    told.collect()
}

/// The deliveries to an endpoint with their attempts, without the store's own numbers.
pub(super) async fn history(
    store: &impl OutboundStore,
    id: &EndpointId,
) -> Vec<(Delivery, Vec<Attempt>)> {
    let mut query = DeliveryQuery::new(id.clone());
    query.limit = 1000;
    let rows = store.deliveries(&query).await.unwrap();
    let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    let mut attempts: HashMap<DeliveryId, Vec<Attempt>> = HashMap::new();
    for mut attempt in store.attempts(&ids).await.unwrap() {
        let own = attempts.entry(attempt.delivery).or_default();
        attempt.delivery = DeliveryId(0);
        let lost = attempt.error.as_mut();
        if let Some(error) = lost.filter(|error| error.code == AttemptError::LEASE_EXPIRED) {
            // In what words, and when, is left to the store.
            (attempt.at, error.message) = (0, String::new());
        }
        own.push(attempt);
    }
    let tell = |mut row: Delivery| {
        let own = attempts.remove(&row.id).unwrap_or_default();
        row.id = DeliveryId(0);
        (row, own)
    };
    rows.into_iter().map(tell).collect()
}

/// SplitMix64.
pub(super) fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
