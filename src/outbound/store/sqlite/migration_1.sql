CREATE TABLE tower_webhook_outbox_endpoints (
    -- The order of their making.
    place INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    tenant TEXT NOT NULL,
    url TEXT NOT NULL,
    description TEXT NOT NULL,
    -- An array of patterns, as JSON.
    events TEXT NOT NULL,
    max_concurrent INTEGER,
    max_per_second INTEGER,
    -- Why it is disabled; NULL where it is active.
    disabled TEXT,
    failures INTEGER NOT NULL,
    failing_since INTEGER,
    paused_until INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    version INTEGER NOT NULL,
    sealed BLOB NOT NULL
) STRICT;
CREATE INDEX tower_webhook_outbox_endpoints_tenant ON tower_webhook_outbox_endpoints (tenant, place);

CREATE TABLE tower_webhook_outbox_events (
    place INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    tenant TEXT NOT NULL,
    event_type TEXT NOT NULL,
    api_version TEXT,
    content_type TEXT NOT NULL,
    emitted_at INTEGER NOT NULL,
    -- The last, as it may be long: what comes after it is found behind it.
    body BLOB NOT NULL,
    UNIQUE (id, tenant)
) STRICT;
CREATE INDEX tower_webhook_outbox_events_time ON tower_webhook_outbox_events (emitted_at);

CREATE TABLE tower_webhook_outbox_deliveries (
    -- A number is never given twice: whoever asks for what is older than one must not skip any.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    -- The place of the event.
    event INTEGER NOT NULL,
    -- The id of the endpoint.
    endpoint TEXT NOT NULL,
    -- 0 pending, 1 delivered, 2 dead.
    state INTEGER NOT NULL CHECK (state IN (0, 1, 2)),
    reason TEXT,
    due_at INTEGER NOT NULL,
    leased INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    manual INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    UNIQUE (event, endpoint)
) STRICT;
-- The queue, a handful of rows: endpoint after endpoint, of each what is due first.
CREATE INDEX tower_webhook_outbox_deliveries_due ON tower_webhook_outbox_deliveries (endpoint, due_at, id)
    WHERE state = 0;
CREATE INDEX tower_webhook_outbox_deliveries_audit ON tower_webhook_outbox_deliveries (endpoint, id);
-- Dead letters are few among what was delivered, and asked for most.
CREATE INDEX tower_webhook_outbox_deliveries_dead ON tower_webhook_outbox_deliveries (endpoint, id)
    WHERE state = 2;
-- What is purged.
CREATE INDEX tower_webhook_outbox_deliveries_over ON tower_webhook_outbox_deliveries (state, changed_at)
    WHERE state <> 0;

CREATE TABLE tower_webhook_outbox_attempts (
    delivery INTEGER NOT NULL,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    took INTEGER NOT NULL,
    status INTEGER,
    code TEXT,
    message TEXT,
    response BLOB NOT NULL,
    late INTEGER NOT NULL,
    PRIMARY KEY (delivery, number)
) STRICT, WITHOUT ROWID;
