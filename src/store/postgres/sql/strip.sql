UPDATE {schema}.deliveries SET tail = NULL
 WHERE ctid = ANY (ARRAY(SELECT ctid FROM {schema}.deliveries
                          WHERE tail IS NOT NULL AND full_until <= {now}
                          LIMIT 1000 FOR UPDATE SKIP LOCKED))
