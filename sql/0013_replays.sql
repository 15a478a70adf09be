-- depends: 0012_rungs
-- What comes of recorded decisions when they are made again: audits, other policies on the past,
-- and shadow policies beside what was done. A day's replay is replaced as a whole.

CREATE TABLE replay_days (
    trading_day   date NOT NULL,
    kind          text NOT NULL CHECK (kind IN ('AUDIT', 'WHAT_IF', 'SHADOW')),
    -- which decisions of the day, or by which policy
    label         text NOT NULL,
    -- of the policy that decided; empty where each decision had its own
    policy_hash   text,
    code_version  text NOT NULL,
    decisions     integer NOT NULL CHECK (decisions >= 0),
    differing     integer NOT NULL CHECK (differing BETWEEN 0 AND decisions),
    ahead         integer NOT NULL CHECK (ahead BETWEEN 0 AND decisions),
    left_out      jsonb NOT NULL DEFAULT '{}',
    code_versions jsonb NOT NULL DEFAULT '{}',
    figures       jsonb NOT NULL DEFAULT '{}',
    finished_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (trading_day, kind, label)
);

-- A row for each decision that was made again. Of another policy only those rows at which contracts
-- leave on that day, by it or by what it is compared with: what it remembers and which of its rules
-- fired is not kept. Runs and replays are not referenced: a year is a million rows, each of which
-- would be looked up twice, and only the day's own transaction writes.
CREATE TABLE decision_replays (
    trading_day       date NOT NULL,
    kind              text NOT NULL CHECK (kind IN ('AUDIT', 'WHAT_IF', 'SHADOW')),
    label             text NOT NULL,
    decision_id       varchar(255) NOT NULL,
    run_id            uuid NOT NULL,
    position_id       varchar(255) NOT NULL,
    decided_at        timestamptz NOT NULL,
    -- what came of it
    mark              numeric(14, 4),
    pnl_percent       double precision,
    quote_flags       integer NOT NULL,
    quote_grade       text NOT NULL,
    decision          text NOT NULL CHECK (decision IN ('EXIT', 'HOLD')),
    exit_reason       text,
    exit_action       text CHECK (exit_action IN ('PARTIAL', 'FULL')),
    exit_quantity     integer,
    urgency           text,
    fired_mask        bigint,
    evaluable_mask    bigint,
    gex_latched_after boolean,
    -- beside what was recorded
    same              boolean NOT NULL,
    differences       jsonb,
    PRIMARY KEY (trading_day, kind, label, decision_id),
    CONSTRAINT decision_replays_exit_check
        CHECK ((decision = 'EXIT') = (coalesce(exit_quantity, 0) > 0)),
    CONSTRAINT decision_replays_audit_check CHECK (
        kind <> 'AUDIT' OR num_nulls(fired_mask, evaluable_mask, gex_latched_after) = 0),
    CONSTRAINT decision_replays_differences_check CHECK (same = (differences IS NULL))
);
CREATE INDEX decision_replays_by_time ON decision_replays USING brin (decided_at);
