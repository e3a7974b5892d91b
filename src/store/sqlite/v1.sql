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
    idle          INTEGER,
    absolute      INTEGER,
    sealed        BLOB    NOT NULL,
    CHECK ((idle IS NULL) = (absolute IS NULL))
) STRICT;
CREATE INDEX records_end ON records (min(idle, absolute)) WHERE idle IS NOT NULL;
