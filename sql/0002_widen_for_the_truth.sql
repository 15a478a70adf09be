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

-- Give a NUMERIC column more digits where it has fewer; a rewrite happens only then.
CREATE OR REPLACE FUNCTION exit_pipeline_widen_numeric(
    of_table regclass, of_column text, digits integer, decimals integer)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    modifier integer;
BEGIN
    SELECT atttypmod INTO modifier FROM pg_attribute
    WHERE attrelid = of_table AND attname = of_column AND NOT attisdropped;
    -- atttypmod is ((precision << 16) | scale) + 4, and -1 for a NUMERIC without limits.
    IF modifier > 0 AND ((((modifier - 4) & 2047) < decimals) OR (((modifier - 4) >> 16) < digits)) THEN
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I TYPE numeric(%s, %s)',
                       of_table, of_column, digits, decimals);
    END IF;
END
$$;

-- Make a row insertable by its own columns: the id gets a default and foreign columns become
-- optional.
CREATE OR REPLACE FUNCTION exit_pipeline_make_insertable(of_table regclass)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    col record;
BEGIN
    FOR col IN
        SELECT a.attname, format_type(a.atttypid, NULL) AS type_name, a.atthasdef,
               a.attidentity <> '' AS is_identity, a.attnotnull
        FROM pg_attribute a
        WHERE a.attrelid = of_table AND a.attnum > 0 AND NOT a.attisdropped
    LOOP
        IF col.attname = 'id' THEN
            IF NOT col.atthasdef AND NOT col.is_identity THEN
                IF col.type_name = 'uuid' THEN
                    EXECUTE format('ALTER TABLE %s ALTER COLUMN id SET DEFAULT gen_random_uuid()',
                                   of_table);
                ELSIF col.type_name IN ('text', 'character varying') THEN
                    EXECUTE format('ALTER TABLE %s ALTER COLUMN id '
                                   'SET DEFAULT gen_random_uuid()::text', of_table);
                END IF;
            END IF;
        ELSIF col.attnotnull AND NOT col.atthasdef AND NOT col.is_identity THEN
            EXECUTE format('ALTER TABLE %s ALTER COLUMN %I DROP NOT NULL', of_table, col.attname);
        END IF;
    END LOOP;
END
$$;

-- Positions: may exist without a signal; prices of four decimals.
ALTER TABLE refactored_positions ALTER COLUMN signal_id DROP NOT NULL;
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
FROM unnest(ARRAY['strike', 'limit_price', 'stop_price', 'avg_fill_price']) AS c;

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
ALTER TABLE refactored_decisions ALTER COLUMN signal_id DROP NOT NULL;

SELECT exit_pipeline_widen_numeric('refactored_gex_signals', 'strength', 7, 4);
SELECT exit_pipeline_widen_numeric('refactored_context_snapshots', 'vix', 8, 4);
SELECT exit_pipeline_widen_numeric('refactored_context_snapshots', 'bias', 7, 4);
SELECT exit_pipeline_make_insertable('refactored_context_snapshots');
SELECT exit_pipeline_make_insertable('refactored_gex_signals');
SELECT exit_pipeline_make_insertable('refactored_decisions');
SELECT exit_pipeline_make_insertable('orders');
SELECT exit_pipeline_make_insertable('trades');
SELECT exit_pipeline_make_insertable('adapter_logs');

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
