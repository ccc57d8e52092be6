-- Claims the next due deliveries. A function for its settings: planned as a statement of its own, each claim would be
-- planned anew once many retries are parked, for the plan of all values looks as if it read them all; and a plan that was
-- made while the tables were empty would read them whole once they are not. This plan is made once a connection, of
-- indices alone, whatever statistics say.
CREATE FUNCTION {schema}.outbox_claim(
    -- The endpoint to begin behind, how many to visit, now, and the failures from which on they get one at a time.
    text, int, bigint, int,
    -- What the dispatcher knows of endpoints: how many more they may get, and how many are on their way to them.
    text[], int[], int[],
    -- How many may be on their way to the others, how many to claim, and when the lease ends.
    int, bigint, bigint
) RETURNS TABLE (
    visits bigint, last text, next_due bigint, endpoints_left text[],
    delivery bigint, number int, failed int, manual bool, was_due_at bigint,
    event_place bigint, event_id text, type text, api_version text, content_type text, body bytea,
    place bigint, id text, tenant text, url text, description text, events text[], max_concurrent int, max_per_second int,
    disabled text, failures int, failing_since bigint, paused_until bigint, created_at bigint, updated_at bigint,
    version bigint, sealed bytea
)
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_bitmapscan = off
-- Hashes what was listed. What is looked up for each of a list stands in LATERAL, which nothing else can join; that what is
-- off must be taken makes the plan look so costly that it would be compiled.
SET enable_nestloop = off
SET jit = off
AS $claim$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    -- One hop of the index for each endpoint that has something pending, beginning behind the cursor.
    WITH RECURSIVE visit (endpoint, due_at, turn) AS (
        (SELECT endpoint, due_at, 1 FROM {schema}.outbox_deliveries
         WHERE state = 0 AND endpoint > $1 ORDER BY endpoint, due_at LIMIT 1)
        UNION ALL
        SELECT next.endpoint, next.due_at, visit.turn + 1
        FROM visit CROSS JOIN LATERAL (
            SELECT endpoint, due_at FROM {schema}.outbox_deliveries
            WHERE state = 0 AND endpoint > visit.endpoint ORDER BY endpoint, due_at LIMIT 1
        ) next
        WHERE visit.turn < $2
    ), visited AS MATERIALIZED (
        SELECT visit.endpoint, visit.due_at, visit.turn,
               greatest(visit.due_at, coalesce(e.paused_until, visit.due_at)) AS first,
               -- Emitted while its endpoint was being forgotten or disabled, or left where its burial broke off.
               e.id IS NULL OR e.disabled IS NOT NULL AS is_left,
               CASE
                   WHEN e.id IS NULL OR e.disabled IS NOT NULL OR e.paused_until > $3 THEN 0
                   WHEN e.failures < $4 THEN base.most
                   ELSE least(base.most, CASE WHEN coalesce(known.in_flight, 0) = 0 THEN 1 ELSE 0 END)
               END AS most
        FROM visit
        -- With an offset it is looked up, and not read whole to be hashed.
        LEFT JOIN LATERAL (SELECT * FROM {schema}.outbox_endpoints WHERE id = visit.endpoint OFFSET 0) e ON true
        LEFT JOIN unnest($5::text[], $6::int[], $7::int[]) AS known (endpoint, most, in_flight)
            ON known.endpoint = visit.endpoint
        CROSS JOIN LATERAL (
            SELECT coalesce(known.most, least(coalesce(e.max_concurrent, $8), coalesce(e.max_per_second, 2147483647)))
        ) base (most)
    ), picked AS MATERIALIZED (
        SELECT due.id, due.leased, due.attempt, due.due_at, visited.turn
        FROM visited CROSS JOIN LATERAL (
            SELECT id, leased, attempt, due_at FROM {schema}.outbox_deliveries
            WHERE state = 0 AND endpoint = visited.endpoint AND due_at <= $3
            ORDER BY due_at, id LIMIT visited.most FOR UPDATE SKIP LOCKED
        ) due
        WHERE visited.due_at <= $3 AND visited.most > 0
        ORDER BY visited.turn, due.due_at, due.id
        LIMIT $9
    ), expired AS (
        -- Whoever made these attempts did not live to tell.
        INSERT INTO {schema}.outbox_attempts (delivery, number, at, took, code, message, response, late)
        SELECT id, attempt, due_at, 0, 'lease_expired', 'the sender did not live to tell how it ended', '', false
        FROM picked WHERE leased
        ON CONFLICT DO NOTHING
    ), taken AS (
        UPDATE {schema}.outbox_deliveries d
        SET due_at = $10, leased = true, attempt = d.attempt + 1
        WHERE d.id = ANY (ARRAY(SELECT id FROM picked))
        RETURNING d.id, d.attempt AS number, d.failed, d.manual, d.event, d.endpoint
    )
    SELECT (SELECT count(*) FROM visited) AS visits,
           (SELECT endpoint FROM visited ORDER BY turn DESC LIMIT 1) AS last,
           -- Where the limit was reached, only of the endpoints before it.
           (SELECT min(first) FROM visited WHERE first > $3 AND (
               (SELECT count(*) FROM picked) < $9 OR turn <= (SELECT max(turn) FROM picked)
           )) AS next_due,
           ARRAY(SELECT endpoint FROM visited WHERE is_left) AS endpoints_left,
           taken.id AS delivery, taken.number, taken.failed, taken.manual, picked.due_at AS was_due_at,
           taken.event AS event_place, event.id AS event_id, event.type, event.api_version,
           event.content_type, event.body, e.*
    FROM (SELECT 1) one
    LEFT JOIN (taken JOIN picked ON picked.id = taken.id
        CROSS JOIN LATERAL (SELECT * FROM {schema}.outbox_events WHERE place = taken.event OFFSET 0) event
        CROSS JOIN LATERAL (SELECT * FROM {schema}.outbox_endpoints WHERE id = taken.endpoint OFFSET 0) e
    ) ON true
    ORDER BY picked.turn, picked.due_at, picked.id;
END
$claim$;
