WITH endpoint AS (
    SELECT id FROM {schema}.outbox_endpoints WHERE id = $9 AND tenant = $1 AND disabled IS NULL
), event AS (
    INSERT INTO {schema}.outbox_events (tenant, id, type, api_version, content_type, body, created_at)
    SELECT $1, $2, $3, $4, $5, $6, $7 FROM endpoint
    ON CONFLICT (tenant, id) DO NOTHING
    RETURNING place
), made AS (
    INSERT INTO {schema}.outbox_deliveries
        (event, endpoint, state, due_at, leased, attempt, failed, manual, created_at, changed_at)
    SELECT event.place, endpoint.id, 0, $7, false, 0, 0, true, $7, $7 FROM event, endpoint
    RETURNING id
), told AS MATERIALIZED (
    SELECT pg_notify($8, '') FROM made
)
SELECT (SELECT count(*) FROM event) AS events, (SELECT count(*) FROM made) AS deliveries,
       (SELECT count(*) FROM told) AS told
