CREATE TABLE {schema}.receipts (
    -- The order they came in.
    place bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text COLLATE "C" NOT NULL UNIQUE,
    -- "C": what a collation calls equal is two, and the indices are smaller.
    connection text COLLATE "C" NOT NULL,
    key text COLLATE "C",
    delivery_id text,
    event_type text,
    digest text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL
        CHECK (state IN ('received', 'dispatched', 'acknowledged', 'duplicate', 'rejected')),
    -- Without a check: a later version may know more of them.
    reason text COLLATE "C",
    -- Unix seconds, by the clock of the receiver.
    received_at bigint NOT NULL,
    changed_at bigint NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX ON {schema}.receipts (received_at, place);
CREATE INDEX ON {schema}.receipts (connection, received_at, place);
CREATE INDEX ON {schema}.receipts (state, received_at, place);
CREATE INDEX ON {schema}.receipts (key) WHERE key IS NOT NULL;
-- The bound of one payload.
CREATE INDEX ON {schema}.receipts (connection, digest, place);
-- What is swept, a handful of rows, and what is purged.
CREATE INDEX ON {schema}.receipts (changed_at) WHERE state IN ('received', 'dispatched');
CREATE INDEX ON {schema}.receipts (changed_at) WHERE state NOT IN ('received', 'dispatched');
