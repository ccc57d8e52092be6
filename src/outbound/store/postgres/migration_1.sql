CREATE TABLE {schema}.outbox_endpoints (
    -- The order they were made in.
    place bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    id text COLLATE "C" PRIMARY KEY,
    tenant text COLLATE "C" NOT NULL,
    url text NOT NULL,
    description text NOT NULL,
    events text[] NOT NULL,
    max_concurrent int,
    max_per_second int,
    -- Why it gets nothing.
    disabled text,
    failures int NOT NULL,
    -- Unix milliseconds, by the clocks of senders, as are all times.
    failing_since bigint,
    paused_until bigint,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    version bigint NOT NULL,
    sealed bytea NOT NULL
);
CREATE INDEX ON {schema}.outbox_endpoints (tenant, place);

CREATE TABLE {schema}.outbox_events (
    place bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    type text COLLATE "C" NOT NULL,
    api_version text,
    content_type text NOT NULL,
    -- Kept once, however many endpoints there are.
    body bytea NOT NULL,
    created_at bigint NOT NULL,
    UNIQUE (tenant, id)
);
CREATE INDEX ON {schema}.outbox_events (created_at);

CREATE TABLE {schema}.outbox_deliveries (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event bigint NOT NULL,
    endpoint text COLLATE "C" NOT NULL,
    -- 0 pending, 1 delivered, 2 dead.
    state smallint NOT NULL,
    reason text,
    -- When it is due, or when the lease of its attempt ends.
    due_at bigint NOT NULL,
    leased bool NOT NULL,
    attempt int NOT NULL,
    failed int NOT NULL,
    manual bool NOT NULL,
    created_at bigint NOT NULL,
    changed_at bigint NOT NULL,
    UNIQUE (event, endpoint)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
-- Only what is pending: claims cost the same however much is over.
CREATE INDEX outbox_due ON {schema}.outbox_deliveries (endpoint, due_at, id) WHERE state = 0;
CREATE INDEX outbox_audit ON {schema}.outbox_deliveries (endpoint, id);
CREATE INDEX outbox_over ON {schema}.outbox_deliveries (changed_at) WHERE state <> 0;

CREATE TABLE {schema}.outbox_attempts (
    delivery bigint NOT NULL,
    number int NOT NULL,
    at bigint NOT NULL,
    took bigint NOT NULL,
    status int,
    code text,
    message text,
    response bytea NOT NULL,
    late bool NOT NULL,
    PRIMARY KEY (delivery, number)
);
