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

-- The context of a run: what it was judged from is in the details, with ages, sources and reasons.
ALTER TABLE refactored_context_snapshots
    ADD COLUMN IF NOT EXISTS vix9d           numeric(8, 4),
    ADD COLUMN IF NOT EXISTS vix_band        text,
    ADD COLUMN IF NOT EXISTS vix_change      double precision,
    ADD COLUMN IF NOT EXISTS vix_ratio       double precision,
    ADD COLUMN IF NOT EXISTS vix_percentile  double precision,
    ADD COLUMN IF NOT EXISTS term_structure  text,
    ADD COLUMN IF NOT EXISTS front_structure text,
    ADD COLUMN IF NOT EXISTS realised_vol    double precision,
    ADD COLUMN IF NOT EXISTS details         jsonb;
ALTER TABLE refactored_gex_signals
    ADD COLUMN IF NOT EXISTS age      bigint,
    ADD COLUMN IF NOT EXISTS metadata jsonb;
CREATE INDEX IF NOT EXISTS refactored_signals_newest
    ON refactored_signals (symbol, timestamp DESC);

-- High, low and last price of each session as ticks saw them: every five minutes, so that a high
-- between two ticks is not among them. Each mode, such as live or simulated, has its own.
CREATE TABLE daily_levels (
    mode   text NOT NULL,
    symbol text NOT NULL,
    day    date NOT NULL,
    high   numeric(14, 4) NOT NULL CHECK (high > 0),
    low    numeric(14, 4) NOT NULL CHECK (low > 0 AND low <= high),
    close  numeric(14, 4) NOT NULL CHECK (close > 0),
    at     timestamptz NOT NULL,
    source text NOT NULL,
    PRIMARY KEY (mode, symbol, day)
);

-- Dates that matter to an underlying.
CREATE TABLE events (
    underlying  text NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('EARNINGS', 'DIVIDEND')),
    at          timestamptz NOT NULL,
    amount      numeric(14, 4) CHECK (amount > 0),
    imported_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (underlying, kind, at),
    CHECK ((kind = 'DIVIDEND') = (amount IS NOT NULL))
);

-- What an account gained or lost, dollars. A position counts from its entry, or from its first mark
-- where it was entered before the session in which we first saw it: then that first P&L is what it
-- carried in, and is taken off. open_pnl is gross, realised_pnl net of costs and less what was
-- carried in; peak_pnl is the highest sum of the two.
ALTER TABLE refactored_positions ADD COLUMN IF NOT EXISTS carried_pnl numeric(14, 4);
ALTER TABLE decision_runs
    ADD COLUMN open_pnl     numeric(16, 4),
    ADD COLUMN realised_pnl numeric(16, 4),
    ADD COLUMN peak_pnl     numeric(16, 4),
    ADD COLUMN day_pnl      numeric(16, 4),
    ADD COLUMN drawdown     numeric(16, 4);
CREATE INDEX decision_runs_with_pnl ON decision_runs (environment, account, mode, tick_at DESC)
    WHERE open_pnl IS NOT NULL;
CREATE INDEX refactored_positions_pnl ON refactored_positions (environment, account)
    INCLUDE (realized_pnl_net, carried_pnl);
