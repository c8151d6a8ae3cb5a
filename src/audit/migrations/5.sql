-- Version 5: forgetting. Old events are cut off behind a seal, or lose what is personal.

-- Uneventful decisions up to here have lost what is personal (audit.keep_days_accepted).
ALTER TABLE state ADD COLUMN redacted INTEGER NOT NULL DEFAULT 0;
