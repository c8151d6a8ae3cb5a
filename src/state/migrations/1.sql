-- Nearmiss state database, version 1: what is learnt, and what people change while mail
-- flows. Times are microseconds since 1970, UTC. Domains are A-labels in lower case.

-- How many messages went to a domain, as the last import that named it says.
CREATE TABLE history (
  domain TEXT PRIMARY KEY,
  messages INTEGER NOT NULL CHECK (messages > 0),
  imported_us INTEGER NOT NULL
) WITHOUT ROWID;
