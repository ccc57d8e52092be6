-- $2 key  $3 fence  $4 lease in ms  $5 linger in ms
UPDATE {schema}.deliveries
   SET valid_until = {now} + $4 * interval '1 ms', purge_after = {now} + ($4 + $5) * interval '1 ms'
 WHERE key = $2 AND fence = $3 AND state = 'P'
