-- Nearmiss state database, version 1: what is learnt, and what people change while mail
-- flows. Times are microseconds since 1970, UTC. Domains are A-labels in lower case.

-- How many messages went to a domain, as the last import that named it says.
CREATE TABLE history (
  domain TEXT PRIMARY KEY,
  messages INTEGER NOT NULL CHECK (messages > 0),
  imported_us INTEGER NOT NULL
) WITHOUT ROWID;

-- Mail to a domain that is meant although it looks like a slip. Of one domain, target and
-- sender there is one. An exception that has expired stays until another takes its place
-- or its room.
CREATE TABLE exception (
  domain TEXT NOT NULL,               -- with the names below it
  target TEXT NOT NULL,               -- no slip of this one; '' for any
  sender TEXT NOT NULL,               -- an address or a domain; '' for everyone's mail
  reason TEXT,
  author TEXT NOT NULL,
  created_us INTEGER NOT NULL,
  expires_us INTEGER,                 -- NULL: never
  PRIMARY KEY (domain, target, sender)
) WITHOUT ROWID;

-- Registrable domains that mail from here passed to, near misses never.
CREATE TABLE contact (
  domain TEXT PRIMARY KEY,
  first_us INTEGER NOT NULL
) WITHOUT ROWID;
