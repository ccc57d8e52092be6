-- In lots, and around what others hold: a purge must not make a claim wait.
DELETE FROM {schema}.deliveries
 WHERE ctid = ANY (ARRAY(SELECT ctid FROM {schema}.deliveries WHERE purge_after <= {now}
                          LIMIT 1000 FOR UPDATE SKIP LOCKED))
