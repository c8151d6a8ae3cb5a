-- Version 7: figures over a month without a look at the events, and keys that follow one
-- another.

-- What became of a message that has a notable decision (see event_notable). A row that is
-- there tells what the events tell; for one that is not, they are asked. So rows for what
-- was written before can come later, a few at a time: see state.endings_us.
CREATE TABLE ending (
  transaction_id PRIMARY KEY NOT NULL,
  sequence INTEGER,                   -- of the last outcome; NULL while there is none
  outcome INTEGER,                    -- what that says
  kept INTEGER                        -- sequence of the last that says 4, quarantined
) WITHOUT ROWID;

-- Notable decisions up to this one, in order of their times, have their endings; NULL:
-- all have.
ALTER TABLE state ADD COLUMN endings_us INTEGER DEFAULT 0;
ALTER TABLE state ADD COLUMN endings_sequence INTEGER NOT NULL DEFAULT 0;

-- What an event of kind 6 has beside its sequence, time_us and gateway: from here on
-- another key signs. The one before signed this, its signature is in `checkpoint`.
CREATE TABLE rotation (
  sequence INTEGER PRIMARY KEY REFERENCES event,
  old_key BLOB NOT NULL,              -- public halves
  new_key BLOB NOT NULL
);

CREATE VIEW rotations AS
SELECT
  e.sequence,
  strftime('%Y-%m-%dT%H:%M:%fZ', e.time_us / 1e6, 'unixepoch') AS time,
  e.time_us,
  (SELECT value FROM text WHERE id = e.gateway) AS gateway,
  lower(hex(r.old_key)) AS old_key,
  lower(hex(r.new_key)) AS new_key
FROM rotation AS r JOIN event AS e ON e.sequence = r.sequence;
