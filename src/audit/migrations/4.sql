-- Version 4: the chain. Every event has a salt and a hash from now on (chain.h says how
-- they are made).

-- One row: what the chain hangs on.
CREATE TABLE chain (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  log BLOB NOT NULL,                  -- the log's name, 128 bits
  first INTEGER NOT NULL,             -- sequence of the first event that is chained
  key BLOB                            -- with which checkpoints are signed: the public half
);
INSERT INTO chain SELECT 1, randomblob(16), coalesce(max(sequence), 0) + 1, NULL FROM event;

-- What an event of kind 4 has beside its sequence, time_us and gateway: a signature, by
-- which all before it can be held against the chain. Every seal has one too.
CREATE TABLE checkpoint (
  sequence INTEGER PRIMARY KEY REFERENCES event,
  signature BLOB NOT NULL             -- Ed25519; checkpoint.h says of what
);

-- What an event of kind 5 has beside the same: the oldest part of the log was cut off.
CREATE TABLE seal (
  sequence INTEGER PRIMARY KEY REFERENCES event,
  upto INTEGER NOT NULL,              -- the last sequence that was cut off
  hash BLOB NOT NULL                  -- and its hash, which the rest follows
);

CREATE VIEW checkpoints AS
SELECT
  e.sequence,
  strftime('%Y-%m-%dT%H:%M:%fZ', e.time_us / 1e6, 'unixepoch') AS time,
  e.time_us,
  (SELECT value FROM text WHERE id = e.gateway) AS gateway,
  lower(hex(e.hash)) AS hash,
  lower(hex(c.signature)) AS signature,
  s.upto AS cut_off_upto
FROM checkpoint AS c JOIN event AS e ON e.sequence = c.sequence
LEFT JOIN seal AS s ON s.sequence = c.sequence;
