CREATE TABLE api_keys (
    name      TEXT NOT NULL PRIMARY KEY,
    hash      BLOB NOT NULL UNIQUE,
    key_id    TEXT NOT NULL,
    sealed    BLOB NOT NULL,
    last_used INTEGER
) STRICT;
