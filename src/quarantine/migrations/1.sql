-- Nearmiss quarantine index, version 1.
--
-- Bytes from a mail are kept as they came: valid UTF-8 without NUL as TEXT, anything else
-- as BLOB.

CREATE TABLE message (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,          -- of its file: the transaction's id
  time_us INTEGER NOT NULL,           -- microseconds since 1970, UTC
  sender,                             -- NULL: the null sender
  arguments TEXT,                     -- of MAIL
  client TEXT,
  auth TEXT,
  queue_id TEXT,
  bytes INTEGER NOT NULL,
  identity BLOB NOT NULL,             -- over what is the same when it is sent once more
  body BLOB NOT NULL,                 -- over the body
  has_file INTEGER NOT NULL           -- 1 while one of its entries waits
);
CREATE INDEX message_identity ON message (identity);
CREATE INDEX message_file ON message (bytes) WHERE has_file;

CREATE TABLE entry (
  sequence INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,            -- of the decision that it was kept for
  message INTEGER NOT NULL REFERENCES message,
  recipient NOT NULL,
  arguments TEXT,                     -- of RCPT
  domain TEXT,
  target TEXT,
  rule TEXT,
  times INTEGER NOT NULL DEFAULT 1,   -- that the client has sent it
  state INTEGER NOT NULL,             -- 0 waiting, 1 releasing, 2 released, 3 deleted,
                                      -- 4 expired
  changed_us INTEGER NOT NULL,
  sent_to                             -- whom it was released to
);
-- A release that has begun: a message from and to whom is let through once.
CREATE TABLE pass (
  entry TEXT PRIMARY KEY,
  sender,
  recipient NOT NULL,
  body BLOB NOT NULL,
  until_us INTEGER NOT NULL,
  used_us INTEGER,                    -- when it was let through
  queue_id TEXT                       -- what the mail server called it then
);

CREATE INDEX entry_message ON entry (message);
CREATE INDEX entry_state ON entry (state, changed_us);
