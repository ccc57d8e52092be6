-- $2 key  $3 payload  $4 claimant  $5 lease in ms  $6 linger in ms
-- A duplicate only reads. No row: the conflict was with a row younger than the snapshot; ask again.
WITH seen AS (
    SELECT state, fence, payload = $3 AS same, claimant = $4 AS mine, head,
           CASE WHEN full_until > {now} THEN tail END AS tail,
           ceil(extract(epoch FROM valid_until - {now}) * 1000)::bigint AS wait
      FROM {schema}.deliveries
     WHERE key = $2 AND state IN ('P', 'D') AND valid_until > {now}
), granted AS (
    INSERT INTO {schema}.deliveries AS d (key, state, fence, payload, claimant, valid_until, purge_after)
    SELECT $2, 'P', nextval('{schema}.fences'), $3, $4,
           {now} + $5 * interval '1 ms', {now} + ($5 + $6) * interval '1 ms'
     WHERE NOT EXISTS (SELECT FROM seen)
    ON CONFLICT (key) DO UPDATE
       SET state = 'P',
           -- The sequence is drawn before the row is locked, so its order is not the row's.
           fence = greatest(d.fence + 1, excluded.fence),
           payload = excluded.payload, claimant = excluded.claimant,
           reclaimed = (d.state = 'P'),
           valid_until = {now} + $5 * interval '1 ms',
           purge_after = {now} + ($5 + $6) * interval '1 ms',
           full_until = NULL, head = NULL, tail = NULL
     WHERE d.state = 'F' OR d.valid_until <= {now}
    RETURNING fence, reclaimed
)
SELECT 'A' AS verdict, fence, reclaimed, NULL::bytea AS head, NULL::bytea AS tail, NULL::bigint AS wait
  FROM granted
UNION ALL
SELECT CASE WHEN NOT same THEN 'M' WHEN state = 'D' THEN 'D' WHEN mine THEN 'A' ELSE 'P' END,
       fence, false, head, tail, wait
  FROM seen
