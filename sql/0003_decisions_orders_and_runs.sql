-- depends: 0002_widen_for_the_truth
-- Runs, policies, leases and alerts; every input of a decision as a typed column; and the
-- constraints that make an exit happen once.

-- What tells this database from every other; part of every client order id.
CREATE TABLE exit_pipeline_installation (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    id       uuid NOT NULL DEFAULT gen_random_uuid()
);
INSERT INTO exit_pipeline_installation DEFAULT VALUES;

CREATE TABLE policies (
    hash       text PRIMARY KEY,
    policy     jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- One row per tick and account. A tick's identity is the unique key below: a dry run or a launch
-- for one position carries a request id and so never takes a scheduled tick's place.
CREATE TABLE decision_runs (
    id             uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    account        text NOT NULL,
    tick_at        timestamptz NOT NULL,
    mode           text NOT NULL,
    dry_run        boolean NOT NULL,
    request_id     text NOT NULL DEFAULT '',
    broker         text NOT NULL,
    environment    text NOT NULL,
    code_version   text NOT NULL,
    status         text NOT NULL CHECK (status IN ('STARTED', 'SUCCEEDED', 'SKIPPED', 'FAILED')),
    status_reason  text NOT NULL DEFAULT '',
    dagster_run_id text,
    market_source  text,
    market         jsonb,
    counts         jsonb,
    started_at     timestamptz NOT NULL DEFAULT now(),
    finished_at    timestamptz,
    UNIQUE (environment, account, tick_at, mode, dry_run, request_id)
);
CREATE INDEX decision_runs_by_tick ON decision_runs (tick_at);

-- Who works an account now. The fence grows with every holder, so an older holder can be told
-- from the present one; expiry is judged by the database's clock alone.
CREATE TABLE account_leases (
    environment text NOT NULL,
    account     text NOT NULL,
    holder      text NOT NULL,
    fence       bigint NOT NULL DEFAULT 1,
    expires_at  timestamptz NOT NULL,
    PRIMARY KEY (environment, account)
);

CREATE TABLE alerts (
    id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    severity        text NOT NULL CHECK (severity IN ('INFO', 'WARNING', 'CRITICAL')),
    cause           text NOT NULL,
    subject         text NOT NULL,
    message         text NOT NULL,
    run_id          uuid REFERENCES decision_runs (id),
    raised_at       timestamptz NOT NULL DEFAULT now(),
    acknowledged_at timestamptz,
    acknowledged_by text,
    UNIQUE (cause, subject, run_id)
);

-- A decision row carries every input that the decision was a function of.
ALTER TABLE refactored_decisions
    ADD COLUMN IF NOT EXISTS run_id             uuid,
    ADD COLUMN IF NOT EXISTS position_id        varchar(255),
    ADD COLUMN IF NOT EXISTS decided_at         timestamptz,
    ADD COLUMN IF NOT EXISTS dry_run            boolean NOT NULL DEFAULT false,
    -- inputs: time and contract
    ADD COLUMN IF NOT EXISTS session_close      timestamptz,
    ADD COLUMN IF NOT EXISTS last_trading_close timestamptz,
    ADD COLUMN IF NOT EXISTS option_symbol      text,
    ADD COLUMN IF NOT EXISTS option_right       text,
    ADD COLUMN IF NOT EXISTS side               text,
    -- inputs: the position
    ADD COLUMN IF NOT EXISTS quantity           integer,
    ADD COLUMN IF NOT EXISTS open_quantity      integer,
    ADD COLUMN IF NOT EXISTS profit_exited      integer,
    ADD COLUMN IF NOT EXISTS entry_price        numeric(14, 4),
    ADD COLUMN IF NOT EXISTS entry_time         timestamptz,
    ADD COLUMN IF NOT EXISTS intraday           boolean,
    ADD COLUMN IF NOT EXISTS force_close        boolean,
    -- inputs: the quote
    ADD COLUMN IF NOT EXISTS bid                numeric(14, 4),
    ADD COLUMN IF NOT EXISTS ask                numeric(14, 4),
    ADD COLUMN IF NOT EXISTS bid_size           integer,
    ADD COLUMN IF NOT EXISTS ask_size           integer,
    ADD COLUMN IF NOT EXISTS nonfinite          boolean,
    ADD COLUMN IF NOT EXISTS quoted_at          timestamptz,
    ADD COLUMN IF NOT EXISTS feed_at            timestamptz,
    ADD COLUMN IF NOT EXISTS feed_age_limit     interval,
    ADD COLUMN IF NOT EXISTS previous_mid       numeric(14, 4),
    ADD COLUMN IF NOT EXISTS underlying_price   numeric(14, 4),
    -- inputs: context
    ADD COLUMN IF NOT EXISTS vix                double precision,
    ADD COLUMN IF NOT EXISTS vix_at             timestamptz,
    ADD COLUMN IF NOT EXISTS gex_direction      text,
    ADD COLUMN IF NOT EXISTS gex_strength       double precision,
    ADD COLUMN IF NOT EXISTS gex_at             timestamptz,
    ADD COLUMN IF NOT EXISTS gex_previous       text,
    ADD COLUMN IF NOT EXISTS gex_latched        boolean,
    -- results
    ADD COLUMN IF NOT EXISTS policy_hash        text,
    ADD COLUMN IF NOT EXISTS mark               numeric(14, 4),
    ADD COLUMN IF NOT EXISTS pnl_percent        double precision,
    ADD COLUMN IF NOT EXISTS quote_flags        integer,
    ADD COLUMN IF NOT EXISTS quote_grade        text,
    ADD COLUMN IF NOT EXISTS exit_reason        text,
    ADD COLUMN IF NOT EXISTS exit_action        text,
    ADD COLUMN IF NOT EXISTS exit_quantity      integer,
    ADD COLUMN IF NOT EXISTS urgency            text,
    ADD COLUMN IF NOT EXISTS fired_mask         bigint,
    ADD COLUMN IF NOT EXISTS evaluable_mask     bigint,
    ADD COLUMN IF NOT EXISTS gex_latched_after  boolean;
ALTER TABLE refactored_decisions
    ADD CONSTRAINT refactored_decisions_run_id_fkey
        FOREIGN KEY (run_id) REFERENCES decision_runs (id),
    ADD CONSTRAINT refactored_decisions_policy_hash_fkey
        FOREIGN KEY (policy_hash) REFERENCES policies (hash),
    ADD CONSTRAINT refactored_decisions_exit_action_check
        CHECK (exit_action IN ('PARTIAL', 'FULL')),
    ADD CONSTRAINT refactored_decisions_type_check
        CHECK (decision_type IN ('ENTRY', 'EXIT', 'HOLD')),
    ADD CONSTRAINT refactored_decisions_decision_check
        CHECK (decision IN ('ENTER', 'REJECT', 'EXIT', 'HOLD')),
    ADD CONSTRAINT refactored_decisions_exit_check
        CHECK (run_id IS NULL OR (decision = 'EXIT') = (coalesce(exit_quantity, 0) > 0));
CREATE UNIQUE INDEX refactored_decisions_once_per_tick
    ON refactored_decisions (run_id, position_id);
CREATE INDEX refactored_decisions_by_position ON refactored_decisions (position_id, decided_at);
CREATE INDEX refactored_decisions_by_time ON refactored_decisions USING brin (decided_at);

ALTER TABLE refactored_context_snapshots
    ADD COLUMN IF NOT EXISTS run_id uuid,
    ADD COLUMN IF NOT EXISTS vix3m  numeric(8, 4),
    ADD COLUMN IF NOT EXISTS vix_at timestamptz,
    ADD COLUMN IF NOT EXISTS source text;
ALTER TABLE refactored_context_snapshots
    ADD CONSTRAINT refactored_context_snapshots_run_id_fkey
        FOREIGN KEY (run_id) REFERENCES decision_runs (id);
CREATE UNIQUE INDEX refactored_context_snapshots_once_per_run
    ON refactored_context_snapshots (run_id);
CREATE INDEX IF NOT EXISTS refactored_context_snapshots_newest_trend
    ON refactored_context_snapshots (timestamp DESC) WHERE run_id IS NULL AND trend IS NOT NULL;
CREATE INDEX IF NOT EXISTS refactored_gex_signals_newest
    ON refactored_gex_signals (symbol, timestamp DESC);

-- Orders: an exit happens once. An exit order of the users' own, from before, has no attempt and
-- keeps the id that it has.
SELECT exit_pipeline_drop_checks('orders', 'exit_action'),
       exit_pipeline_drop_checks('orders', 'exit_quantity');
ALTER TABLE orders DROP CONSTRAINT IF EXISTS orders_refactored_position_id_fkey;
ALTER TABLE orders
    ADD CONSTRAINT orders_status_check CHECK (status IN (
        'PENDING', 'SUBMITTED', 'ACCEPTED', 'PARTIAL_FILL', 'FILLED', 'CANCELLED', 'REJECTED',
        'EXPIRED', 'UNKNOWN', 'PENDING_CANCEL', 'DENIED', 'ABANDONED')),
    ADD CONSTRAINT orders_exit_action_check CHECK (exit_action IN ('PARTIAL', 'FULL')),
    ADD CONSTRAINT orders_exit_quantity_check CHECK (exit_quantity > 0),
    ADD CONSTRAINT orders_exit_client_order_id_check CHECK (
        exit_action IS NULL OR attempt IS NULL OR client_order_id ~ '^[a-z0-9-]{1,48}$'),
    ADD CONSTRAINT orders_refactored_position_id_fkey
        FOREIGN KEY (refactored_position_id) REFERENCES refactored_positions (id) NOT VALID,
    ADD CONSTRAINT orders_run_id_fkey FOREIGN KEY (run_id) REFERENCES decision_runs (id);
CREATE INDEX IF NOT EXISTS idx_orders_refactored_position_id ON orders (refactored_position_id);
CREATE UNIQUE INDEX orders_one_live_exit_per_position ON orders (refactored_position_id)
    WHERE exit_action IS NOT NULL AND status IN (
        'PENDING', 'SUBMITTED', 'ACCEPTED', 'PARTIAL_FILL', 'UNKNOWN', 'PENDING_CANCEL');
-- A decision is executed once, however often its run is begun anew.
CREATE UNIQUE INDEX orders_one_per_decision ON orders (decision_id)
    WHERE exit_action IS NOT NULL;
CREATE UNIQUE INDEX orders_one_row_per_attempt ON orders (refactored_position_id, attempt)
    WHERE exit_action IS NOT NULL;

ALTER TABLE trades ADD COLUMN IF NOT EXISTS broker text;
CREATE UNIQUE INDEX trades_once_per_execution ON trades (broker, broker_trade_id)
    WHERE broker IS NOT NULL;
CREATE INDEX IF NOT EXISTS trades_by_order ON trades (order_id);

-- Positions: what is closed and what is reserved never exceeds what was opened.
-- The back-fills are not changes that a users' trigger should see, such as one that sets updated_at.
CREATE FUNCTION exit_pipeline_quietly(of_table regclass, statement text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    awake text[];
    trigger_name text;
BEGIN
    awake := ARRAY(SELECT tgname FROM pg_trigger
                   WHERE tgrelid = of_table AND NOT tgisinternal AND tgenabled = 'O'
                     AND tgname <> 'exit_pipeline_fill_contract');
    FOREACH trigger_name IN ARRAY awake LOOP
        EXECUTE format('ALTER TABLE %s DISABLE TRIGGER %I', of_table, trigger_name);
    END LOOP;
    EXECUTE statement;
    FOREACH trigger_name IN ARRAY awake LOOP
        EXECUTE format('ALTER TABLE %s ENABLE TRIGGER %I', of_table, trigger_name);
    END LOOP;
END
$$;
-- This first, since it keeps everybody else from closing a position in between.
ALTER TABLE refactored_positions
    ADD COLUMN open_quantity integer GENERATED ALWAYS AS (quantity - exited_quantity) STORED;
SELECT exit_pipeline_quietly('refactored_positions', $$
    UPDATE refactored_positions SET exited_quantity = quantity, close_kind = 'EXIT',
           realized_pnl_net = realized_pnl
    WHERE status = 'CLOSED'
$$);

ALTER TABLE refactored_positions
    ADD CONSTRAINT refactored_positions_side_check CHECK (side IN ('LONG', 'SHORT')),
    ADD CONSTRAINT refactored_positions_close_kind_check CHECK (
        close_kind IN ('EXIT', 'EXPIRED', 'ASSIGNED', 'EXERCISED', 'EXTERNAL')),
    ADD CONSTRAINT refactored_positions_never_over_exited CHECK (
        exited_quantity >= 0 AND reserved_quantity >= 0
        AND exited_quantity + reserved_quantity <= quantity),
    ADD CONSTRAINT refactored_positions_profit_exited_check CHECK (
        profit_exited_quantity BETWEEN 0 AND exited_quantity),
    ADD CONSTRAINT refactored_positions_closed_means_nothing_open CHECK (
        status <> 'CLOSED' OR exited_quantity = quantity);
CREATE INDEX IF NOT EXISTS refactored_positions_open ON refactored_positions (account)
    WHERE status = 'OPEN';

-- A text that may or may not be a number or a date, read without raising.
CREATE FUNCTION exit_pipeline_numeric(value text) RETURNS numeric IMMUTABLE LANGUAGE sql AS $$
    SELECT CASE WHEN value ~ '^\s*[0-9]{1,9}(\.[0-9]{1,6})?\s*$' THEN value::numeric END
$$;
CREATE FUNCTION exit_pipeline_date(value text) RETURNS date IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
    IF value !~ '^\s*[0-9]{4}-[0-9]{2}-[0-9]{2}' THEN
        RETURN NULL;
    END IF;
    RETURN make_date(substr(btrim(value), 1, 4)::int, substr(btrim(value), 6, 2)::int,
                     substr(btrim(value), 9, 2)::int);
EXCEPTION WHEN datetime_field_overflow THEN
    RETURN NULL;
END
$$;

-- Which contract a position is in: from its own columns, or else from its signal. Index options
-- have several roots per underlying (SPX, SPXW), so theirs is never guessed.
CREATE FUNCTION exit_pipeline_fill_contract() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    parsed jsonb;
BEGIN
    IF NEW.option_symbol IS NULL THEN
        IF NEW.signal_id IS NOT NULL AND (NEW.strike IS NULL OR NEW.expiration IS NULL
                                          OR NEW.option_type IS NULL) THEN
            SELECT s.metadata -> 'parsed_signal' INTO parsed
            FROM refactored_signals s WHERE s.id = NEW.signal_id;
            NEW.strike := coalesce(NEW.strike, exit_pipeline_numeric(parsed ->> 'strike'));
            NEW.expiration := coalesce(NEW.expiration, exit_pipeline_date(
                coalesce(parsed ->> 'expiration', parsed ->> 'expiry',
                         parsed ->> 'expiration_date')));
            NEW.option_type := coalesce(NEW.option_type, CASE
                upper(coalesce(parsed ->> 'option_type', parsed ->> 'optionType',
                               parsed ->> 'type', parsed ->> 'direction'))
                WHEN 'CALL' THEN 'CALL' WHEN 'C' THEN 'CALL'
                WHEN 'PUT' THEN 'PUT' WHEN 'P' THEN 'PUT' END);
        END IF;
        NEW.underlying := coalesce(NEW.underlying, NEW.symbol);
        IF NEW.strike IS NOT NULL AND NEW.expiration IS NOT NULL AND NEW.option_type IS NOT NULL
           AND NEW.underlying ~ '^[A-Z][A-Z.]{0,5}$'
           AND NEW.underlying NOT IN ('SPX', 'NDX', 'RUT', 'VIX', 'DJX')
           AND NEW.strike * 1000 = trunc(NEW.strike * 1000) AND NEW.strike < 100000 THEN
            NEW.option_symbol := NEW.underlying || to_char(NEW.expiration, 'YYMMDD')
                || left(NEW.option_type, 1) || lpad(trunc(NEW.strike * 1000)::text, 8, '0');
        END IF;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER exit_pipeline_fill_contract BEFORE INSERT OR UPDATE ON refactored_positions
    FOR EACH ROW WHEN (NEW.option_symbol IS NULL) EXECUTE FUNCTION exit_pipeline_fill_contract();
SELECT exit_pipeline_quietly('refactored_positions', $$
    UPDATE refactored_positions SET option_symbol = NULL WHERE option_symbol IS NULL
$$);

DROP FUNCTION exit_pipeline_drop_checks(regclass, text);
DROP FUNCTION exit_pipeline_widen_numeric(regclass, text, integer, integer);
DROP FUNCTION exit_pipeline_default_key(regclass);
DROP FUNCTION exit_pipeline_default_times(regclass);
DROP FUNCTION exit_pipeline_make_optional(regclass, text[]);
DROP FUNCTION exit_pipeline_quietly(regclass, text);
