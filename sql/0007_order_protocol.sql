-- depends: 0006_open_interest
-- What makes an exit happen once and be booked in full, whoever writes: legal transitions, sums that
-- add up, a fence that an older engine can't pass, and a switch that stops every new order.

-- Orders: how an attempt follows another one, who may send it until when, and what was looked for.
ALTER TABLE orders
    ADD COLUMN IF NOT EXISTS step            integer NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS replaces        uuid REFERENCES orders (id),
    ADD COLUMN IF NOT EXISTS fence           bigint,
    ADD COLUMN IF NOT EXISTS not_after       timestamptz,
    ADD COLUMN IF NOT EXISTS first_missed_at timestamptz,
    ADD COLUMN IF NOT EXISTS last_missed_at  timestamptz,
    ADD COLUMN IF NOT EXISTS late_fill       boolean NOT NULL DEFAULT false,
    ADD COLUMN IF NOT EXISTS excess_quantity integer NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS denial_code     text;
-- What was filled beyond its quantity before has closed nothing.
UPDATE orders SET excess_quantity = filled_quantity - quantity
WHERE attempt IS NOT NULL AND filled_quantity > quantity;
ALTER TABLE orders
    ADD CONSTRAINT orders_denied_says_why CHECK (
        attempt IS NULL OR (status = 'DENIED') = (denial_code IS NOT NULL)) NOT VALID,
    ADD CONSTRAINT orders_filled_within_quantity CHECK (
        attempt IS NULL OR filled_quantity - excess_quantity BETWEEN 0 AND quantity),
    ADD CONSTRAINT orders_excess_check CHECK (excess_quantity >= 0);

-- Positions: contracts that left without an order of ours, and those gone before this file.
ALTER TABLE refactored_positions
    ADD COLUMN IF NOT EXISTS settled_quantity  integer NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS external_quantity integer NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS carried_quantity  integer NOT NULL DEFAULT 0;
ALTER TABLE refactored_positions
    ADD CONSTRAINT refactored_positions_settled_check CHECK (
        settled_quantity >= 0 AND external_quantity >= 0);
DO $$
DECLARE
    awake text[];
    trigger_name text;
BEGIN
    -- The back-fill is no change that a users' trigger should see.
    awake := ARRAY(SELECT tgname FROM pg_trigger
                   WHERE tgrelid = 'refactored_positions'::regclass AND NOT tgisinternal
                     AND tgenabled = 'O');
    FOREACH trigger_name IN ARRAY awake LOOP
        EXECUTE format('ALTER TABLE refactored_positions DISABLE TRIGGER %I', trigger_name);
    END LOOP;
    UPDATE refactored_positions p
    SET carried_quantity = p.exited_quantity - coalesce((
        SELECT sum(o.filled_quantity - o.excess_quantity) FROM orders o
        WHERE o.refactored_position_id = p.id AND o.attempt IS NOT NULL), 0)
    WHERE p.exited_quantity <> 0;
    FOREACH trigger_name IN ARRAY awake LOOP
        EXECUTE format('ALTER TABLE refactored_positions ENABLE TRIGGER %I', trigger_name);
    END LOOP;
END
$$;

-- Fills: each belongs to an order, and is of something.
ALTER TABLE trades
    ADD CONSTRAINT trades_fill_has_its_order CHECK (
        broker IS NULL OR order_id IS NOT NULL) NOT VALID,
    ADD CONSTRAINT trades_fill_is_of_something CHECK (
        broker IS NULL OR (quantity > 0 AND execution_price >= 0)) NOT VALID;

-- Every state that an order of ours ever had, written in the transaction that changed it.
CREATE TABLE order_events (
    seq             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id        uuid NOT NULL REFERENCES orders (id),
    at              timestamptz NOT NULL DEFAULT clock_timestamp(),
    from_status     text,
    to_status       text NOT NULL,
    filled_quantity integer NOT NULL,
    reason          text NOT NULL DEFAULT ''
);
CREATE INDEX order_events_by_order ON order_events (order_id, seq);

CREATE FUNCTION exit_pipeline_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME
        USING ERRCODE = 'check_violation', CONSTRAINT = TG_TABLE_NAME || '_append_only';
END
$$;
CREATE TRIGGER order_events_append_only BEFORE UPDATE OR DELETE ON order_events
    FOR EACH ROW EXECUTE FUNCTION exit_pipeline_append_only();

-- A fill that was booked is a fact.
CREATE TRIGGER trades_append_only BEFORE UPDATE OR DELETE ON trades
    FOR EACH ROW WHEN (OLD.broker IS NOT NULL) EXECUTE FUNCTION exit_pipeline_append_only();

-- An attempt begins as an intent under the fence of whoever holds the account, or is denied.
CREATE FUNCTION exit_pipeline_check_new_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status NOT IN ('PENDING', 'DENIED') THEN
        RAISE EXCEPTION 'an exit order begins as PENDING or DENIED, not as %', NEW.status
            USING ERRCODE = 'check_violation', CONSTRAINT = 'orders_legal_transition';
    END IF;
    IF NEW.filled_quantity <> 0 THEN
        RAISE EXCEPTION 'an exit order begins without fills, not with %', NEW.filled_quantity
            USING ERRCODE = 'check_violation', CONSTRAINT = 'orders_fills_add_up';
    END IF;
    IF NEW.status = 'PENDING' THEN
        -- FOR SHARE: nobody takes the account over before the intent is committed.
        PERFORM FROM account_leases l
        WHERE (l.environment, l.account) = (NEW.environment, NEW.account)
          AND l.fence = NEW.fence AND l.expires_at > clock_timestamp()
        FOR SHARE;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'fence % does not hold the account %', NEW.fence, NEW.account
                USING ERRCODE = 'check_violation', CONSTRAINT = 'orders_current_fence';
        END IF;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER exit_pipeline_check_new_order BEFORE INSERT ON orders
    FOR EACH ROW WHEN (NEW.attempt IS NOT NULL)
    EXECUTE FUNCTION exit_pipeline_check_new_order();

-- What an order may become. A broker may report any of its states at any time, so only the way
-- back to what was before sending, and out of an end, are closed.
CREATE FUNCTION exit_pipeline_check_order() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    reported text[] := ARRAY['ACCEPTED', 'PARTIAL_FILL', 'PENDING_CANCEL', 'FILLED', 'CANCELLED',
                             'REJECTED', 'EXPIRED'];
    legal text[];
BEGIN
    IF (NEW.refactored_position_id, NEW.client_order_id, NEW.attempt, NEW.symbol, NEW.side,
        NEW.quantity, NEW.limit_price, NEW.worst_price, NEW.broker, NEW.environment, NEW.account,
        NEW.exit_action, NEW.exit_quantity, NEW.exit_reason, NEW.decision_id, NEW.run_id)
       IS DISTINCT FROM
       (OLD.refactored_position_id, OLD.client_order_id, OLD.attempt, OLD.symbol, OLD.side,
        OLD.quantity, OLD.limit_price, OLD.worst_price, OLD.broker, OLD.environment, OLD.account,
        OLD.exit_action, OLD.exit_quantity, OLD.exit_reason, OLD.decision_id, OLD.run_id) THEN
        RAISE EXCEPTION 'order % stays what was asked for', OLD.client_order_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'orders_body_is_final';
    END IF;
    IF NEW.filled_quantity < OLD.filled_quantity THEN
        RAISE EXCEPTION 'order % can''t lose fills', OLD.client_order_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'orders_fills_only_grow';
    END IF;
    IF NEW.status = OLD.status THEN
        RETURN NEW;
    END IF;
    legal := CASE OLD.status
        WHEN 'PENDING'        THEN ARRAY['SUBMITTED', 'DENIED', 'ABANDONED']
        WHEN 'SUBMITTED'      THEN reported || ARRAY['UNKNOWN', 'ABANDONED']
        WHEN 'UNKNOWN'        THEN reported || ARRAY['SUBMITTED', 'ABANDONED']
        WHEN 'ACCEPTED'       THEN reported || ARRAY['UNKNOWN']
        WHEN 'PARTIAL_FILL'   THEN reported || ARRAY['UNKNOWN']
        WHEN 'PENDING_CANCEL' THEN reported || ARRAY['UNKNOWN']
        ELSE ARRAY[]::text[] END;
    -- A fill that comes after the end may complete the order, and nothing else.
    IF NEW.status = ANY (legal)
       OR (OLD.status IN ('CANCELLED', 'EXPIRED', 'REJECTED', 'ABANDONED')
           AND NEW.status = 'FILLED' AND NEW.late_fill) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'order % can''t become % from %', OLD.client_order_id, NEW.status, OLD.status
        USING ERRCODE = 'check_violation', CONSTRAINT = 'orders_legal_transition';
END
$$;
CREATE TRIGGER exit_pipeline_check_order BEFORE UPDATE ON orders
    FOR EACH ROW WHEN (OLD.attempt IS NOT NULL)
    EXECUTE FUNCTION exit_pipeline_check_order();

CREATE FUNCTION exit_pipeline_note_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO order_events (order_id, to_status, filled_quantity, reason)
        VALUES (NEW.id, NEW.status, coalesce(NEW.filled_quantity, 0),
                coalesce(NEW.rejection_reason, ''));
    ELSIF NEW.status <> OLD.status OR NEW.filled_quantity <> OLD.filled_quantity THEN
        INSERT INTO order_events (order_id, from_status, to_status, filled_quantity, reason)
        VALUES (NEW.id, OLD.status, NEW.status, coalesce(NEW.filled_quantity, 0),
                coalesce(NEW.rejection_reason, NEW.error_message, ''));
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER exit_pipeline_note_order AFTER INSERT OR UPDATE ON orders
    FOR EACH ROW WHEN (NEW.attempt IS NOT NULL)
    EXECUTE FUNCTION exit_pipeline_note_order();

-- Sums, judged when a transaction commits: an order's fills are its trades, and what left a position
-- are its orders' fills, its settlements, and what was closed elsewhere.
CREATE FUNCTION exit_pipeline_order_adds_up() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    of_order uuid := CASE TG_TABLE_NAME WHEN 'trades' THEN (to_jsonb(NEW) ->> 'order_id')::uuid
                     ELSE (to_jsonb(NEW) ->> 'id')::uuid END;
BEGIN
    PERFORM FROM orders o
    WHERE o.id = of_order AND o.attempt IS NOT NULL AND o.filled_quantity <> (
        SELECT coalesce(sum(t.quantity), 0) FROM trades t WHERE t.order_id = o.id);
    IF FOUND THEN
        RAISE EXCEPTION 'order % has other fills than its trades', of_order
            USING ERRCODE = 'check_violation', CONSTRAINT = 'orders_fills_add_up';
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER orders_fills_add_up AFTER UPDATE OF filled_quantity ON orders
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION exit_pipeline_order_adds_up();
CREATE CONSTRAINT TRIGGER trades_fills_add_up AFTER INSERT ON trades
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.order_id IS NOT NULL)
    EXECUTE FUNCTION exit_pipeline_order_adds_up();

CREATE FUNCTION exit_pipeline_position_adds_up() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    of_position text := CASE TG_TABLE_NAME
        WHEN 'orders' THEN to_jsonb(NEW) ->> 'refactored_position_id'
        ELSE to_jsonb(NEW) ->> 'id' END;
BEGIN
    PERFORM FROM refactored_positions p
    WHERE p.id = of_position AND p.broker IS NOT NULL
      AND p.exited_quantity <> p.carried_quantity + p.settled_quantity + p.external_quantity + (
          SELECT coalesce(sum(o.filled_quantity - o.excess_quantity), 0) FROM orders o
          WHERE o.refactored_position_id = p.id AND o.attempt IS NOT NULL);
    IF FOUND THEN
        RAISE EXCEPTION 'position % has exited other contracts than were filled, settled or closed'
            ' elsewhere', of_position
            USING ERRCODE = 'check_violation', CONSTRAINT = 'refactored_positions_exits_add_up';
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER refactored_positions_exits_add_up
    AFTER UPDATE OF exited_quantity, settled_quantity, external_quantity ON refactored_positions
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION exit_pipeline_position_adds_up();
CREATE CONSTRAINT TRIGGER orders_exits_add_up
    AFTER UPDATE OF filled_quantity, excess_quantity ON orders
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.attempt IS NOT NULL)
    EXECUTE FUNCTION exit_pipeline_position_adds_up();

-- The switch, and everybody who ever moved it.
CREATE TABLE trading_control (
    only_row   boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    state      text NOT NULL DEFAULT 'ACTIVE' CONSTRAINT trading_control_state_check
                   CHECK (state IN ('ACTIVE', 'HALT_NEW', 'CANCEL_ALL', 'FREEZE')),
    reason     text NOT NULL DEFAULT '',
    changed_by text NOT NULL DEFAULT '',
    changed_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE trading_control_changes (
    seq        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    from_state text NOT NULL,
    to_state   text NOT NULL,
    reason     text NOT NULL,
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL
);
CREATE TRIGGER trading_control_changes_append_only BEFORE UPDATE OR DELETE
    ON trading_control_changes FOR EACH ROW EXECUTE FUNCTION exit_pipeline_append_only();
CREATE FUNCTION exit_pipeline_note_control() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state = 'ACTIVE' AND OLD.state <> 'ACTIVE' AND btrim(NEW.reason) = '' THEN
        RAISE EXCEPTION 'resuming needs a reason'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'trading_control_resume_has_reason';
    END IF;
    INSERT INTO trading_control_changes (from_state, to_state, reason, changed_by, changed_at)
    VALUES (OLD.state, NEW.state, NEW.reason, NEW.changed_by, NEW.changed_at);
    RETURN NULL;
END
$$;
CREATE TRIGGER trading_control_stays BEFORE DELETE ON trading_control
    FOR EACH ROW EXECUTE FUNCTION exit_pipeline_append_only();
CREATE TRIGGER exit_pipeline_note_control AFTER UPDATE ON trading_control
    FOR EACH ROW EXECUTE FUNCTION exit_pipeline_note_control();
INSERT INTO trading_control DEFAULT VALUES;

-- Contracts that a broker holds fewer of than the books: believed when seen by two ticks.
CREATE TABLE held_gaps (
    environment   text NOT NULL,
    account       text NOT NULL,
    symbol        text NOT NULL,
    missing       integer NOT NULL CHECK (missing > 0),
    first_seen_at timestamptz NOT NULL,
    last_seen_at  timestamptz NOT NULL,
    PRIMARY KEY (environment, account, symbol)
);
