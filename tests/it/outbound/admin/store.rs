//! A store in memory that can be down, or lose every race.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tower_webhook::outbound::endpoint::{EndpointId, EndpointRecord};
use tower_webhook::outbound::event::Event;
use tower_webhook::outbound::store::*;

#[derive(Clone, Default)]
pub(crate) struct Moody {
    inner: MemoryOutbox,
    mood: Arc<AtomicU8>,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Mood {
    Well,
    Down,
    /// Somebody else has always changed the endpoint just before.
    Contended,
}

impl Moody {
    pub(crate) fn set(&self, mood: Mood) {
        self.mood.store(mood as u8, Ordering::Relaxed);
    }

    fn is(&self, mood: Mood) -> bool {
        self.mood.load(Ordering::Relaxed) == mood as u8
    }

    fn up(&self) -> Result<&MemoryOutbox, StoreError> {
        match self.is(Mood::Down) {
            true => Err(StoreError::unavailable("password=hunter2 refused")),
            false => Ok(&self.inner),
        }
    }
}

impl OutboundStore for Moody {
    async fn insert_endpoint(&self, record: &EndpointRecord) -> Result<bool, StoreError> {
        self.up()?.insert_endpoint(record).await
    }

    async fn update_endpoint(
        &self,
        record: &EndpointRecord,
        version: i64,
        now: i64,
    ) -> Result<bool, StoreError> {
        if self.is(Mood::Contended) {
            return Ok(false);
        }
        self.up()?.update_endpoint(record, version, now).await
    }

    async fn change_endpoint(
        &self,
        id: &EndpointId,
        change: &EndpointChange,
        now: i64,
    ) -> Result<bool, StoreError> {
        self.up()?.change_endpoint(id, change, now).await
    }

    async fn delete_endpoint(&self, id: &EndpointId) -> Result<bool, StoreError> {
        self.up()?.delete_endpoint(id).await
    }

    async fn endpoint(&self, id: &EndpointId) -> Result<Option<EndpointRecord>, StoreError> {
        self.up()?.endpoint(id).await
    }

    async fn endpoints(&self, query: &EndpointQuery) -> Result<Vec<EndpointRecord>, StoreError> {
        self.up()?.endpoints(query).await
    }

    async fn emit(&self, event: &Event, now: i64) -> Result<Option<u64>, StoreError> {
        self.up()?.emit(event, now).await
    }

    async fn emit_to(
        &self,
        event: &Event,
        endpoint: &EndpointId,
        now: i64,
    ) -> Result<bool, StoreError> {
        self.up()?.emit_to(event, endpoint, now).await
    }

    async fn claim(&self, request: &ClaimRequest) -> Result<Claimed, StoreError> {
        self.up()?.claim(request).await
    }

    async fn renew(&self, held: &[Held], until: i64) -> Result<(), StoreError> {
        self.up()?.renew(held, until).await
    }

    async fn settle(&self, settlements: &[Settlement]) -> Result<Settled, StoreError> {
        self.up()?.settle(settlements).await
    }

    async fn deliveries(&self, query: &DeliveryQuery) -> Result<Vec<Delivery>, StoreError> {
        self.up()?.deliveries(query).await
    }

    async fn attempts(&self, deliveries: &[DeliveryId]) -> Result<Vec<Attempt>, StoreError> {
        self.up()?.attempts(deliveries).await
    }

    async fn revive(&self, revive: &Revive, now: i64) -> Result<u64, StoreError> {
        self.up()?.revive(revive, now).await
    }

    async fn purge(&self, purge: &Purge) -> Result<u64, StoreError> {
        self.up()?.purge(purge).await
    }
}
