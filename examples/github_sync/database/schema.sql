CREATE TABLE IF NOT EXISTS jobs (
    id INTEGER PRIMARY KEY,
    -- A branch of a repository, and the commit that it is brought to.
    target TEXT NOT NULL,
    head_sha TEXT NOT NULL,
    -- The delivery that asked for it first.
    delivery_id TEXT NOT NULL,
    repository_full_name TEXT,
    envelope TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'queued'
        CHECK (status IN ('queued', 'running', 'completed', 'failed', 'partial')),
    -- How often it was begun. Who writes must name the number: a worker that was overtaken writes nothing.
    attempts INTEGER NOT NULL DEFAULT 0,
    -- Unix milliseconds.
    enqueued_at INTEGER NOT NULL,
    not_before INTEGER NOT NULL DEFAULT 0,
    lease_until INTEGER NOT NULL DEFAULT 0,
    completed_at INTEGER,
    created INTEGER NOT NULL DEFAULT 0,
    updated INTEGER NOT NULL DEFAULT 0,
    deleted INTEGER NOT NULL DEFAULT 0,
    skipped INTEGER NOT NULL DEFAULT 0,
    -- [{"path": …, "reason": …}]
    failures TEXT NOT NULL DEFAULT '[]',
    UNIQUE (target, head_sha)
) STRICT;
CREATE INDEX IF NOT EXISTS jobs_open ON jobs (target, id) WHERE status IN ('queued', 'running');

-- Every delivery that changed something, or asked for a job that was there already.
CREATE TABLE IF NOT EXISTS deliveries (
    delivery_id TEXT PRIMARY KEY,
    event TEXT NOT NULL,
    job INTEGER REFERENCES jobs,
    received_at INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS deliveries_job ON deliveries (job);

CREATE TABLE IF NOT EXISTS installations (
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('active', 'suspended', 'deleted'))
) STRICT;

CREATE TABLE IF NOT EXISTS repositories (
    id INTEGER PRIMARY KEY,
    installation INTEGER,
    full_name TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('active', 'archived', 'removed', 'deleted'))
) STRICT;

CREATE TABLE IF NOT EXISTS files (
    target TEXT NOT NULL,
    path TEXT NOT NULL,
    -- The last commit that touched it.
    commit_sha TEXT NOT NULL,
    -- SHA-256 and bytes, where it was fetched.
    digest TEXT,
    size INTEGER,
    PRIMARY KEY (target, path)
) STRICT, WITHOUT ROWID;
