mod settle;
mod state;
mod write;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::state::State;
use super::{
    Attempt, ClaimRequest, Claimed, Delivery, DeliveryId, DeliveryQuery, EndpointChange,
    EndpointQuery, Held, OutboundStore, Purge, Revive, Settled, Settlement, StoreError,
};
use crate::outbound::endpoint::{EndpointId, EndpointRecord};
use crate::outbound::event::Event;

/// Events, endpoints and deliveries in the memory of the process, for tests and for what may be lost.
///
/// # Deployment caveat
///
/// All is gone with the process, and nothing bounds it but [`purge`](crate::outbound::Sender::purge).
#[derive(Clone, Debug, Default)]
pub struct MemoryOutbox(Arc<Mutex<State>>);

impl MemoryOutbox {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that runs under the lock panics half-way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OutboundStore for MemoryOutbox {
    async fn insert_endpoint(&self, record: &EndpointRecord) -> Result<bool, StoreError> {
        Ok(self.state().insert_endpoint(record))
    }

    async fn update_endpoint(
        &self,
        record: &EndpointRecord,
        version: i64,
        now: i64,
    ) -> Result<bool, StoreError> {
        Ok(self.state().update_endpoint(record, version, now))
    }

    async fn change_endpoint(
        &self,
        id: &EndpointId,
        change: &EndpointChange,
        now: i64,
    ) -> Result<bool, StoreError> {
        Ok(self.state().change_endpoint(id, change, now))
    }

    async fn delete_endpoint(&self, id: &EndpointId) -> Result<bool, StoreError> {
        Ok(self.state().delete_endpoint(id))
    }

    async fn endpoint(&self, id: &EndpointId) -> Result<Option<EndpointRecord>, StoreError> {
        Ok(self.state().endpoint(id))
    }

    async fn endpoints(&self, query: &EndpointQuery) -> Result<Vec<EndpointRecord>, StoreError> {
        Ok(self.state().endpoints(query))
    }

    async fn emit(&self, event: &Event, now: i64) -> Result<Option<u64>, StoreError> {
        Ok(self.state().emit(event, None, now))
    }

    async fn emit_to(
        &self,
        event: &Event,
        endpoint: &EndpointId,
        now: i64,
    ) -> Result<bool, StoreError> {
        Ok(self.state().emit(event, Some(endpoint), now) == Some(1))
    }

    async fn claim(&self, request: &ClaimRequest) -> Result<Claimed, StoreError> {
        Ok(self.state().claim(request))
    }

    async fn renew(&self, held: &[Held], until: i64) -> Result<(), StoreError> {
        self.state().renew(held, until);
        Ok(())
    }

    async fn settle(&self, settlements: &[Settlement]) -> Result<Settled, StoreError> {
        Ok(self.state().settle(settlements))
    }

    async fn deliveries(&self, query: &DeliveryQuery) -> Result<Vec<Delivery>, StoreError> {
        Ok(self.state().deliveries(query))
    }

    async fn attempts(&self, deliveries: &[DeliveryId]) -> Result<Vec<Attempt>, StoreError> {
        Ok(self.state().attempts(deliveries))
    }

    async fn revive(&self, revive: &Revive, now: i64) -> Result<u64, StoreError> {
        Ok(self.state().revive(revive, now))
    }

    async fn purge(&self, purge: &Purge) -> Result<u64, StoreError> {
        Ok(self.state().purge(purge))
    }
}
