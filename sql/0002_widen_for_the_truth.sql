-- depends: 0001_tables_users_come_with
-- What is too narrow in a users' table is widened in place and what is missing is added.
-- No row is touched but by the back-fills at the end of 0003, nothing is renamed or dropped.

-- Drop every CHECK that constrains the one given column, whatever its name, so that a wider one
-- can take its place.
CREATE OR REPLACE FUNCTION exit_pipeline_drop_checks(of_table regclass, of_column text)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT c.conname
        FROM pg_constraint c
        JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attname = of_column
        WHERE c.conrelid = of_table AND c.contype = 'c' AND c.conkey = ARRAY[a.attnum]
    LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', of_table, found.conname);
    END LOOP;
END
$$;

-- Give a NUMERIC column more digits where it has fewer, and take none away; a rewrite happens only
-- then. Example: numeric(10, 2) asked for (14, 4) becomes (14, 4), and numeric(20, 2) (22, 4).
CREATE OR REPLACE FUNCTION exit_pipeline_widen_numeric(
    of_table regclass, of_column text, digits integer, decimals integer)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    modifier integer;
    has_digits integer;
    has_decimals integer;
BEGIN
    SELECT atttypmod INTO modifier FROM pg_attribute
    WHERE attrelid = of_table AND attname = of_column AND NOT attisdropped
      AND atttypid = 'numeric'::regtype;
    -- atttypmod is ((precision << 16) | scale) + 4, and -1 for a NUMERIC without limits.
    has_digits := (modifier - 4) >> 16;
    has_decimals := (modifier - 4) & 2047;
    IF modifier > 0 AND (has_decimals < decimals OR has_digits < digits) THEN
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I TYPE numeric(%s, %s)', of_table, of_column,
                       greatest(digits - decimals, has_digits - has_decimals)
                           + greatest(decimals, has_decimals),
                       greatest(decimals, has_decimals));
    END IF;
END
$$;

-- Give a primary key that has no default one, so that a row can be inserted without it.
CREATE OR REPLACE FUNCTION exit_pipeline_default_key(of_table regclass)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    col record;
BEGIN
    FOR col IN
        SELECT a.attname, a.atttypid
        FROM pg_attribute a
        JOIN pg_constraint c ON c.conrelid = a.attrelid AND c.contype = 'p'
                            AND a.attnum = ANY (c.conkey)
        WHERE a.attrelid = of_table AND NOT a.atthasdef AND a.attidentity = ''
    LOOP
        IF col.atttypid = 'uuid'::regtype THEN
            EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT gen_random_uuid()',
                           of_table, col.attname);
        ELSIF col.atttypid IN ('text'::regtype, 'varchar'::regtype) THEN
            EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT gen_random_uuid()::text',
                           of_table, col.attname);
        END IF;
    END LOOP;
END
$$;

-- Give the times of creation and change a default, since users order by them.
CREATE OR REPLACE FUNCTION exit_pipeline_default_times(of_table regclass)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    col record;
BEGIN
    FOR col IN
        SELECT a.attname
        FROM pg_attribute a
        WHERE a.attrelid = of_table AND a.attname IN ('created_at', 'updated_at')
          AND NOT a.attisdropped AND NOT a.atthasdef
          AND a.atttypid IN ('timestamptz'::regtype, 'timestamp'::regtype)
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT now()', of_table, col.attname);
    END LOOP;
END
$$;

-- Make every column optional that a row of this program may lack, but those named and the key.
CREATE OR REPLACE FUNCTION exit_pipeline_make_optional(of_table regclass, kept text[])
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    col record;
BEGIN
    FOR col IN
        SELECT a.attname
        FROM pg_attribute a
        WHERE a.attrelid = of_table AND a.attnum > 0 AND NOT a.attisdropped AND a.attnotnull
          AND NOT a.atthasdef AND a.attidentity = '' AND a.attname <> ALL (kept)
          AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conrelid = a.attrelid
                          AND c.contype = 'p' AND a.attnum = ANY (c.conkey))
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I DROP NOT NULL', of_table, col.attname);
    END LOOP;
END
$$;

-- Positions: may exist without a signal; prices of four decimals.
SELECT exit_pipeline_default_times('refactored_positions');
SELECT exit_pipeline_make_optional('refactored_positions', ARRAY[
    'symbol', 'direction', 'quantity', 'entry_price', 'entry_time', 'status']);
SELECT exit_pipeline_widen_numeric('refactored_positions', c, 14, 4)
FROM unnest(ARRAY['entry_price', 'current_price', 'unrealized_pnl', 'exit_price', 'realized_pnl',
                  'strike']) AS c;

ALTER TABLE refactored_positions
    ADD COLUMN IF NOT EXISTS underlying             text,
    ADD COLUMN IF NOT EXISTS strike                 numeric(14, 4),
    ADD COLUMN IF NOT EXISTS expiration             date,
    ADD COLUMN IF NOT EXISTS option_type            text,
    ADD COLUMN IF NOT EXISTS timeframe              text,
    ADD COLUMN IF NOT EXISTS option_symbol          text,
    ADD COLUMN IF NOT EXISTS side                   text NOT NULL DEFAULT 'LONG',
    ADD COLUMN IF NOT EXISTS broker                 text,
    ADD COLUMN IF NOT EXISTS environment            text,
    ADD COLUMN IF NOT EXISTS account                text,
    ADD COLUMN IF NOT EXISTS strategy_id            text,
    ADD COLUMN IF NOT EXISTS policy                 text,
    ADD COLUMN IF NOT EXISTS exited_quantity        integer NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS reserved_quantity      integer NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS profit_exited_quantity integer NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS exit_reason            text,
    ADD COLUMN IF NOT EXISTS close_kind             text,
    ADD COLUMN IF NOT EXISTS realized_pnl_net       numeric(14, 4),
    ADD COLUMN IF NOT EXISTS exit_costs             numeric(14, 4) NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS high_water_mark        numeric(14, 4),
    ADD COLUMN IF NOT EXISTS previous_mid           numeric(14, 4),
    ADD COLUMN IF NOT EXISTS marked_at              timestamptz,
    ADD COLUMN IF NOT EXISTS gex_latched            boolean NOT NULL DEFAULT false;

-- Orders: more states, four decimals, and the exit's own columns.
SELECT exit_pipeline_drop_checks('orders', 'status');
SELECT exit_pipeline_widen_numeric('orders', c, 14, 4)
FROM unnest(ARRAY['strike', 'limit_price', 'stop_price']) AS c;
SELECT exit_pipeline_widen_numeric('orders', 'avg_fill_price', 14, 6);

ALTER TABLE orders
    ADD COLUMN IF NOT EXISTS refactored_position_id varchar(255),
    ADD COLUMN IF NOT EXISTS exit_action            text,
    ADD COLUMN IF NOT EXISTS exit_quantity          integer,
    ADD COLUMN IF NOT EXISTS exit_reason            text,
    ADD COLUMN IF NOT EXISTS decision_id            varchar(255),
    ADD COLUMN IF NOT EXISTS run_id                 uuid,
    ADD COLUMN IF NOT EXISTS attempt                integer,
    ADD COLUMN IF NOT EXISTS broker                 text,
    ADD COLUMN IF NOT EXISTS environment            text,
    ADD COLUMN IF NOT EXISTS account                text,
    ADD COLUMN IF NOT EXISTS urgency                text,
    ADD COLUMN IF NOT EXISTS worst_price            numeric(14, 4),
    ADD COLUMN IF NOT EXISTS intent_at              timestamptz;

-- Trades, decisions, signals and snapshots.
SELECT exit_pipeline_widen_numeric('trades', c, 14, 4)
FROM unnest(ARRAY['execution_price', 'commission', 'fees', 'strike']) AS c;
SELECT exit_pipeline_widen_numeric('trades', 'total_cost', 16, 4);

SELECT exit_pipeline_drop_checks('refactored_decisions', 'decision_type');
SELECT exit_pipeline_drop_checks('refactored_decisions', 'decision');

SELECT exit_pipeline_widen_numeric('refactored_gex_signals', 'strength', 7, 4);
SELECT exit_pipeline_widen_numeric('refactored_context_snapshots', 'vix', 8, 4);
SELECT exit_pipeline_widen_numeric('refactored_context_snapshots', 'bias', 7, 4);

SELECT exit_pipeline_default_key(t), exit_pipeline_default_times(t),
       exit_pipeline_make_optional(t, '{}')
FROM unnest(ARRAY['refactored_context_snapshots', 'refactored_gex_signals', 'refactored_decisions',
                  'orders', 'trades', 'adapter_logs']::regclass[]) AS t;

-- adapter_logs records each broker call.
ALTER TABLE adapter_logs
    ADD COLUMN IF NOT EXISTS run_id          uuid,
    ADD COLUMN IF NOT EXISTS broker          text,
    ADD COLUMN IF NOT EXISTS environment     text,
    ADD COLUMN IF NOT EXISTS account         text,
    ADD COLUMN IF NOT EXISTS broker_call     text,
    ADD COLUMN IF NOT EXISTS client_order_id text,
    ADD COLUMN IF NOT EXISTS outcome         text,
    ADD COLUMN IF NOT EXISTS detail          text,
    ADD COLUMN IF NOT EXISTS called_at       timestamptz;
