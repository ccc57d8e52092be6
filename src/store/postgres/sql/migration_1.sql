CREATE SEQUENCE {schema}.fences AS bigint;
CREATE TABLE {schema}.deliveries (
    -- "C": keys that a collation calls equal are two.
    key text COLLATE "C" PRIMARY KEY CHECK (char_length(key) <= 255),
    -- P in progress, D done, F given up.
    state "char" NOT NULL CHECK (state IN ('P', 'D', 'F')),
    fence bigint NOT NULL CHECK (fence > 0),
    payload bytea NOT NULL CHECK (octet_length(payload) = 32),
    claimant bytea CHECK (octet_length(claimant) = 16),
    -- RETURNING sees no old row before PostgreSQL 18, so the update notes what it took over.
    reclaimed boolean NOT NULL DEFAULT false,
    -- The end of the lease, or the time to forget.
    valid_until timestamptz NOT NULL,
    full_until timestamptz,
    purge_after timestamptz NOT NULL,
    head bytea,
    tail bytea
) WITH (fillfactor = 70);
CREATE INDEX ON {schema}.deliveries (purge_after);
-- Only answers with a body or a type: most have neither.
CREATE INDEX ON {schema}.deliveries (full_until) WHERE tail IS NOT NULL;
