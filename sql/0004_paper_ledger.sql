-- depends: 0003_decisions_orders_and_runs
-- The paper broker's own books. Nothing but the paper broker reads or writes them, just as nothing
-- but a real broker writes its own.

CREATE SCHEMA paper;

CREATE TABLE paper.positions (
    environment   text NOT NULL,
    account       text NOT NULL,
    symbol        text NOT NULL,
    quantity      integer NOT NULL CHECK (quantity <> 0),
    average_price numeric(14, 4) NOT NULL CHECK (average_price >= 0),
    PRIMARY KEY (environment, account, symbol)
);

-- A deposit is counted once, whatever is imported how often.
CREATE TABLE paper.deposits (
    environment  text NOT NULL,
    account      text NOT NULL,
    deposit_id   text NOT NULL,
    symbol       text NOT NULL,
    quantity     integer NOT NULL CHECK (quantity <> 0),
    price        numeric(14, 4) NOT NULL,
    deposited_at timestamptz NOT NULL,
    PRIMARY KEY (environment, account, deposit_id)
);

-- A refused order is kept as it was asked for, however absurd, since its id is burnt for ever.
CREATE TABLE paper.orders (
    id              uuid PRIMARY KEY,
    environment     text NOT NULL,
    account         text NOT NULL,
    client_order_id text NOT NULL,
    symbol          text NOT NULL,
    side            text NOT NULL CHECK (side IN ('SELL_TO_CLOSE', 'BUY_TO_CLOSE')),
    quantity        numeric NOT NULL,
    limit_price     numeric NOT NULL,
    filled_quantity integer NOT NULL DEFAULT 0,
    status          text NOT NULL CHECK (status IN (
                        'ACCEPTED', 'PARTIAL_FILL', 'FILLED', 'CANCELLED', 'REJECTED', 'EXPIRED')),
    reason          text NOT NULL DEFAULT '',
    submitted_at    timestamptz NOT NULL,
    day_ends_at     timestamptz NOT NULL,
    UNIQUE (environment, account, client_order_id),
    CHECK (status = 'REJECTED' OR (quantity > 0 AND limit_price > 0)),
    CHECK (filled_quantity = 0 OR filled_quantity BETWEEN 1 AND quantity)
);
CREATE INDEX paper_orders_working ON paper.orders (environment, account, symbol)
    WHERE status IN ('ACCEPTED', 'PARTIAL_FILL');

-- The quote's own time is kept so that no size is sold into twice.
CREATE TABLE paper.fills (
    execution_id        text PRIMARY KEY,
    order_id            uuid NOT NULL REFERENCES paper.orders (id),
    quantity            integer NOT NULL CHECK (quantity > 0),
    cumulative_quantity integer NOT NULL CHECK (cumulative_quantity >= quantity),
    price               numeric(14, 4) NOT NULL CHECK (price > 0),
    commission          numeric(14, 4) NOT NULL,
    fees                numeric(14, 4) NOT NULL,
    quoted_at           timestamptz NOT NULL,
    executed_at         timestamptz NOT NULL,
    UNIQUE (order_id, cumulative_quantity)
);

CREATE TABLE paper.settlements (
    environment text NOT NULL,
    account     text NOT NULL,
    symbol      text NOT NULL,
    quantity    integer NOT NULL CHECK (quantity > 0),
    kind        text NOT NULL CHECK (kind IN ('EXPIRED', 'EXERCISED', 'ASSIGNED')),
    price       numeric(14, 4) NOT NULL,
    settled_at  timestamptz NOT NULL,
    PRIMARY KEY (environment, account, symbol, kind)
);
