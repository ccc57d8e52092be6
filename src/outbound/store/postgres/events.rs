use sqlx::Row as _;
use sqlx::postgres::{PgExecutor, PgRow};

use super::PostgresOutbox;
use super::rows;
use super::statements::{LOT, Statement};
use crate::outbound::endpoint::EndpointId;
use crate::outbound::event::Event;
use crate::outbound::store::{
    Attempt, Delivery, DeliveryId, DeliveryQuery, Purge, Revival, Revive, StoreError,
};

type Query<'q> = sqlx::query::Query<'q, sqlx::Postgres, sqlx::postgres::PgArguments>;

impl PostgresOutbox {
    fn emission<'q>(&self, statement: &Statement, event: &'q Event, now: i64) -> Query<'q> {
        sqlx::query(statement.text())
            .bind(event.tenant.as_str())
            .bind(event.id.as_str())
            .bind(&event.event_type)
            .bind(&event.api_version)
            .bind(&event.content_type)
            .bind(&event.body[..])
            .bind(now)
            .bind(self.0.channel.clone())
    }

    pub(super) async fn emit_on(
        &self,
        on: impl PgExecutor<'_>,
        event: &Event,
        now: i64,
    ) -> Result<Option<u64>, sqlx::Error> {
        let emit = self.emission(&self.0.statements.emit, event, now);
        emitted(&emit.fetch_one(on).await?)
    }

    pub(super) async fn emit_to_one(
        &self,
        event: &Event,
        endpoint: &EndpointId,
        now: i64,
    ) -> Result<bool, StoreError> {
        let emit = self.emission(&self.0.statements.emit_to, event, now);
        let row = emit.bind(endpoint.as_str()).fetch_one(&self.0.pool).await;
        let row = row.map_err(StoreError::unavailable)?;
        Ok(emitted(&row).map_err(StoreError::unavailable)? == Some(1))
    }

    pub(super) async fn audit(&self, query: &DeliveryQuery) -> Result<Vec<Delivery>, StoreError> {
        let state = match query.state.as_deref() {
            None => None,
            Some("pending") => Some(0_i16),
            Some("delivered") => Some(1),
            Some("dead") => Some(2),
            Some(_) => return Ok(Vec::new()),
        };
        let audit = || {
            sqlx::query(self.0.statements.audit.text())
                .bind(query.endpoint.as_str())
                .bind(query.event.as_ref().map(|event| event.as_str().to_owned()))
                .bind(state)
                .bind(query.before.map(|before| before.0))
                .bind(i64::from(query.limit.min(1000)))
                .fetch_all(&self.0.pool)
        };
        let rows = self.patiently(audit).await?;
        let deliveries = rows.iter().map(rows::delivery).collect::<Result<_, _>>();
        deliveries.map_err(StoreError::unavailable)
    }

    pub(super) async fn attempts_at(
        &self,
        deliveries: &[DeliveryId],
    ) -> Result<Vec<Attempt>, StoreError> {
        let ids: Vec<i64> = deliveries.iter().map(|id| id.0).collect();
        let attempts = || {
            let attempts = sqlx::query(self.0.statements.attempts.text());
            attempts.bind(&ids).fetch_all(&self.0.pool)
        };
        let rows = self.patiently(attempts).await?;
        let attempts = rows.iter().map(rows::attempt).collect::<Result<_, _>>();
        attempts.map_err(StoreError::unavailable)
    }

    // Not again where the connection broke: then it would count what is pending by now as nothing.
    pub(super) async fn send_again(&self, revive: &Revive, now: i64) -> Result<u64, StoreError> {
        let statements = &self.0.statements;
        let endpoint = revive.endpoint.as_str();
        let (time, delivered) = match &revive.which {
            Revival::Event(event) => {
                let query = sqlx::query(statements.revive_event.text());
                let query = query.bind(endpoint).bind(now).bind(event.as_str());
                let done = query.execute(&self.0.pool).await;
                return Ok(done.map_err(StoreError::unavailable)?.rows_affected());
            }
            Revival::Since { time, delivered } => (*time, *delivered),
        };
        let (mut revived, mut last) = (0, 0);
        loop {
            let lot = sqlx::query_as::<_, (i64, Option<i64>)>(statements.revive_since.text());
            let lot = lot.bind(endpoint).bind(now).bind(time).bind(delivered);
            let lot = lot.bind(last).fetch_one(&self.0.pool).await;
            let (count, end) = lot.map_err(StoreError::unavailable)?;
            revived += count.unsigned_abs();
            match end {
                Some(end) if count.unsigned_abs() == LOT => last = end,
                _ => return Ok(revived),
            }
        }
    }

    pub(super) async fn forget(&self, purge: &Purge) -> Result<u64, StoreError> {
        let mut forgotten = 0;
        loop {
            let lot = || {
                sqlx::query_scalar::<_, i64>(self.0.statements.purge.text())
                    .bind(purge.delivered_before)
                    .bind(purge.dead_before)
                    .fetch_one(&self.0.pool)
            };
            let lot = self.patiently(lot).await?.unsigned_abs();
            forgotten += lot;
            if lot < LOT {
                break;
            }
        }
        loop {
            let lot = || {
                let lot = sqlx::query(self.0.statements.purge_events.text());
                lot.bind(purge.delivered_before).execute(&self.0.pool)
            };
            if self.patiently(lot).await?.rows_affected() < LOT {
                return Ok(forgotten);
            }
        }
    }
}

/// How many deliveries were made; `None` where the event was known.
fn emitted(row: &PgRow) -> Result<Option<u64>, sqlx::Error> {
    let events: i64 = row.try_get("events")?;
    let deliveries: i64 = row.try_get("deliveries")?;
    Ok((events > 0).then_some(deliveries.unsigned_abs()))
}
