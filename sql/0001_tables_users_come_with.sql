-- The nine tables of the system that users come from, created only where they are missing:
-- some databases hold all of them, some only the refactored_* ones, a new one holds none.

CREATE TABLE IF NOT EXISTS refactored_signals (
    id                varchar(255) PRIMARY KEY,
    source            text,
    symbol            varchar(20),
    direction         text CHECK (direction IN ('CALL', 'PUT')),
    timeframe         text,
    timestamp         timestamptz,
    metadata          jsonb,
    validation_result jsonb,
    created_at        timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS refactored_positions (
    id             varchar(255) PRIMARY KEY,
    signal_id      varchar(255) UNIQUE REFERENCES refactored_signals (id),
    symbol         varchar(20) NOT NULL,
    direction      text CHECK (direction IN ('CALL', 'PUT')),
    quantity       integer NOT NULL CHECK (quantity > 0),
    entry_price    numeric(14, 4) NOT NULL CHECK (entry_price > 0),
    entry_time     timestamptz NOT NULL,
    current_price  numeric(14, 4),
    unrealized_pnl numeric(14, 4),
    exit_price     numeric(14, 4),
    realized_pnl   numeric(14, 4),
    exit_time      timestamptz,
    status         text NOT NULL DEFAULT 'OPEN' CHECK (status IN ('OPEN', 'CLOSED')),
    underlying     text,
    strike         numeric(14, 4),
    expiration     date,
    option_type    text CHECK (option_type IN ('CALL', 'PUT')),
    timeframe      text,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS orders (
    id               uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    signal_id        uuid,
    broker_order_id  text,
    client_order_id  text UNIQUE,
    underlying       text,
    symbol           text,
    strike           numeric(14, 4),
    expiration       date,
    option_type      text,
    side             text CHECK (side IN ('BUY', 'SELL', 'BUY_TO_OPEN', 'BUY_TO_CLOSE',
                                          'SELL_TO_OPEN', 'SELL_TO_CLOSE')),
    quantity         integer,
    order_type       text,
    limit_price      numeric(14, 4),
    stop_price       numeric(14, 4),
    time_in_force    text,
    mode             text CHECK (mode IN ('PAPER', 'LIVE')),
    status           text NOT NULL DEFAULT 'PENDING',
    filled_quantity  integer DEFAULT 0,
    avg_fill_price   numeric(14, 6),
    rejection_reason text,
    error_message    text,
    broker_response  jsonb,
    submitted_at     timestamptz,
    filled_at        timestamptz,
    cancelled_at     timestamptz,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS trades (
    id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    order_id        uuid REFERENCES orders (id),
    broker_trade_id text,
    execution_price numeric(14, 4),
    quantity        integer,
    commission      numeric(14, 4),
    fees            numeric(14, 4),
    total_cost      numeric(16, 4),
    underlying      text,
    symbol          text,
    strike          numeric(14, 4),
    expiration      date,
    option_type     text,
    executed_at     timestamptz,
    created_at      timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS refactored_decisions (
    id            varchar(255) PRIMARY KEY,
    signal_id     varchar(255),
    decision_type text,
    decision      text,
    confidence    integer,
    position_size integer,
    reasoning     jsonb,
    calculations  jsonb,
    context_data  jsonb,
    gex_data      jsonb,
    created_at    timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS refactored_gex_signals (
    id         varchar(255) PRIMARY KEY,
    symbol     varchar(20),
    timeframe  text,
    strength   numeric(7, 4) CHECK (strength BETWEEN -1 AND 1),
    direction  text CHECK (direction IN ('CALL', 'PUT')),
    timestamp  timestamptz,
    age        bigint,
    metadata   jsonb,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS refactored_context_snapshots (
    id         varchar(255) PRIMARY KEY,
    vix        numeric(8, 4),
    trend      text CHECK (trend IN ('BULLISH', 'BEARISH', 'NEUTRAL')),
    bias       numeric(7, 4),
    regime     text CHECK (regime IN ('LOW_VOL', 'HIGH_VOL', 'NORMAL')),
    timestamp  timestamptz,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS exit_rules (
    id                         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    mode                       text,
    active                     boolean NOT NULL DEFAULT false,
    profit_target_percent      numeric,
    stop_loss_percent          numeric,
    trailing_stop_percent      numeric,
    min_days_to_expiration     integer,
    max_days_in_trade          integer,
    delta_exit_threshold       numeric,
    theta_decay_threshold      numeric,
    iv_crush_threshold         numeric,
    created_at                 timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS adapter_logs (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    created_at timestamptz NOT NULL DEFAULT now()
);
