use sqlx::SqliteConnection;

use super::super::{
    Attempt, ClaimRequest, Claimed, Delivery, DeliveryId, DeliveryQuery, EndpointChange,
    EndpointQuery, Held, OutboundStore, Purge, Revive, Settled, Settlement, StoreError,
    TransactionalOutbox,
};
use super::{SqliteOutbox, audit, claim, emit, endpoints, error, settle};
use crate::outbound::endpoint::{EndpointId, EndpointRecord};
use crate::outbound::event::Event;

impl OutboundStore for SqliteOutbox {
    async fn insert_endpoint(&self, record: &EndpointRecord) -> Result<bool, StoreError> {
        let mut turn = self.begin().await?;
        let done = endpoints::insert(turn.on(), record).await;
        turn.end(done).await
    }

    async fn update_endpoint(
        &self,
        record: &EndpointRecord,
        version: i64,
        now: i64,
    ) -> Result<bool, StoreError> {
        let mut turn = self.begin().await?;
        let done = endpoints::update(turn.on(), record, version, now).await;
        turn.end(done).await
    }

    async fn change_endpoint(
        &self,
        id: &EndpointId,
        change: &EndpointChange,
        now: i64,
    ) -> Result<bool, StoreError> {
        let mut turn = self.begin().await?;
        let done = endpoints::change(turn.on(), id, change, now).await;
        turn.end(done).await
    }

    async fn delete_endpoint(&self, id: &EndpointId) -> Result<bool, StoreError> {
        let mut turn = self.begin().await?;
        let done = endpoints::delete(turn.on(), id).await;
        turn.end(done).await
    }

    async fn endpoint(&self, id: &EndpointId) -> Result<Option<EndpointRecord>, StoreError> {
        let mut on = self.pool().acquire().await.map_err(error)?;
        endpoints::one(&mut on, id).await.map_err(error)
    }

    async fn endpoints(&self, query: &EndpointQuery) -> Result<Vec<EndpointRecord>, StoreError> {
        let mut on = self.pool().acquire().await.map_err(error)?;
        endpoints::list(&mut on, query).await.map_err(error)
    }

    async fn emit(&self, event: &Event, now: i64) -> Result<Option<u64>, StoreError> {
        let mut turn = self.begin().await?;
        let done = emit::emit(turn.on(), event, now).await;
        turn.end(done).await
    }

    async fn emit_to(
        &self,
        event: &Event,
        endpoint: &EndpointId,
        now: i64,
    ) -> Result<bool, StoreError> {
        let mut turn = self.begin().await?;
        let done = emit::emit_to(turn.on(), event, endpoint, now).await;
        turn.end(done).await
    }

    async fn claim(&self, request: &ClaimRequest) -> Result<Claimed, StoreError> {
        let mut turn = self.begin().await?;
        let done = claim::claim(turn.on(), request).await;
        turn.end(done).await
    }

    async fn renew(&self, held: &[Held], until: i64) -> Result<(), StoreError> {
        let mut turn = self.begin().await?;
        let done = settle::renew(turn.on(), held, until).await;
        turn.end(done).await
    }

    async fn settle(&self, settlements: &[Settlement]) -> Result<Settled, StoreError> {
        let mut turn = self.begin().await?;
        let done = settle::settle(turn.on(), settlements).await;
        turn.end(done).await
    }

    async fn deliveries(&self, query: &DeliveryQuery) -> Result<Vec<Delivery>, StoreError> {
        let mut on = self.pool().acquire().await.map_err(error)?;
        audit::deliveries(&mut on, query).await.map_err(error)
    }

    async fn attempts(&self, deliveries: &[DeliveryId]) -> Result<Vec<Attempt>, StoreError> {
        let mut on = self.pool().acquire().await.map_err(error)?;
        audit::attempts(&mut on, deliveries).await.map_err(error)
    }

    async fn revive(&self, revive: &Revive, now: i64) -> Result<u64, StoreError> {
        let mut turn = self.begin().await?;
        let done = audit::revive(turn.on(), revive, now).await;
        turn.end(done).await
    }

    /// In lots, each in a transaction of its own, so that others come through in between.
    async fn purge(&self, purge: &Purge) -> Result<u64, StoreError> {
        let mut purged = 0;
        loop {
            let mut turn = self.begin().await?;
            let done = audit::purge(turn.on(), purge).await;
            let lot = turn.end(done).await?;
            purged += lot;
            if lot < audit::LOT {
                break;
            }
        }
        loop {
            let mut turn = self.begin().await?;
            let done = audit::purge_events(turn.on(), purge).await;
            if turn.end(done).await? < audit::LOT {
                return Ok(purged);
            }
        }
    }
}

impl TransactionalOutbox for SqliteOutbox {
    type Connection = SqliteConnection;

    async fn emit_in(
        &self,
        connection: &mut SqliteConnection,
        event: &Event,
        now: i64,
    ) -> Result<Option<u64>, StoreError> {
        emit::emit(connection, event, now).await.map_err(error)
    }
}
