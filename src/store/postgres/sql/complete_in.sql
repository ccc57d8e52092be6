-- As complete.sql, but a repetition is refused: the effect beside it must be undone.
UPDATE {schema}.deliveries
   SET state = 'D', claimant = NULL, head = $4, tail = $5,
       full_until = {now} + $6 * interval '1 ms',
       valid_until = {now} + $7 * interval '1 ms', purge_after = {now} + $7 * interval '1 ms'
 WHERE key = $2 AND fence = $3 AND state = 'P'
