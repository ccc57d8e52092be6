//! What is due is taken, endpoint after endpoint.

use std::collections::HashMap;
use std::sync::Arc;

use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection, query};

use super::super::{
    AttemptError, ClaimRequest, Claimed, ClaimedDelivery, DeliveryId, Held, MAX_VISITS,
};
use super::rows;
use crate::outbound::endpoint::{EndpointId, EndpointRecord};
use crate::outbound::event::Event;

/// From one endpoint that has something pending to the next: one step in the index, however much is pending.
const WAITING: &str = "
    WITH RECURSIVE waiting (endpoint) AS (
        SELECT * FROM (SELECT endpoint FROM tower_webhook_outbox_deliveries
                       WHERE state = 0 AND endpoint > $1 ORDER BY endpoint LIMIT 1)
        UNION ALL
        SELECT (SELECT endpoint FROM tower_webhook_outbox_deliveries
                WHERE state = 0 AND endpoint > waiting.endpoint ORDER BY endpoint LIMIT 1)
        FROM waiting WHERE waiting.endpoint IS NOT NULL
        LIMIT $2
    )
    SELECT waiting.endpoint, endpoints.*,
           (SELECT due_at FROM tower_webhook_outbox_deliveries
            WHERE state = 0 AND endpoint = waiting.endpoint ORDER BY due_at LIMIT 1) AS first
    FROM waiting LEFT JOIN tower_webhook_outbox_endpoints AS endpoints ON endpoints.id = waiting.endpoint
    WHERE waiting.endpoint IS NOT NULL ORDER BY waiting.endpoint";

const DUE: &str = "
    SELECT id, event, due_at, attempt, failed, manual FROM tower_webhook_outbox_deliveries
    WHERE state = 0 AND endpoint = $1 AND due_at <= $2 ORDER BY due_at, id LIMIT $3";

/// A lease that ended without a word is an attempt of which nobody knows how it ended.
const LOST: &str = "
    INSERT INTO tower_webhook_outbox_attempts (delivery, number, at, took, code, message, response, late)
    SELECT id, attempt, due_at, 0, $2, $3, x'', 0 FROM tower_webhook_outbox_deliveries
    WHERE id IN (SELECT value FROM json_each($1)) AND leased
    ON CONFLICT (delivery, number) DO NOTHING";

const TAKE: &str = "
    UPDATE tower_webhook_outbox_deliveries SET attempt = attempt + 1, leased = 1, due_at = $2
    WHERE id IN (SELECT value FROM json_each($1))";

const EVENTS: &str = "
    SELECT * FROM tower_webhook_outbox_events WHERE place IN (SELECT value FROM json_each($1))";

/// A delivery that is taken, but for its event.
struct Taken {
    row: SqliteRow,
    endpoint: Arc<EndpointRecord>,
}

pub(super) async fn claim(
    on: &mut SqliteConnection,
    request: &ClaimRequest,
) -> sqlx::Result<Claimed> {
    let after = request.after.as_ref().map_or("", EndpointId::as_str);
    let waiting = query(WAITING)
        .bind(after.to_owned())
        .bind(MAX_VISITS as i64);
    let waiting = waiting.fetch_all(&mut *on).await?;
    let mut claimed = Claimed::default();
    if waiting.len() == MAX_VISITS {
        claimed.after = Some(visited(&waiting[MAX_VISITS - 1])?);
    }
    let mut taken = Vec::new();
    for row in waiting {
        let left = request.limit as usize - taken.len();
        if left == 0 {
            // The last one visited may have more, and has had its share.
            let last = taken.last();
            claimed.after = last.map(|last: &Taken| last.endpoint.endpoint.id.clone());
            break;
        }
        // Without an endpoint nothing can be sent.
        if row.try_get::<Option<String>, _>("id")?.is_some() {
            visit(on, &row, left, request, &mut claimed, &mut taken).await?;
        }
    }
    if !taken.is_empty() {
        take(on, &taken, request.lease_until).await?;
        claimed.deliveries = with_events(on, taken).await?;
    }
    Ok(claimed)
}

fn visited(row: &SqliteRow) -> sqlx::Result<EndpointId> {
    row.try_get::<String, _>("endpoint").map(EndpointId::from)
}

async fn visit(
    on: &mut SqliteConnection,
    row: &SqliteRow,
    left: usize,
    request: &ClaimRequest,
    claimed: &mut Claimed,
    taken: &mut Vec<Taken>,
) -> sqlx::Result<()> {
    let record = Arc::new(rows::endpoint(row)?);
    let endpoint = &record.endpoint;
    let first: i64 = row.try_get("first")?;
    let first = first.max(endpoint.health.paused_until.unwrap_or(i64::MIN));
    if first > request.now {
        claimed.next_due = Some(claimed.next_due.map_or(first, |next| next.min(first)));
        return Ok(());
    }
    let allowed = (request.allowed(endpoint) as usize).min(left);
    if allowed == 0 {
        return Ok(());
    }
    let due = query(DUE)
        .bind(endpoint.id.to_string())
        .bind(request.now)
        .bind(i64::try_from(allowed).unwrap_or(i64::MAX));
    let rows = due.fetch_all(on).await?;
    taken.extend(rows.into_iter().map(|row| Taken {
        row,
        endpoint: Arc::clone(&record),
    }));
    Ok(())
}

async fn take(on: &mut SqliteConnection, taken: &[Taken], until: i64) -> sqlx::Result<()> {
    let ids: sqlx::Result<Vec<i64>> = taken.iter().map(|taken| taken.row.try_get("id")).collect();
    let ids = rows::list(ids?);
    let lost = query(LOST)
        .bind(ids.clone())
        .bind(AttemptError::LEASE_EXPIRED)
        .bind("the sender did not live to tell how it ended");
    lost.execute(&mut *on).await?;
    let take = query(TAKE).bind(ids).bind(until);
    take.execute(on).await.map(drop)
}

/// An event that goes to many endpoints is read once.
async fn with_events(
    on: &mut SqliteConnection,
    taken: Vec<Taken>,
) -> sqlx::Result<Vec<ClaimedDelivery>> {
    let place = |taken: &Taken| taken.row.try_get::<i64, _>("event");
    let places: sqlx::Result<Vec<_>> = taken.iter().map(place).collect();
    let events = query(EVENTS).bind(rows::list(places?));
    let mut known: HashMap<i64, Arc<Event>> = HashMap::new();
    for row in events.fetch_all(on).await? {
        known.insert(row.try_get("place")?, Arc::new(rows::event(&row)?));
    }
    let mut claimed = Vec::with_capacity(taken.len());
    for taken in taken {
        let row = &taken.row;
        let event = known.get(&place(&taken)?).cloned();
        let event = event.ok_or(sqlx::Error::RowNotFound)?;
        let held = Held::new(
            DeliveryId(row.try_get("id")?),
            row.try_get::<u32, _>("attempt")? + 1,
        );
        claimed.push(ClaimedDelivery {
            failed: row.try_get("failed")?,
            manual: row.try_get("manual")?,
            ..ClaimedDelivery::new(held, row.try_get("due_at")?, event, taken.endpoint)
        });
    }
    Ok(claimed)
}

#[cfg(test)]
mod tests {
    use sqlx::AssertSqlSafe;

    use super::*;
    use crate::outbound::SqliteOutbox;

    #[tokio::test]
    async fn no_statement_reads_a_whole_table() {
        let store = SqliteOutbox::connect("sqlite::memory:").await.unwrap();
        for statement in [WAITING, DUE, LOST, TAKE, EVENTS] {
            let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
            let plan = query(explain).fetch_all(store.pool()).await.unwrap();
            let lines = plan.iter().map(|row| row.get::<String, _>("detail"));
            let lines: Vec<_> = lines.collect();
            assert!(!lines.is_empty());
            for line in &lines {
                let is_table = line.starts_with("SCAN tower") || line.starts_with("SCAN endpoints");
                assert!(!is_table, "{statement}\n{lines:#?}");
            }
            if statement == WAITING {
                let due = lines
                    .iter()
                    .filter(|line| line.contains("_deliveries_due (endpoint"));
                assert_eq!(due.count(), 3, "{lines:#?}");
            }
        }
    }
}
