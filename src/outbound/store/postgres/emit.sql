WITH event AS (
    INSERT INTO {schema}.outbox_events (tenant, id, type, api_version, content_type, body, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (tenant, id) DO NOTHING
    RETURNING place
), made AS (
    INSERT INTO {schema}.outbox_deliveries
        (event, endpoint, state, due_at, leased, attempt, failed, manual, created_at, changed_at)
    SELECT event.place, e.id, 0, $7, false, 0, 0, false, $7, $7
    FROM event, {schema}.outbox_endpoints e
    WHERE e.tenant = $1 AND e.disabled IS NULL AND EXISTS (
        SELECT FROM unnest(e.events) AS pattern
        WHERE pattern IN ('*', $3)
           OR right(pattern, 2) = '.*' AND starts_with($3, left(pattern, -1)) AND length($3) >= length(pattern)
    )
    RETURNING id
), told AS MATERIALIZED (
    SELECT pg_notify($8, '') FROM (SELECT FROM made LIMIT 1) one
)
SELECT (SELECT count(*) FROM event) AS events, (SELECT count(*) FROM made) AS deliveries,
       (SELECT count(*) FROM told) AS told
