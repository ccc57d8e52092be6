-- $2 key  $3 fence  $4 head  $5 tail  $6 ms of the whole answer  $7 ms of the tombstone
-- A repetition only reads, and where it waited for the first one it changes nothing.
WITH seen AS (
    SELECT 1 FROM {schema}.deliveries
     WHERE key = $2 AND fence = $3 AND state = 'D' AND valid_until > {now}
), done AS (
    UPDATE {schema}.deliveries
       SET state = 'D', claimant = NULL, head = coalesce(head, $4),
           tail = CASE WHEN state = 'P' THEN $5 ELSE tail END,
           full_until = coalesce(full_until, {now} + $6 * interval '1 ms'),
           valid_until = CASE WHEN state = 'P' THEN {now} + $7 * interval '1 ms' ELSE valid_until END,
           purge_after = CASE WHEN state = 'P' THEN {now} + $7 * interval '1 ms' ELSE purge_after END
     WHERE key = $2 AND fence = $3 AND (state = 'P' OR (state = 'D' AND valid_until > {now}))
       AND NOT EXISTS (SELECT FROM seen)
    RETURNING 1
)
SELECT 1 FROM seen UNION ALL SELECT 1 FROM done
