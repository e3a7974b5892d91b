-- What a kept record is found and counted by. An empty label: it has no index. A process of an earlier version may still
-- be at work: it writes rows without one, and by INSERT OR REPLACE, which fires no trigger for the row that it removes.
ALTER TABLE records ADD COLUMN label TEXT NOT NULL DEFAULT '';
ALTER TABLE records ADD COLUMN login_end INTEGER;
ALTER TABLE records ADD COLUMN user_id BLOB;
ALTER TABLE records ADD COLUMN sub BLOB;
ALTER TABLE records ADD COLUMN email BLOB;
CREATE INDEX records_user_id ON records (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX records_sub ON records (sub) WHERE sub IS NOT NULL;
CREATE INDEX records_email ON records (email) WHERE email IS NOT NULL;
CREATE INDEX records_group_due ON records (key_id, state, label, due, idle) WHERE due IS NOT NULL AND idle IS NULL;
CREATE INDEX records_group_login_end ON records (key_id, state, label, login_end, idle)
    WHERE login_end IS NOT NULL AND idle IS NULL;

CREATE TABLE record_counts (
    key_id TEXT    NOT NULL,
    state  TEXT    NOT NULL,
    label  TEXT    NOT NULL,
    rows   INTEGER NOT NULL,
    PRIMARY KEY (key_id, state, label)
) STRICT, WITHOUT ROWID;
INSERT INTO record_counts
SELECT key_id, state, label, count(*) FROM records WHERE idle IS NULL GROUP BY key_id, state, label;

CREATE TRIGGER records_replaced BEFORE INSERT ON records BEGIN
    UPDATE record_counts SET rows = rows - 1
    WHERE (key_id, state, label) = (SELECT key_id, state, label FROM records WHERE key = NEW.key AND idle IS NULL);
END;
CREATE TRIGGER records_inserted AFTER INSERT ON records WHEN NEW.idle IS NULL BEGIN
    INSERT INTO record_counts SELECT NEW.key_id, NEW.state, NEW.label, 0
    WHERE NOT EXISTS (SELECT 1 FROM record_counts WHERE (key_id, state, label) = (NEW.key_id, NEW.state, NEW.label));
    UPDATE record_counts SET rows = rows + 1 WHERE (key_id, state, label) = (NEW.key_id, NEW.state, NEW.label);
END;
CREATE TRIGGER records_updated AFTER UPDATE OF key_id, state, label ON records
WHEN NEW.idle IS NULL AND (OLD.key_id, OLD.state, OLD.label) <> (NEW.key_id, NEW.state, NEW.label) BEGIN
    UPDATE record_counts SET rows = rows - 1 WHERE (key_id, state, label) = (OLD.key_id, OLD.state, OLD.label);
    INSERT INTO record_counts SELECT NEW.key_id, NEW.state, NEW.label, 0
    WHERE NOT EXISTS (SELECT 1 FROM record_counts WHERE (key_id, state, label) = (NEW.key_id, NEW.state, NEW.label));
    UPDATE record_counts SET rows = rows + 1 WHERE (key_id, state, label) = (NEW.key_id, NEW.state, NEW.label);
END;
CREATE TRIGGER records_deleted AFTER DELETE ON records WHEN OLD.idle IS NULL BEGIN
    UPDATE record_counts SET rows = rows - 1 WHERE (key_id, state, label) = (OLD.key_id, OLD.state, OLD.label);
END;
