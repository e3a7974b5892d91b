CREATE TABLE sessions (
    key      TEXT    NOT NULL PRIMARY KEY,
    idle     INTEGER NOT NULL,
    absolute INTEGER NOT NULL,
    sealed   BLOB    NOT NULL
) STRICT;
CREATE INDEX sessions_end ON sessions (min(idle, absolute));

CREATE TABLE records (
    key           TEXT    NOT NULL PRIMARY KEY,
    connection_id TEXT    NOT NULL,
    generation    INTEGER NOT NULL,
    state         TEXT    NOT NULL,
    due           INTEGER,
    attempt       TEXT,
    lease_owner   TEXT,
    lease_until   INTEGER,
    idle          INTEGER,
    absolute      INTEGER,
    key_id        TEXT    NOT NULL,
    sealed        BLOB    NOT NULL,
    CHECK ((idle IS NULL) = (absolute IS NULL)),
    CHECK ((lease_owner IS NULL) = (lease_until IS NULL))
) STRICT;
CREATE INDEX records_end ON records (min(idle, absolute)) WHERE idle IS NOT NULL;
CREATE INDEX records_due ON records (due, key) WHERE due IS NOT NULL;
-- With idle, though it is always NULL here: only then does SQLite count without reading the rows.
CREATE INDEX records_sealed ON records (key_id, key, idle) WHERE idle IS NULL;
