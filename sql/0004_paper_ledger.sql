-- depends: 0003_decisions_orders_and_runs
-- The paper broker's own books. Nothing but the paper broker reads or writes them, just as nothing
-- but a real broker writes its own.

CREATE SCHEMA paper;

CREATE TABLE paper.positions (
    environment   text NOT NULL,
    account       text NOT NULL,
    symbol        text NOT NULL,
    quantity      integer NOT NULL,
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

CREATE TABLE paper.orders (
    id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    environment     text NOT NULL,
    account         text NOT NULL,
    client_order_id text NOT NULL UNIQUE,
    symbol          text NOT NULL,
    side            text NOT NULL CHECK (side IN ('SELL_TO_CLOSE', 'BUY_TO_CLOSE')),
    quantity        integer NOT NULL CHECK (quantity > 0),
    limit_price     numeric(14, 4) NOT NULL CHECK (limit_price > 0),
    filled_quantity integer NOT NULL DEFAULT 0 CHECK (filled_quantity BETWEEN 0 AND quantity),
    status          text NOT NULL CHECK (status IN (
                        'ACCEPTED', 'PARTIAL_FILL', 'FILLED', 'CANCELLED', 'REJECTED', 'EXPIRED')),
    reason          text NOT NULL DEFAULT '',
    submitted_at    timestamptz NOT NULL,
    day_ends_at     timestamptz NOT NULL
);
CREATE INDEX paper_orders_working ON paper.orders (environment, account)
    WHERE status IN ('ACCEPTED', 'PARTIAL_FILL');

CREATE TABLE paper.fills (
    execution_id text PRIMARY KEY,
    order_id     uuid NOT NULL REFERENCES paper.orders (id),
    quantity     integer NOT NULL CHECK (quantity > 0),
    price        numeric(14, 4) NOT NULL CHECK (price >= 0),
    commission   numeric(14, 4) NOT NULL,
    fees         numeric(14, 4) NOT NULL,
    executed_at  timestamptz NOT NULL
);
CREATE INDEX paper_fills_by_order ON paper.fills (order_id);

CREATE TABLE paper.settlements (
    environment text NOT NULL,
    account     text NOT NULL,
    symbol      text NOT NULL,
    quantity    integer NOT NULL CHECK (quantity > 0),
    kind        text NOT NULL CHECK (kind IN ('EXPIRED', 'EXERCISED', 'ASSIGNED')),
    price       numeric(14, 4) NOT NULL,
    settled_at  timestamptz NOT NULL,
    PRIMARY KEY (environment, account, symbol)
);
