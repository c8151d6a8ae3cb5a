-- Version 6: the view of decisions says what a listing says of recipients that were to be
-- taken off their message (outcome 4, quarantined: whether they were, an outcome of its own
-- says), and of what was erased.
DROP VIEW decisions;

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
  CASE WHEN d.sender IS NULL THEN '[erased]'
    ELSE (SELECT value FROM text WHERE id = d.sender) END AS sender,
  coalesce(d.recipient, '[erased]') AS recipient,
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
  (SELECT max(sequence) FROM event
   WHERE kind = 2 AND transaction_id = d.transaction_id));
