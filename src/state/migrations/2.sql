-- Version 2: near misses that their senders confirm. Who wrote to whom stands here as
-- keyed hashes (confirmations.h says of what): enough to know it again, and nothing that
-- the audit log was told to forget.

CREATE TABLE confirm_key (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  key BLOB NOT NULL                   -- of the hashes
);
INSERT INTO confirm_key VALUES (1, randomblob(32));

-- Refused, and may be sent again.
CREATE TABLE pending (
  what BLOB PRIMARY KEY,              -- sender and recipient
  sender BLOB NOT NULL,
  origin BLOB NOT NULL,               -- user or client
  decision TEXT NOT NULL,             -- reference of the refusal
  refused_us INTEGER NOT NULL
) WITHOUT ROWID;

-- Confirmed, and remembered.
CREATE TABLE confirmation (
  what BLOB PRIMARY KEY,              -- sender and the recipient's domain
  sender BLOB NOT NULL,
  domain BLOB NOT NULL,
  confirmed_us INTEGER NOT NULL,
  expires_us INTEGER NOT NULL
) WITHOUT ROWID;
