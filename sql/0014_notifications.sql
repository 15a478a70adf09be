-- depends: 0013_replays
-- Who is told of alerts, through what, and what became of it.

-- An alert that nobody has acknowledged is one row however often it is raised, and says how often:
-- once for each run that raised it, of which this is the last.
ALTER TABLE alerts
    ADD COLUMN IF NOT EXISTS times       integer NOT NULL DEFAULT 1 CHECK (times > 0),
    ADD COLUMN IF NOT EXISTS last_run_id uuid;

CREATE INDEX alerts_not_acknowledged ON alerts (cause, subject) WHERE acknowledged_at IS NULL;

-- One row for each alert and notifier, from the first attempt on. An alert without one waits.
CREATE TABLE notifications (
    alert_id      uuid NOT NULL REFERENCES alerts (id) ON DELETE CASCADE,
    notifier      text NOT NULL,
    -- at which it was told last: an alert that has become graver since is told anew
    severity      text CHECK (severity IN ('INFO', 'WARNING', 'CRITICAL')),
    messages      integer NOT NULL DEFAULT 0 CHECK (messages >= 0),
    first_sent_at timestamptz,
    last_sent_at  timestamptz,
    -- attempts that failed since the last message, and why the last of them did
    attempts      integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    last_error    text,
    last_tried_at timestamptz NOT NULL,
    PRIMARY KEY (alert_id, notifier),
    CONSTRAINT notifications_sent_check CHECK (
        num_nulls(severity, first_sent_at, last_sent_at) = CASE WHEN messages = 0 THEN 3 ELSE 0 END),
    CONSTRAINT notifications_failed_check CHECK ((attempts = 0) = (last_error IS NULL))
);
CREATE INDEX notifications_by_try ON notifications (notifier, last_tried_at);
