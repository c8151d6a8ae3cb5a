-- Version 3: what makes figures over long times quick, and more views.

-- How many decisions of an hour are alike. Kept up with every commit, so that totals over
-- months need not count millions of rows.
CREATE TABLE tally (
  hour INTEGER NOT NULL,              -- hours since 1970, UTC, in which time_us lies
  match INTEGER NOT NULL,             -- word 'match'
  action INTEGER NOT NULL,            -- word 'action'
  mode INTEGER NOT NULL,              -- word 'mode'
  decisions INTEGER NOT NULL,
  PRIMARY KEY (hour, match, action, mode)
) WITHOUT ROWID;

INSERT INTO tally
SELECT time_us / 3600000000, match, action, mode, count(*)
FROM event WHERE kind = 1 GROUP BY 1, 2, 3, 4;

-- The few decisions that are worth a note, near misses and what rules acted on, with what
-- figures ask of them: so these are read without a look at the table.
CREATE INDEX event_notable ON event
  (time_us, sequence, match, technique, action, mode, confidence, domain, target, rule,
   sender, auth, client, outcome, transaction_id)
  WHERE technique > 0 OR action > 0;

-- As in version 1, and now with the outcome 4, quarantined, in a decision: its recipient is
-- to be taken off the message. If the message was kept, an outcome of its own says so, and
-- others got the message after that.
DROP VIEW decisions;
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
     AND code = coalesce(nullif(d.outcome, 4), o.outcome, 0)) AS outcome,
  CASE WHEN nullif(d.outcome, 4) IS NULL THEN o.time_us ELSE d.time_us END
    AS outcome_time_us
FROM (
  SELECT *,
    CASE length(id) WHEN 10 THEN printf('0%012X', time_us / 1000) ELSE '0' END || hex(id)
      AS id_hex,
    '0' || hex(transaction_id) AS transaction_hex
  FROM event WHERE kind = 1) AS d
LEFT JOIN event AS o ON o.sequence = coalesce(
  CASE d.outcome WHEN 4 THEN (
    SELECT max(sequence) FROM event
    WHERE kind = 2 AND transaction_id = d.transaction_id AND outcome = 4) END,
  (SELECT max(sequence) FROM event WHERE kind = 2 AND transaction_id = d.transaction_id));

-- The decisions that are near misses.
CREATE VIEW near_misses AS
SELECT d.* FROM event AS e JOIN decisions AS d ON d.sequence = e.sequence
WHERE (e.technique > 0 OR e.action > 0) AND e.technique > 0;

-- What became of messages, as it was learnt; the last row of a transaction counts.
CREATE VIEW outcomes AS
SELECT
  sequence,
  strftime('%Y-%m-%dT%H:%M:%fZ', time_us / 1e6, 'unixepoch') AS time,
  time_us,
  (WITH RECURSIVE ulid (n, text) AS (
     SELECT 0, ''
     UNION ALL
     SELECT n + 1, text || substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', 1 + ((
         (instr('0123456789ABCDEF', substr('0' || hex(transaction_id), 1 + (5*n+2)/4, 1))
           - 1) * 16
         + instr('0123456789ABCDEF', substr('0' || hex(transaction_id), 2 + (5*n+2)/4, 1))
           - 1)
         >> (3 - (5*n+2) % 4) & 31), 1)
     FROM ulid WHERE n < 26)
   SELECT text FROM ulid WHERE n = 26) AS transaction_id,
  (SELECT value FROM text WHERE id = event.gateway) AS gateway,
  queue_id,
  (SELECT name FROM word WHERE topic = 'outcome' AND code = event.outcome) AS outcome
FROM event WHERE kind = 2;

-- How many decisions of an hour are alike.
CREATE VIEW hours AS
SELECT
  strftime('%Y-%m-%dT%H:%M:%SZ', hour * 3600, 'unixepoch') AS time,
  (SELECT name FROM word WHERE topic = 'match' AND code = match) AS match,
  (SELECT name FROM word WHERE topic = 'action' AND code = action) AS action,
  (SELECT name FROM word WHERE topic = 'mode' AND code = mode) AS mode,
  decisions
FROM tally;

-- The configurations that decided.
CREATE VIEW configurations AS
SELECT hash, text FROM config;
