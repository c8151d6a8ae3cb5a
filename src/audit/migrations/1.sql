-- Nearmiss audit log, version 1.
--
-- The log is one table of events, in the order in which they were written, and never
-- updated. Columns that belong to another kind of event are NULL. Texts that repeat
-- (domains, senders, rules) stand once in `text` and as a number in the event, because
-- events are what a busy gateway makes most of.
--
-- Bytes from a mail are kept as they came: valid UTF-8 without NUL as TEXT, anything
-- else as BLOB.
--
-- Those who use SQL read the views. The tables may change between versions; columns of
-- the views are added, never changed.

CREATE TABLE event (
  sequence INTEGER PRIMARY KEY,       -- the order in which events were written
  kind INTEGER NOT NULL,              -- 1 decision, 2 outcome
  time_us INTEGER NOT NULL,           -- microseconds since 1970, UTC
  id,                                 -- decision: what a reply quotes; the 80 random bits
                                      -- of a ULID whose time is time_us, or all 128
  transaction_id NOT NULL,            -- one a message; 128 bits of a ULID
  gateway INTEGER REFERENCES text,    -- the machine that wrote the event
  -- a decision:
  client INTEGER REFERENCES text,     -- IP address
  auth INTEGER REFERENCES text,       -- who had logged in
  sender INTEGER REFERENCES text,
  recipient TEXT,
  domain INTEGER REFERENCES text,     -- A-labels
  match INTEGER,                      -- word 'match'
  target INTEGER REFERENCES text,     -- the domain that was meant, A-labels
  technique INTEGER,                  -- word 'technique'
  confidence REAL,                    -- 0..1
  rule INTEGER REFERENCES text,
  action INTEGER,                     -- word 'action'
  reply TEXT,                         -- as answered
  mode INTEGER,                       -- word 'mode'
  config INTEGER REFERENCES config,
  -- an outcome; in a decision, what became of its recipient at once:
  outcome INTEGER,                    -- word 'outcome'
  -- an outcome:
  queue_id TEXT,
  -- the chain; NULL in events written before the log was chained:
  salt BLOB,                          -- of the commitments to what is personal
  hash BLOB                           -- over this event and the hash before it
);

-- Events come in the order of time and of transactions, so that these indexes grow at
-- their ends. An id whose time is its event's needs none.
CREATE INDEX event_time ON event (time_us) WHERE kind = 1;
CREATE INDEX event_id ON event (id) WHERE length(id) > 10;
CREATE INDEX event_transaction ON event (transaction_id) WHERE kind = 1;
CREATE INDEX event_outcome ON event (transaction_id) WHERE kind = 2;
CREATE INDEX event_queue ON event (queue_id) WHERE queue_id IS NOT NULL;

-- Only few events are in these.
CREATE INDEX event_technique ON event (technique) WHERE technique > 0;
CREATE INDEX event_action ON event (action) WHERE action > 0;

CREATE TABLE text (
  id INTEGER PRIMARY KEY,
  value NOT NULL UNIQUE
);

-- Which events mention a text as their domain, sender (in lower case), target or rule.
-- Filled in large steps: complete up to state.indexed.
CREATE TABLE mention (
  text INTEGER NOT NULL REFERENCES text,
  sequence INTEGER NOT NULL REFERENCES event,
  PRIMARY KEY (text, sequence)
) WITHOUT ROWID;

CREATE TABLE config (
  id INTEGER PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE,
  text TEXT                           -- NULL while only events have told of it
);

-- The names of codes.
CREATE TABLE word (
  topic TEXT NOT NULL,
  code INTEGER NOT NULL,
  name TEXT NOT NULL,
  PRIMARY KEY (topic, code)
) WITHOUT ROWID;

-- One row: what the writer keeps beside the events.
CREATE TABLE state (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  gateway TEXT NOT NULL,              -- who has opened the log for writing last
  opened_us INTEGER NOT NULL,
  indexed INTEGER NOT NULL,           -- see mention
  disorder_us INTEGER NOT NULL        -- no decision is older than one before it by more
);
INSERT INTO state VALUES (1, '', 0, 0, 10000000);

-- A decision with what became of its message. A digit of a ULID is five bits, which lie
-- in two neighbouring digits of the hexadecimal form with a 0 before it.
CREATE VIEW decisions AS
SELECT
  d.sequence,
  strftime('%Y-%m-%dT%H:%M:%fZ', d.time_us / 1e6, 'unixepoch') AS time,
  d.time_us,
  (WITH RECURSIVE ulid (n, text) AS (
     SELECT 0, ''
     UNION ALL
     SELECT n + 1, text || substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', 1 + ((
         (instr('0123456789ABCDEF', substr(d.id_hex, 1 + (5*n+2)/4, 1)) - 1) * 16
         + instr('0123456789ABCDEF', substr(d.id_hex, 2 + (5*n+2)/4, 1)) - 1)
         >> (3 - (5*n+2) % 4) & 31), 1)
     FROM ulid WHERE n < 26)
   SELECT text FROM ulid WHERE n = 26) AS id,
  (WITH RECURSIVE ulid (n, text) AS (
     SELECT 0, ''
     UNION ALL
     SELECT n + 1, text || substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', 1 + ((
         (instr('0123456789ABCDEF', substr(d.transaction_hex, 1 + (5*n+2)/4, 1)) - 1) * 16
         + instr('0123456789ABCDEF', substr(d.transaction_hex, 2 + (5*n+2)/4, 1)) - 1)
         >> (3 - (5*n+2) % 4) & 31), 1)
     FROM ulid WHERE n < 26)
   SELECT text FROM ulid WHERE n = 26) AS transaction_id,
  o.queue_id,
  (SELECT value FROM text WHERE id = d.gateway) AS gateway,
  (SELECT value FROM text WHERE id = d.client) AS client,
  (SELECT value FROM text WHERE id = d.auth) AS auth,
  (SELECT value FROM text WHERE id = d.sender) AS sender,
  d.recipient,
  (SELECT value FROM text WHERE id = d.domain) AS domain,
  (SELECT name FROM word WHERE topic = 'match' AND code = d.match) AS match,
  (SELECT value FROM text WHERE id = d.target) AS target,
  (SELECT name FROM word WHERE topic = 'technique' AND code = nullif(d.technique, 0))
    AS technique,
  d.confidence,
  (SELECT value FROM text WHERE id = d.rule) AS rule,
  (SELECT name FROM word WHERE topic = 'action' AND code = d.action) AS action,
  (SELECT name FROM word WHERE topic = 'mode' AND code = d.mode) AS mode,
  d.reply,
  (SELECT hash FROM config WHERE id = d.config) AS config,
  (SELECT name FROM word WHERE topic = 'outcome'
     AND code = coalesce(d.outcome, o.outcome, 0)) AS outcome,
  CASE WHEN d.outcome IS NULL THEN o.time_us ELSE d.time_us END AS outcome_time_us
FROM (
  SELECT *,
    CASE length(id) WHEN 10 THEN printf('0%012X', time_us / 1000) ELSE '0' END || hex(id)
      AS id_hex,
    '0' || hex(transaction_id) AS transaction_hex
  FROM event WHERE kind = 1) AS d
LEFT JOIN event AS o ON o.sequence = (
  SELECT max(sequence) FROM event
  WHERE kind = 2 AND transaction_id = d.transaction_id);
