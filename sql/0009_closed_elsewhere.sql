-- depends: 0008_exit_requests
-- How contracts left a position without an order of ours, as the broker tells it: by which execution
-- of somebody else's order, or by which settlement, and at what price. Each contract of one counts
-- once for ever, whatever is told how often, and never beside a fill of our own.

CREATE TABLE closings (
    broker         text NOT NULL,
    environment    text NOT NULL,
    -- The broker's own key of the execution or the settlement; that of an execution is the one that
    -- trades.broker_trade_id would have.
    evidence_id    text NOT NULL,
    -- The first of its contracts that this row stands for, counted from 1: positions may share one.
    first_contract integer NOT NULL CHECK (first_contract > 0),
    quantity       integer NOT NULL CHECK (quantity > 0),
    told_quantity  integer NOT NULL,
    position_id    varchar(255) NOT NULL REFERENCES refactored_positions (id),
    kind           text NOT NULL CONSTRAINT closings_kind_check CHECK (
                       kind IN ('EXPIRED', 'ASSIGNED', 'EXERCISED', 'EXTERNAL')),
    price          numeric(14, 4) NOT NULL CHECK (price >= 0),
    commission     numeric(14, 4) NOT NULL DEFAULT 0,
    fees           numeric(14, 4) NOT NULL DEFAULT 0,
    closed_at      timestamptz NOT NULL,
    recorded_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (broker, environment, evidence_id, first_contract),
    CONSTRAINT closings_within_what_was_told CHECK (first_contract + quantity - 1 <= told_quantity)
);
CREATE INDEX closings_by_position ON closings (position_id);
CREATE TRIGGER closings_append_only BEFORE UPDATE OR DELETE ON closings
    FOR EACH ROW EXECUTE FUNCTION exit_pipeline_append_only();

-- One row follows the other: no contract of an execution is counted twice, and none of our own.
CREATE FUNCTION exit_pipeline_check_closing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.first_contract <> 1 + (
        SELECT coalesce(sum(c.quantity), 0) FROM closings c
        WHERE (c.broker, c.environment, c.evidence_id)
            = (NEW.broker, NEW.environment, NEW.evidence_id)) THEN
        RAISE EXCEPTION 'contract % of % is not the next one', NEW.first_contract, NEW.evidence_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'closings_follow_each_other';
    END IF;
    PERFORM FROM trades t
    WHERE (t.broker, t.broker_trade_id) = (NEW.broker, NEW.evidence_id);
    IF FOUND THEN
        RAISE EXCEPTION '% is a fill of an order of ours', NEW.evidence_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'closings_are_not_ours';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER exit_pipeline_check_closing BEFORE INSERT ON closings
    FOR EACH ROW EXECUTE FUNCTION exit_pipeline_check_closing();

CREATE FUNCTION exit_pipeline_check_fill() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM closings c WHERE (c.broker, c.evidence_id) = (NEW.broker, NEW.broker_trade_id);
    IF FOUND THEN
        RAISE EXCEPTION '% has closed contracts as somebody else''s', NEW.broker_trade_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'trades_are_not_closings';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER exit_pipeline_check_fill BEFORE INSERT ON trades
    FOR EACH ROW WHEN (NEW.broker IS NOT NULL) EXECUTE FUNCTION exit_pipeline_check_fill();

-- When contracts last left without an order of ours: what has no price yet is asked for from then.
ALTER TABLE refactored_positions ADD COLUMN IF NOT EXISTS external_at timestamptz;
CREATE INDEX refactored_positions_external ON refactored_positions (external_at)
    WHERE external_at IS NOT NULL;

-- Judged when a transaction commits: what was settled has its evidence, and of what was closed
-- elsewhere no more has it than was. Positions that were settled before this file have none.
CREATE FUNCTION exit_pipeline_closings_add_up() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    of_position text := CASE TG_TABLE_NAME WHEN 'closings' THEN to_jsonb(NEW) ->> 'position_id'
                        ELSE to_jsonb(NEW) ->> 'id' END;
BEGIN
    PERFORM FROM refactored_positions p, LATERAL (
        SELECT coalesce(sum(c.quantity) FILTER (WHERE c.kind = 'EXTERNAL'), 0) AS elsewhere,
               coalesce(sum(c.quantity) FILTER (WHERE c.kind <> 'EXTERNAL'), 0) AS settled
        FROM closings c WHERE c.position_id = p.id) told
    WHERE p.id = of_position
      AND (p.settled_quantity <> told.settled OR p.external_quantity < told.elsewhere);
    IF FOUND THEN
        RAISE EXCEPTION 'position % has other settled or closed contracts than its closings',
            of_position
            USING ERRCODE = 'check_violation', CONSTRAINT = 'refactored_positions_closings_add_up';
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER refactored_positions_told_adds_up
    AFTER UPDATE OF settled_quantity, external_quantity ON refactored_positions
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (OLD.settled_quantity <> NEW.settled_quantity
          OR OLD.external_quantity <> NEW.external_quantity)
    EXECUTE FUNCTION exit_pipeline_closings_add_up();
CREATE CONSTRAINT TRIGGER closings_add_up AFTER INSERT ON closings
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION exit_pipeline_closings_add_up();

-- A person is told once that a request expired while its position was still open; of what expired
-- before this file nobody need be told.
ALTER TABLE exit_requests ADD COLUMN IF NOT EXISTS expiry_told_at timestamptz;
UPDATE exit_requests SET expiry_told_at = now() WHERE expires_at <= now();

-- Row triggers see no TRUNCATE, by which what is append-only would be gone at once.
CREATE TRIGGER order_events_not_truncated BEFORE TRUNCATE ON order_events
    FOR EACH STATEMENT EXECUTE FUNCTION exit_pipeline_append_only();
CREATE TRIGGER trades_not_truncated BEFORE TRUNCATE ON trades
    FOR EACH STATEMENT EXECUTE FUNCTION exit_pipeline_append_only();
CREATE TRIGGER trading_control_changes_not_truncated BEFORE TRUNCATE ON trading_control_changes
    FOR EACH STATEMENT EXECUTE FUNCTION exit_pipeline_append_only();
CREATE TRIGGER closings_not_truncated BEFORE TRUNCATE ON closings
    FOR EACH STATEMENT EXECUTE FUNCTION exit_pipeline_append_only();
