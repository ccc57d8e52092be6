use std::collections::HashMap;
use std::sync::Arc;

use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::PostgresOutbox;
use super::rows::{self, signed};
use crate::outbound::endpoint::EndpointRecord;
use crate::outbound::event::Event;
use crate::outbound::store::{
    ClaimRequest, Claimed, ClaimedDelivery, DeliveryId, Held, MAX_VISITS, StoreError,
};

/// Most endpoints that a claim buries for: what it has claimed waits for that.
const MAX_BURIALS: usize = 8;

impl PostgresOutbox {
    pub(super) async fn take_due(&self, request: &ClaimRequest) -> Result<Claimed, StoreError> {
        // Of two the last one counts.
        let allowances: HashMap<_, _> = request
            .allowances
            .iter()
            .map(|known| (&known.endpoint, known))
            .collect();
        let allowances: Vec<_> = allowances.into_values().collect();
        let endpoints: Vec<&str> = allowances
            .iter()
            .map(|known| known.endpoint.as_str())
            .collect();
        let most: Vec<i32> = allowances.iter().map(|known| signed(known.most)).collect();
        let in_flight: Vec<i32> = allowances
            .iter()
            .map(|known| signed(known.in_flight))
            .collect();
        let after = request.after.as_ref().map_or("", |after| after.as_str());
        // Not again where the connection broke: what a lost reply told of is free when its lease ends.
        let claim = sqlx::query(self.0.statements.claim.text())
            .bind(after)
            .bind(i32::try_from(MAX_VISITS).unwrap_or(i32::MAX))
            .bind(request.now)
            .bind(signed(request.half_open))
            .bind(endpoints)
            .bind(most)
            .bind(in_flight)
            .bind(signed(request.concurrent))
            .bind(i64::from(request.limit))
            .bind(request.lease_until)
            .fetch_all(&self.0.pool);
        let rows = tokio::time::timeout(super::PATIENCE, claim).await;
        let rows = rows
            .map_err(StoreError::unavailable)?
            .map_err(StoreError::unavailable)?;
        let left = rows.first().map(|row| row.try_get("endpoints_left"));
        let left: Vec<String> = left
            .transpose()
            .map_err(StoreError::unavailable)?
            .unwrap_or_default();
        for endpoint in left.into_iter().take(MAX_BURIALS) {
            // A lot of each; the rest, and where that fails, at the next claim.
            if self.bury_lot(&endpoint, request.now).await.is_err() {
                break;
            }
        }
        read(&rows, request.limit as usize).map_err(StoreError::unavailable)
    }
}

fn read(rows: &[PgRow], limit: usize) -> Result<Claimed, sqlx::Error> {
    let Some(first) = rows.first() else {
        return Ok(Claimed::default());
    };
    let (mut endpoints, mut events) = (HashMap::new(), HashMap::new());
    let mut deliveries = Vec::with_capacity(rows.len());
    for row in rows {
        let Some(id) = row.try_get::<Option<i64>, _>("delivery")? else {
            break;
        };
        let endpoint = endpoint(row, &mut endpoints)?;
        let event = event(row, &endpoint, &mut events)?;
        let number: i32 = row.try_get("number")?;
        let failed: i32 = row.try_get("failed")?;
        let held = Held::new(DeliveryId(id), number.unsigned_abs());
        deliveries.push(ClaimedDelivery {
            failed: failed.unsigned_abs(),
            manual: row.try_get("manual")?,
            ..ClaimedDelivery::new(held, row.try_get("was_due_at")?, event, endpoint)
        });
    }
    let visits: i64 = first.try_get("visits")?;
    let last: Option<String> = first.try_get("last")?;
    let after = match deliveries.last() {
        // The limit was reached, and there are endpoints behind it.
        Some(end)
            if deliveries.len() == limit
                && last.as_deref() != Some(end.endpoint.endpoint.id.as_str()) =>
        {
            Some(end.endpoint.endpoint.id.clone())
        }
        _ if visits >= MAX_VISITS as i64 => last.map(Into::into),
        _ => None,
    };
    Ok(Claimed::new(deliveries, after, first.try_get("next_due")?))
}

/// Deliveries of one claim share their endpoints and events.
fn endpoint(
    row: &PgRow,
    known: &mut HashMap<String, Arc<EndpointRecord>>,
) -> Result<Arc<EndpointRecord>, sqlx::Error> {
    let id: String = row.try_get("id")?;
    if let Some(endpoint) = known.get(&id) {
        return Ok(Arc::clone(endpoint));
    }
    let endpoint = Arc::new(rows::endpoint(row)?);
    known.insert(id, Arc::clone(&endpoint));
    Ok(endpoint)
}

fn event(
    row: &PgRow,
    endpoint: &EndpointRecord,
    known: &mut HashMap<i64, Arc<Event>>,
) -> Result<Arc<Event>, sqlx::Error> {
    let place: i64 = row.try_get("event_place")?;
    if let Some(event) = known.get(&place) {
        return Ok(Arc::clone(event));
    }
    let event = Arc::new(rows::event(row, &endpoint.endpoint.tenant)?);
    known.insert(place, Arc::clone(&event));
    Ok(event)
}
