-- depends: 0009_closed_elsewhere
-- Every input that the rules on context, greeks, events and the whole book read; what a position
-- remembers for them; the context that runs saw; shadow policies; and dates that matter.

ALTER TABLE refactored_positions
    ADD COLUMN IF NOT EXISTS rule_hits        smallint[],
    ADD COLUMN IF NOT EXISTS rule_hits_policy text,
    ADD COLUMN IF NOT EXISTS entry_iv         double precision,
    ADD COLUMN IF NOT EXISTS entry_regime     text,
    ADD COLUMN IF NOT EXISTS entry_gex        text;
ALTER TABLE refactored_positions
    ADD CONSTRAINT refactored_positions_entry_regime_check
        CHECK (entry_regime IN ('LOW_VOL', 'NORMAL', 'HIGH_VOL')),
    ADD CONSTRAINT refactored_positions_entry_gex_check CHECK (entry_gex IN ('CALL', 'PUT'));

ALTER TABLE refactored_decisions
    -- inputs: time and contract
    ADD COLUMN IF NOT EXISTS clock_minutes      integer,
    ADD COLUMN IF NOT EXISTS days_to_expiration integer,
    ADD COLUMN IF NOT EXISTS days_in_trade      integer,
    ADD COLUMN IF NOT EXISTS strike             numeric(14, 4),
    -- inputs: the position
    ADD COLUMN IF NOT EXISTS high_water         numeric(14, 4),
    ADD COLUMN IF NOT EXISTS rule_hits          smallint[],
    ADD COLUMN IF NOT EXISTS entry_iv           double precision,
    ADD COLUMN IF NOT EXISTS entry_regime       text,
    -- inputs: the contract's own figures
    ADD COLUMN IF NOT EXISTS iv                 double precision,
    ADD COLUMN IF NOT EXISTS delta              double precision,
    ADD COLUMN IF NOT EXISTS gamma              double precision,
    ADD COLUMN IF NOT EXISTS theta              double precision,
    ADD COLUMN IF NOT EXISTS vega               double precision,
    -- inputs: context
    ADD COLUMN IF NOT EXISTS gex_entry          text,
    ADD COLUMN IF NOT EXISTS vix_change         double precision,
    ADD COLUMN IF NOT EXISTS vix_ratio          double precision,
    ADD COLUMN IF NOT EXISTS regime             text,
    ADD COLUMN IF NOT EXISTS gamma_sign         smallint,
    ADD COLUMN IF NOT EXISTS confluence         double precision,
    ADD COLUMN IF NOT EXISTS next_earnings      timestamptz,
    ADD COLUMN IF NOT EXISTS next_ex_dividend   timestamptz,
    ADD COLUMN IF NOT EXISTS dividend           numeric(14, 4),
    -- inputs: the account
    ADD COLUMN IF NOT EXISTS day_pnl            double precision,
    ADD COLUMN IF NOT EXISTS drawdown           double precision,
    -- results
    ADD COLUMN IF NOT EXISTS rule_hits_after    smallint[],
    ADD COLUMN IF NOT EXISTS policy_origins     jsonb;
