use std::sync::Arc;

use sqlx::AssertSqlSafe;

/// The statements of one schema.
pub(super) struct Statements {
    pub(super) insert: Statement,
    pub(super) update: Statement,
    pub(super) pause: Statement,
    pub(super) disable: Statement,
    pub(super) bury: Statement,
    pub(super) delete: Statement,
    pub(super) delete_lot: Statement,
    pub(super) find: Statement,
    pub(super) list: Statement,
    pub(super) emit: Statement,
    pub(super) emit_to: Statement,
    pub(super) claim: Statement,
    pub(super) renew: Statement,
    pub(super) settle: Statement,
    pub(super) written: Statement,
    pub(super) audit: Statement,
    pub(super) attempts: Statement,
    pub(super) revive_event: Statement,
    pub(super) revive_since: Statement,
    pub(super) purge: Statement,
    pub(super) purge_events: Statement,
}

/// A statement, with the name of a schema in it that was checked.
#[derive(Clone)]
pub(super) struct Statement(Arc<str>);

impl Statement {
    pub(super) fn text(&self) -> AssertSqlSafe<Arc<str>> {
        AssertSqlSafe(Arc::clone(&self.0))
    }
}

/// Most deliveries that are buried, revived or forgotten at once.
pub(super) const LOT: u64 = 1000;

const INSERT: &str = "
    INSERT INTO {schema}.outbox_endpoints
        (id, tenant, url, description, events, max_concurrent, max_per_second, disabled, failures, failing_since,
         paused_until, created_at, updated_at, version, sealed)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
    ON CONFLICT DO NOTHING";

const UPDATE: &str = "
    UPDATE {schema}.outbox_endpoints
    SET tenant = $2, url = $3, description = $4, events = $5, max_concurrent = $6, max_per_second = $7,
        disabled = $8, created_at = $9, updated_at = $10, version = version + 1, sealed = $11
    WHERE id = $1 AND version = $12";

const PAUSE: &str = "
    UPDATE {schema}.outbox_endpoints SET paused_until = $2
    WHERE id = $1 AND (paused_until IS NULL OR paused_until < $2)";

const DISABLE: &str = "
    UPDATE {schema}.outbox_endpoints
    SET disabled = $2, version = version + 1, updated_at = $4
    WHERE id = $1 AND disabled IS NULL AND failures >= $3";

const BURY: &str = "
    WITH lot AS MATERIALIZED (
        SELECT id FROM {schema}.outbox_deliveries
        WHERE state = 0 AND endpoint = $1
          AND NOT EXISTS (SELECT FROM {schema}.outbox_endpoints e WHERE e.id = $1 AND e.disabled IS NULL)
        ORDER BY due_at, id LIMIT 1000
    ), locked AS MATERIALIZED (
        SELECT id FROM {schema}.outbox_deliveries WHERE id = ANY (ARRAY(SELECT id FROM lot)) ORDER BY id FOR UPDATE
    ), buried AS (
        UPDATE {schema}.outbox_deliveries SET state = 2, reason = 'endpoint_disabled', changed_at = $2
        WHERE id = ANY (ARRAY(SELECT id FROM locked)) AND state = 0
    )
    SELECT count(*) FROM lot";

const DELETE: &str = "DELETE FROM {schema}.outbox_endpoints WHERE id = $1";

/// A range, and not an equation, so that the planner needs the index of endpoints for the order, and not the primary key.
const DELETE_LOT: &str = "
    WITH lot AS MATERIALIZED (
        SELECT id FROM {schema}.outbox_deliveries
        WHERE endpoint >= $1 AND endpoint <= $1 AND NOT EXISTS (SELECT FROM {schema}.outbox_endpoints e WHERE e.id = $1)
        ORDER BY endpoint, id LIMIT 1000 FOR UPDATE
    ), gone AS (
        DELETE FROM {schema}.outbox_deliveries WHERE id = ANY (ARRAY(SELECT id FROM lot))
    ), attempts AS (
        DELETE FROM {schema}.outbox_attempts WHERE delivery = ANY (ARRAY(SELECT id FROM lot))
    )
    SELECT count(*) FROM lot";

const FIND: &str = "SELECT e.* FROM {schema}.outbox_endpoints e WHERE id = $1";

const LIST: &str = "
    SELECT e.* FROM {schema}.outbox_endpoints e
    WHERE ($1::text IS NULL OR tenant = $1)
      AND ($2::text IS NULL OR place > (SELECT place FROM {schema}.outbox_endpoints WHERE id = $2))
    ORDER BY place LIMIT $3";

/// The second migration says why it is a function.
const CLAIM: &str = "
    SELECT * FROM {schema}.outbox_claim($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";

const RENEW: &str = "
    WITH locked AS MATERIALIZED (
        SELECT id FROM {schema}.outbox_deliveries WHERE id = ANY ($1::bigint[]) ORDER BY id FOR UPDATE
    )
    UPDATE {schema}.outbox_deliveries d SET due_at = $3
    FROM unnest($1::bigint[], $2::int[]) AS held (id, number)
    WHERE d.id = ANY (ARRAY(SELECT id FROM locked)) AND d.id = held.id AND d.attempt = held.number AND d.leased
      AND d.state = 0";

const WRITTEN: &str = "
    SELECT a.delivery, a.number FROM unnest($1::bigint[], $2::int[]) AS said (id, number)
    JOIN {schema}.outbox_attempts a ON a.delivery = said.id AND a.number = said.number
    WHERE NOT a.late AND a.code IS DISTINCT FROM 'lease_expired'";

const AUDIT: &str = "
    SELECT d.id, d.endpoint, d.state, d.reason, d.due_at, d.leased, d.attempt, d.failed, d.manual, d.created_at,
           d.changed_at, event.id AS event_id, event.type
    FROM {schema}.outbox_deliveries d JOIN {schema}.outbox_events event ON event.place = d.event
    WHERE d.endpoint = $1 AND ($2::text IS NULL OR event.id = $2) AND ($3::smallint IS NULL OR d.state = $3)
      AND ($4::bigint IS NULL OR d.id < $4)
    ORDER BY d.id DESC LIMIT $5";

const ATTEMPTS: &str = "
    SELECT a.* FROM unnest($1::bigint[]) WITH ORDINALITY AS asked (delivery, place)
    CROSS JOIN LATERAL (
        SELECT * FROM {schema}.outbox_attempts a WHERE a.delivery = asked.delivery ORDER BY number DESC LIMIT 50
    ) a
    ORDER BY asked.place, a.number";

/// One at most.
const REVIVE_EVENT: &str = "
    UPDATE {schema}.outbox_deliveries d
    SET state = 0, reason = NULL, due_at = $2, leased = false, failed = 0, manual = true, changed_at = $2
    FROM {schema}.outbox_endpoints e
    WHERE e.id = $1 AND e.disabled IS NULL AND d.endpoint = e.id AND d.state <> 0
      AND d.event = (SELECT place FROM {schema}.outbox_events event WHERE event.tenant = e.tenant AND event.id = $3)";

/// Behind the last one before: what is over again meanwhile is not sent once more.
const REVIVE_SINCE: &str = "
    WITH lot AS MATERIALIZED (
        SELECT id FROM {schema}.outbox_deliveries
        WHERE endpoint >= $1 AND endpoint <= $1 AND id > $5 AND state <> 0 AND created_at >= $3 AND (state = 2 OR $4)
          AND EXISTS (SELECT FROM {schema}.outbox_endpoints e WHERE e.id = $1 AND e.disabled IS NULL)
        ORDER BY endpoint, id LIMIT 1000 FOR UPDATE
    ), revived AS (
        UPDATE {schema}.outbox_deliveries
        SET state = 0, reason = NULL, due_at = $2, leased = false, failed = 0, manual = true, changed_at = $2
        WHERE id = ANY (ARRAY(SELECT id FROM lot))
    )
    SELECT count(*), max(id) FROM lot";

const PURGE: &str = "
    WITH old AS (
        DELETE FROM {schema}.outbox_deliveries WHERE id = ANY (ARRAY(
            SELECT id FROM {schema}.outbox_deliveries
            WHERE state <> 0 AND changed_at < greatest($1, $2)
              AND (state = 1 AND changed_at < $1 OR state = 2 AND changed_at < $2)
            ORDER BY changed_at LIMIT 1000 FOR UPDATE SKIP LOCKED
        )) RETURNING id
    ), attempts AS (
        DELETE FROM {schema}.outbox_attempts WHERE delivery = ANY (ARRAY(SELECT id FROM old))
    )
    SELECT count(*) FROM old";

const PURGE_EVENTS: &str = "
    DELETE FROM {schema}.outbox_events WHERE place = ANY (ARRAY(
        SELECT place FROM {schema}.outbox_events event
        WHERE created_at < $1 AND NOT EXISTS (SELECT FROM {schema}.outbox_deliveries d WHERE d.event = event.place)
        ORDER BY created_at LIMIT 1000 FOR UPDATE SKIP LOCKED
    ))";

impl Statements {
    pub(super) fn new(schema: &str) -> Self {
        let of = |text: &str| Statement(text.replace("{schema}", schema).into());
        Self {
            insert: of(INSERT),
            update: of(UPDATE),
            pause: of(PAUSE),
            disable: of(DISABLE),
            bury: of(BURY),
            delete: of(DELETE),
            delete_lot: of(DELETE_LOT),
            find: of(FIND),
            list: of(LIST),
            emit: of(include_str!("emit.sql")),
            emit_to: of(include_str!("emit_to.sql")),
            claim: of(CLAIM),
            renew: of(RENEW),
            settle: of(include_str!("settle.sql")),
            written: of(WRITTEN),
            audit: of(AUDIT),
            attempts: of(ATTEMPTS),
            revive_event: of(REVIVE_EVENT),
            revive_since: of(REVIVE_SINCE),
            purge: of(PURGE),
            purge_events: of(PURGE_EVENTS),
        }
    }
}
