-- Version 2: acts, what people, and the daemon by itself, do beside the mail.

-- What an event of kind 3 has beside its sequence, kind, time_us, gateway and all 128 bits
-- of its id. Its transaction_id is ''.
CREATE TABLE act (
  sequence INTEGER PRIMARY KEY REFERENCES event,
  verb INTEGER NOT NULL,              -- word 'verb'
  actor TEXT,                         -- who: a user's name and number, or 'daemon'
  subject TEXT,                       -- what it was done to
  decision BLOB,                      -- the id of the decision that it belongs to, 128 bits
  reason TEXT                         -- as the person gave it
);
CREATE INDEX act_decision ON act (decision) WHERE decision IS NOT NULL;

CREATE VIEW acts AS
SELECT
  a.sequence,
  strftime('%Y-%m-%dT%H:%M:%fZ', e.time_us / 1e6, 'unixepoch') AS time,
  e.time_us,
  (WITH RECURSIVE ulid (n, text) AS (
     SELECT 0, ''
     UNION ALL
     SELECT n + 1, text || substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', 1 + ((
         (instr('0123456789ABCDEF', substr('0' || hex(e.id), 1 + (5*n+2)/4, 1)) - 1) * 16
         + instr('0123456789ABCDEF', substr('0' || hex(e.id), 2 + (5*n+2)/4, 1)) - 1)
         >> (3 - (5*n+2) % 4) & 31), 1)
     FROM ulid WHERE n < 26)
   SELECT text FROM ulid WHERE n = 26) AS id,
  (SELECT value FROM text WHERE id = e.gateway) AS gateway,
  a.actor,
  (SELECT name FROM word WHERE topic = 'verb' AND code = a.verb) AS verb,
  a.subject,
  CASE WHEN a.decision IS NOT NULL THEN
    (WITH RECURSIVE ulid (n, text) AS (
       SELECT 0, ''
       UNION ALL
       SELECT n + 1, text || substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', 1 + ((
           (instr('0123456789ABCDEF', substr('0' || hex(a.decision), 1 + (5*n+2)/4, 1)) - 1)
           * 16
           + instr('0123456789ABCDEF', substr('0' || hex(a.decision), 2 + (5*n+2)/4, 1)) - 1)
           >> (3 - (5*n+2) % 4) & 31), 1)
       FROM ulid WHERE n < 26)
     SELECT text FROM ulid WHERE n = 26) END AS decision,
  a.reason
FROM act AS a JOIN event AS e ON e.sequence = a.sequence;
