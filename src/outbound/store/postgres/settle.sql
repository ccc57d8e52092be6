WITH said AS MATERIALIZED (
    SELECT * FROM unnest(
        $1::bigint[], $2::int[], $3::smallint[], $4::bigint[], $5::text[], $6::bigint[], $7::text[], $8::smallint[],
        $9::bigint[], $10::bigint[], $11::int[], $12::text[], $13::text[], $14::bytea[]
    ) WITH ORDINALITY AS said (
        id, number, next, due_at, reason, ended_at, endpoint, effect,
        at, took, status, code, message, response, place
    )
), locked AS MATERIALIZED (
    -- All lock in one order, so that no two wait for each other.
    SELECT id FROM {schema}.outbox_deliveries
    WHERE id = ANY (ARRAY(SELECT id FROM said)) ORDER BY id FOR UPDATE
), moved AS (
    -- 0 delivered, 1 retry, 2 dead, 3 released.
    UPDATE {schema}.outbox_deliveries d
    SET state = CASE said.next WHEN 0 THEN 1 WHEN 2 THEN 2 ELSE 0 END,
        reason = said.reason,
        due_at = coalesce(said.due_at, d.due_at),
        leased = false,
        failed = d.failed + CASE WHEN said.next IN (1, 2) THEN 1 ELSE 0 END,
        changed_at = said.ended_at
    FROM said
    WHERE d.id = ANY (ARRAY(SELECT id FROM locked)) AND d.id = said.id AND d.attempt = said.number AND d.leased
      AND (d.state = 0 OR d.state = 2 AND d.reason = 'endpoint_disabled' AND said.next = 0)
    RETURNING d.id, d.attempt
), written AS (
    INSERT INTO {schema}.outbox_attempts AS a
        (delivery, number, at, took, status, code, message, response, late)
    SELECT said.id, said.number, said.at, said.took, said.status, said.code, said.message, said.response,
           moved.id IS NULL
    FROM said LEFT JOIN moved ON moved.id = said.id AND moved.attempt = said.number
    WHERE said.next <> 3 AND EXISTS (SELECT FROM {schema}.outbox_deliveries d WHERE d.id = said.id)
    ON CONFLICT (delivery, number) DO UPDATE
    SET at = excluded.at, took = excluded.took, status = excluded.status, code = excluded.code,
        message = excluded.message, response = excluded.response, late = excluded.late
    WHERE a.code = 'lease_expired'
), counted AS (
    SELECT said.endpoint, said.effect, said.place, said.ended_at,
           coalesce(max(said.place) FILTER (WHERE said.effect = 1) OVER (PARTITION BY said.endpoint), 0) AS well
    FROM said JOIN moved ON moved.id = said.id AND moved.attempt = said.number
    WHERE said.effect <> 0
), fold AS (
    SELECT endpoint, bool_or(effect = 1) AS succeeded,
           count(*) FILTER (WHERE effect = 2 AND place > well) AS failures,
           (array_agg(ended_at ORDER BY place) FILTER (WHERE effect = 2 AND place > well))[1] AS since
    FROM counted GROUP BY endpoint
), sick AS MATERIALIZED (
    -- Where nothing changes nothing is written, nor locked: endpoints that are well cost nothing.
    SELECT e.id FROM fold JOIN {schema}.outbox_endpoints e ON e.id = fold.endpoint
    WHERE fold.failures > 0 OR e.failures > 0
    ORDER BY e.id FOR UPDATE OF e
), health AS (
    UPDATE {schema}.outbox_endpoints e
    SET failures = CASE WHEN fold.succeeded THEN 0 ELSE e.failures END + fold.failures,
        failing_since = CASE WHEN fold.succeeded THEN fold.since ELSE coalesce(e.failing_since, fold.since) END
    FROM fold JOIN {schema}.outbox_endpoints old ON old.id = fold.endpoint
    WHERE e.id = ANY (ARRAY(SELECT id FROM sick)) AND e.id = fold.endpoint
      AND (fold.failures > 0 OR e.failures > 0)
    RETURNING e.id,
              -- What others settled meanwhile is not in the snapshot.
              CASE WHEN fold.succeeded THEN old.failures ELSE (e.failures - fold.failures)::int END AS before, e.failures, e.failing_since, e.paused_until
)
SELECT said.place, moved.id IS NOT NULL AS held,
       NULL::text AS endpoint, NULL::int AS before, NULL::int AS failures,
       NULL::bigint AS failing_since, NULL::bigint AS paused_until
FROM said
LEFT JOIN moved ON moved.id = said.id AND moved.attempt = said.number
UNION ALL
SELECT NULL, NULL, id, before, failures, failing_since, paused_until FROM health
ORDER BY place, endpoint
