-- Nearmiss notices, version 1: what people are still to be told, and what they were told.

CREATE TABLE notice (
  sequence INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,       -- its own, also in its Message-ID
  reader INTEGER NOT NULL,       -- 0 the sender of the message, 1 the reviewer
  decision TEXT NOT NULL,        -- of the first recipient that it names
  address TEXT NOT NULL,
  content TEXT,                  -- the mail; NULL when it is done with
  made_us INTEGER NOT NULL,      -- microseconds since 1970, UTC
  due_us INTEGER,                -- when it is tried next; NULL when it is done with
  tries INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX notice_due ON notice (due_us) WHERE due_us IS NOT NULL;
CREATE INDEX notice_address ON notice (address COLLATE NOCASE, made_us);

-- What is in the quarantine is told of once, however often its client sends it.
CREATE TABLE told (
  entry TEXT NOT NULL,
  reader INTEGER NOT NULL,
  made_us INTEGER NOT NULL,
  PRIMARY KEY (entry, reader)
) WITHOUT ROWID;
CREATE INDEX told_made ON told (made_us);
