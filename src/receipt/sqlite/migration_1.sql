CREATE TABLE tower_webhook_receipts (
    -- The order they came in.
    place INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    connection TEXT NOT NULL,
    key TEXT,
    delivery_id TEXT,
    event_type TEXT,
    digest TEXT NOT NULL,
    state TEXT NOT NULL
        CHECK (state IN ('received', 'dispatched', 'acknowledged', 'duplicate', 'rejected')),
    -- Without a check: a later version may know more of them.
    reason TEXT,
    -- Unix seconds, by the clock of the receiver.
    received_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT;
CREATE INDEX tower_webhook_receipts_time ON tower_webhook_receipts (received_at, place);
CREATE INDEX tower_webhook_receipts_connection ON tower_webhook_receipts (connection, received_at, place);
CREATE INDEX tower_webhook_receipts_state ON tower_webhook_receipts (state, received_at, place);
CREATE INDEX tower_webhook_receipts_key ON tower_webhook_receipts (key) WHERE key IS NOT NULL;
-- The bound of one payload.
CREATE INDEX tower_webhook_receipts_payload ON tower_webhook_receipts (connection, digest, place);
-- What is swept, a handful of rows, and what is purged.
CREATE INDEX tower_webhook_receipts_open ON tower_webhook_receipts (changed_at)
    WHERE state IN ('received', 'dispatched');
CREATE INDEX tower_webhook_receipts_final ON tower_webhook_receipts (changed_at)
    WHERE state NOT IN ('received', 'dispatched');
