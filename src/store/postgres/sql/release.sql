-- $2 key  $3 fence  $4 linger in ms
UPDATE {schema}.deliveries
   SET state = 'F', claimant = NULL, valid_until = {now}, purge_after = {now} + $4 * interval '1 ms'
 WHERE key = $2 AND fence = $3 AND state IN ('P', 'F')
