-- depends: 0002_widen_for_the_truth
-- Runs, policies, leases and alerts; every input of a decision as a typed column; and the
-- constraints that make an exit happen once.

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
    ADD COLUMN run_id             uuid REFERENCES decision_runs (id),
    ADD COLUMN position_id        varchar(255),
    ADD COLUMN decided_at         timestamptz,
    ADD COLUMN dry_run            boolean NOT NULL DEFAULT false,
    -- inputs: time and contract
    ADD COLUMN session_close      timestamptz,
    ADD COLUMN last_trading_close timestamptz,
    ADD COLUMN option_symbol      text,
    ADD COLUMN option_right       text,
    ADD COLUMN side               text,
    -- inputs: the position
    ADD COLUMN quantity           integer,
    ADD COLUMN open_quantity      integer,
    ADD COLUMN profit_exited      integer,
    ADD COLUMN entry_price        numeric(14, 4),
    ADD COLUMN entry_time         timestamptz,
    ADD COLUMN intraday           boolean,
    ADD COLUMN force_close        boolean,
    -- inputs: the quote
    ADD COLUMN bid                numeric(14, 4),
    ADD COLUMN ask                numeric(14, 4),
    ADD COLUMN bid_size           integer,
    ADD COLUMN ask_size           integer,
    ADD COLUMN nonfinite          boolean,
    ADD COLUMN quoted_at          timestamptz,
    ADD COLUMN feed_at            timestamptz,
    ADD COLUMN feed_age_limit     interval,
    ADD COLUMN previous_mid       numeric(14, 4),
    ADD COLUMN underlying_price   numeric(14, 4),
    -- inputs: context
    ADD COLUMN vix                double precision,
    ADD COLUMN vix_at             timestamptz,
    ADD COLUMN gex_direction      text,
    ADD COLUMN gex_strength       double precision,
    ADD COLUMN gex_at             timestamptz,
    ADD COLUMN gex_previous       text,
    ADD COLUMN gex_latched        boolean,
    -- results
    ADD COLUMN policy_hash        text REFERENCES policies (hash),
    ADD COLUMN mark               numeric(14, 4),
    ADD COLUMN pnl_percent        double precision,
    ADD COLUMN quote_flags        integer,
    ADD COLUMN quote_grade        text,
    ADD COLUMN exit_reason        text,
    ADD COLUMN exit_action        text CHECK (exit_action IN ('PARTIAL', 'FULL')),
    ADD COLUMN exit_quantity      integer,
    ADD COLUMN urgency            text,
    ADD COLUMN fired_mask         bigint,
    ADD COLUMN evaluable_mask     bigint,
    ADD COLUMN gex_latched_after  boolean,
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
    ADD COLUMN run_id uuid REFERENCES decision_runs (id),
    ADD COLUMN vix3m  numeric(8, 4),
    ADD COLUMN vix_at timestamptz,
    ADD COLUMN source text;
CREATE UNIQUE INDEX refactored_context_snapshots_once_per_run
    ON refactored_context_snapshots (run_id);
CREATE INDEX IF NOT EXISTS refactored_gex_signals_newest
    ON refactored_gex_signals (symbol, timestamp DESC);

-- Orders: an exit happens once.
ALTER TABLE orders
    ADD CONSTRAINT orders_status_check CHECK (status IN (
        'PENDING', 'SUBMITTED', 'ACCEPTED', 'PARTIAL_FILL', 'FILLED', 'CANCELLED', 'REJECTED',
        'EXPIRED', 'UNKNOWN', 'PENDING_CANCEL', 'DENIED', 'ABANDONED')),
    ADD CONSTRAINT orders_exit_action_check CHECK (exit_action IN ('PARTIAL', 'FULL')),
    ADD CONSTRAINT orders_exit_quantity_check CHECK (exit_quantity > 0),
    ADD CONSTRAINT orders_exit_client_order_id_check CHECK (
        exit_action IS NULL OR client_order_id ~ '^[a-z0-9-]{1,48}$'),
    ADD CONSTRAINT orders_refactored_position_id_fkey
        FOREIGN KEY (refactored_position_id) REFERENCES refactored_positions (id) NOT VALID,
    ADD CONSTRAINT orders_run_id_fkey FOREIGN KEY (run_id) REFERENCES decision_runs (id);
CREATE INDEX IF NOT EXISTS idx_orders_refactored_position_id ON orders (refactored_position_id);
CREATE UNIQUE INDEX orders_one_live_exit_per_position ON orders (refactored_position_id)
    WHERE exit_action IS NOT NULL AND status IN (
        'PENDING', 'SUBMITTED', 'ACCEPTED', 'PARTIAL_FILL', 'UNKNOWN', 'PENDING_CANCEL');
CREATE UNIQUE INDEX orders_one_row_per_attempt ON orders (refactored_position_id, attempt)
    WHERE exit_action IS NOT NULL;

ALTER TABLE trades ADD COLUMN broker text;
CREATE UNIQUE INDEX trades_once_per_execution ON trades (broker, broker_trade_id)
    WHERE broker IS NOT NULL;
CREATE INDEX IF NOT EXISTS trades_by_order ON trades (order_id);

-- Positions: what is closed and what is reserved never exceeds what was opened.
UPDATE refactored_positions SET exited_quantity = quantity, close_kind = 'EXIT',
       realized_pnl_net = realized_pnl
WHERE status = 'CLOSED';

ALTER TABLE refactored_positions
    ADD COLUMN open_quantity integer GENERATED ALWAYS AS (quantity - exited_quantity) STORED,
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
    FOR EACH ROW EXECUTE FUNCTION exit_pipeline_fill_contract();
UPDATE refactored_positions SET option_symbol = NULL WHERE option_symbol IS NULL;

DROP FUNCTION exit_pipeline_drop_checks(regclass, text);
DROP FUNCTION exit_pipeline_widen_numeric(regclass, text, integer, integer);
DROP FUNCTION exit_pipeline_make_insertable(regclass);
