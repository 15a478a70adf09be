"""The order protocol in the database itself, attacked with bare SQL: each refusal has its name."""

import threading
from contextlib import closing

import psycopg2
import pytest
from psycopg2.errors import LockNotAvailable

from exit_pipeline.adapters.clients.migrations import sql_folder
from exit_pipeline.adapters.clients.postgres_engine import make_engine
from exit_pipeline.adapters.database.postgres.database import PostgresDatabase
from exit_pipeline.core.model.order import OrderStatus
from exit_pipeline_tests.adapters.database.postgres.examples import (
    fill,
    intent,
    position,
    record,
    report,
    send,
    start,
)
from exit_pipeline_tests.sql.test_migrations_on_users_database import (
    USERS_OTHERS,
    USERS_REFACTORED,
    execute,
)

INSERT = """
    INSERT INTO orders (client_order_id, refactored_position_id, exit_action, exit_quantity, status,
        denial_code, attempt, environment, account, fence, quantity, filled_quantity,
        excess_quantity, symbol, side, limit_price, broker)
    VALUES (%(id)s, %(position)s, 'FULL', 1, %(status)s, %(denied)s, %(attempt)s, %(environment)s,
            %(account)s, %(fence)s, %(quantity)s, 0, %(excess)s, 'SPY250321C00580000',
            'SELL_TO_CLOSE', 3, 'paper')
"""
ORDER = {
    "id": "x-1",
    "position": "p2",
    "status": "PENDING",
    "denied": None,
    "attempt": 1,
    "environment": "paper",
    "account": "demo",
    "fence": 1,
    "quantity": 2,
    "excess": 0,
}

REPORTED = {
    "ACCEPTED", "PARTIAL_FILL", "PENDING_CANCEL", "FILLED", "CANCELLED", "REJECTED", "EXPIRED",
}  # fmt: skip
LEGAL = {
    "PENDING": {"SUBMITTED", "DENIED", "ABANDONED"},
    "SUBMITTED": REPORTED | {"UNKNOWN", "ABANDONED"},
    "UNKNOWN": REPORTED | {"SUBMITTED", "ABANDONED"},
    "ACCEPTED": REPORTED | {"UNKNOWN"},
    "PARTIAL_FILL": REPORTED | {"UNKNOWN"},
    "PENDING_CANCEL": REPORTED | {"UNKNOWN"},
    "FILLED": set(),
    "CANCELLED": set(),
    "REJECTED": set(),
    "EXPIRED": set(),
    "DENIED": set(),
    "ABANDONED": set(),
}
MAY_FILL_LATE = {"CANCELLED", "EXPIRED", "REJECTED", "ABANDONED"}


@pytest.fixture
def url(database_url):
    """A database whose account demo is held under fence 1 and has p1 and p2, two contracts each.

    Of p1 one contract is sold by the order em-paper-p1-1, which still works.
    """
    engine = make_engine(database_url)
    database = PostgresDatabase(engine)
    database.positions.import_positions([position(), position("p2")])
    (run_id,) = start(database)
    order = record(database, intent(run_id))
    send(database, order)
    database.orders.book(order, report(order, "PARTIAL_FILL", fill("e1", 1, "3.00")))
    engine.dispose()
    return database_url


def refusal(url, statement, values=None):
    """The name of the constraint that refuses a statement, at once or when it is committed."""
    with pytest.raises(psycopg2.IntegrityError) as caught:
        execute(url, statement, values)
    return caught.value.diag.constraint_name


def becomes(cursor, status, *, late):
    """Whether the order x-1 may become this, tried and taken back."""
    cursor.execute("SAVEPOINT before")
    refused = None
    try:
        cursor.execute(
            "UPDATE orders SET status = %s, late_fill = %s, denial_code = %s"
            " WHERE client_order_id = 'x-1'",
            (status, late, "OVER_EXIT" if status == "DENIED" else None),
        )
    except psycopg2.IntegrityError as error:
        refused = error.diag.constraint_name
    cursor.execute("ROLLBACK TO before")
    assert refused in {None, "orders_legal_transition"}
    return refused is None


def way_to(status):
    """The states through which an order comes to one, from PENDING on."""
    if status == "PENDING":
        return []
    if status in {"DENIED", "SUBMITTED"}:
        return [status]
    return ["SUBMITTED", status]


@pytest.mark.parametrize("late", [False, True], ids=["no late fill", "a late fill"])
@pytest.mark.parametrize("status", LEGAL)
def test_an_order_becomes_only_what_may_follow_what_it_is(url, status, late):
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(INSERT, ORDER)
        for step in way_to(status):
            cursor.execute(
                "UPDATE orders SET status = %s, denial_code = %s WHERE client_order_id = 'x-1'",
                (step, "OVER_EXIT" if step == "DENIED" else None),
            )
        others = [one.value for one in OrderStatus if one != status]
        reached = {one for one in others if becomes(cursor, one, late=late)}
    allowed = {"FILLED"} if late and status in MAY_FILL_LATE else set()
    assert reached == LEGAL[status] - {status} | allowed


def test_the_matrix_knows_every_state():
    assert set(LEGAL) == {status.value for status in OrderStatus}


@pytest.mark.parametrize(
    "status", [one.value for one in OrderStatus if one not in {"PENDING", "DENIED"}]
)
def test_an_order_begins_as_an_intent_or_as_denied(url, status):
    assert refusal(url, INSERT, ORDER | {"status": status}) == "orders_legal_transition"


@pytest.mark.parametrize(
    "other",
    [{"fence": 0}, {"fence": 2}, {"fence": None}, {"account": "other"}, {"environment": "live"}],
    ids=lambda other: " ".join(str(one) for pair in other.items() for one in pair),
)
def test_an_intent_needs_the_fence_that_holds_its_account(url, other):
    assert refusal(url, INSERT, ORDER | other) == "orders_current_fence"


def test_an_intent_needs_a_lease_that_has_not_passed(url):
    execute(url, "UPDATE account_leases SET expires_at = now()")
    assert refusal(url, INSERT, ORDER) == "orders_current_fence"


def test_a_denied_order_needs_no_fence_since_nobody_sends_it(url):
    execute(url, INSERT, ORDER | {"status": "DENIED", "denied": "OVER_EXIT", "fence": 0})


@pytest.mark.parametrize(
    ("other", "constraint"),
    [
        ({"position": "p1", "attempt": 2}, "orders_one_live_exit_per_position"),
        ({"position": "p1", "status": "DENIED", "denied": "OVER_EXIT"},
         "orders_one_row_per_attempt"),
        ({"status": "DENIED"}, "orders_denied_says_why"),
        ({"denied": "OVER_EXIT"}, "orders_denied_says_why"),
        ({"excess": 1}, "orders_filled_within_quantity"),
        ({"excess": -1}, "orders_excess_check"),
        ({"position": "nobody"}, "orders_refactored_position_id_fkey"),
    ],
    ids=["a second live exit", "an attempt twice", "denied without a code", "a code of no denial",
         "more excess than fills", "negative excess", "of no position"],
)  # fmt: skip
def test_an_intent_that_must_not_be_is_refused(url, other, constraint):
    assert refusal(url, INSERT, ORDER | other) == constraint


@pytest.mark.parametrize(
    "change",
    [
        "refactored_position_id = 'p2'",
        "client_order_id = 'x-9'",
        "attempt = 9",
        "symbol = 'SPY250321P00580000'",
        "side = 'BUY_TO_CLOSE'",
        "quantity = 9",
        "limit_price = 0.05",
        "limit_price = NULL",
        "broker = 'alpaca'",
        "environment = 'live'",
        "account = 'other'",
    ],
)
def test_what_was_asked_for_stays_as_it_was(url, change):
    statement = f"UPDATE orders SET {change} WHERE client_order_id = 'em-paper-p1-1'"
    assert refusal(url, statement) == "orders_body_is_final"


TRADE = (
    "INSERT INTO trades (order_id, broker, broker_trade_id, execution_price, quantity)"
    " SELECT {order}, {broker}, '{key}', {price}, {quantity} FROM orders"
    " WHERE client_order_id = 'em-paper-p1-1'"
)


def trade(**other):
    values = {"order": "id", "broker": "'paper'", "key": "e9", "price": 3, "quantity": 1}
    return TRADE.format(**values | other)


FILL_ONE = "UPDATE orders SET filled_quantity = 2 WHERE client_order_id = 'em-paper-p1-1'"
EXIT_ONE = (
    "UPDATE refactored_positions SET exited_quantity = 2, reserved_quantity = 0 WHERE id = 'p1'"
)


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        pytest.param(trade(order="CAST(NULL AS uuid)"), "trades_fill_has_its_order",
                     id="a fill of no order"),
        pytest.param(trade(order="gen_random_uuid()"), "trades_order_id_fkey",
                     id="a fill of an unknown order"),
        pytest.param(trade(quantity=0), "trades_fill_is_of_something", id="a fill of nothing"),
        pytest.param(trade(quantity=-1), "trades_fill_is_of_something", id="a fill taken back"),
        pytest.param(trade(price=-1), "trades_fill_is_of_something", id="a negative price"),
        pytest.param(trade(key="e1"), "trades_once_per_execution", id="an execution twice"),
        pytest.param(trade(), "orders_fills_add_up", id="a fill that its order does not count"),
        pytest.param(f"{FILL_ONE}; {EXIT_ONE}", "orders_fills_add_up",
                     id="a count without its fill"),
        pytest.param(f"{trade()}; {FILL_ONE}", "refactored_positions_exits_add_up",
                     id="a fill that its position does not count"),
        pytest.param(f"{trade(quantity=2)}; {FILL_ONE}; {EXIT_ONE}", "orders_fills_add_up",
                     id="a larger fill than its order counts"),
        pytest.param(EXIT_ONE, "refactored_positions_exits_add_up", id="an exit without a fill"),
        pytest.param("UPDATE refactored_positions SET exited_quantity = 0 WHERE id = 'p1'",
                     "refactored_positions_exits_add_up", id="a fill that closed nothing"),
        pytest.param("UPDATE refactored_positions SET settled_quantity = 1 WHERE id = 'p1'",
                     "refactored_positions_exits_add_up", id="settled and still open"),
        pytest.param("UPDATE refactored_positions SET external_quantity = 1 WHERE id = 'p1'",
                     "refactored_positions_exits_add_up", id="closed elsewhere and still open"),
        pytest.param("UPDATE refactored_positions SET settled_quantity = -1 WHERE id = 'p1'",
                     "refactored_positions_settled_check", id="a negative settlement"),
        pytest.param("UPDATE refactored_positions SET exited_quantity = 3 WHERE id = 'p1'",
                     "refactored_positions_never_over_exited", id="more exited than held"),
        pytest.param("UPDATE refactored_positions SET reserved_quantity = 2 WHERE id = 'p1'",
                     "refactored_positions_never_over_exited", id="more reserved than is left"),
        pytest.param("UPDATE orders SET filled_quantity = 0", "orders_fills_only_grow",
                     id="fills that shrink"),
        pytest.param("UPDATE orders SET filled_quantity = 3", "orders_filled_within_quantity",
                     id="more filled than ordered, and no excess"),
    ],
)  # fmt: skip
def test_sums_that_do_not_add_up_are_refused_at_the_latest_when_committed(
    url, statement, constraint
):
    assert refusal(url, statement) == constraint


def test_what_adds_up_is_taken_in_any_order_within_one_transaction(url):
    execute(url, f"{EXIT_ONE}; {FILL_ONE}; {trade()}")
    (row,) = execute(url, "SELECT open_quantity FROM refactored_positions WHERE id = 'p1'")
    assert row == {"open_quantity": 0}


@pytest.mark.parametrize("table", ["order_events", "trading_control_changes"])
@pytest.mark.parametrize("verb", ["UPDATE {0} SET reason = 'x'", "DELETE FROM {0}"])
def test_what_is_kept_for_the_record_is_only_ever_added_to(url, table, verb):
    execute(url, "UPDATE trading_control SET state = 'FREEZE'")
    assert refusal(url, verb.format(table)) == f"{table}_append_only"


def test_an_order_with_a_past_cant_be_deleted(url):
    assert refusal(url, "DELETE FROM orders") is not None


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("UPDATE trading_control SET state = 'HALT_NEW';"
         " UPDATE trading_control SET state = 'ACTIVE', reason = ' '",
         "trading_control_resume_has_reason"),
        ("UPDATE trading_control SET state = 'MAYBE'", "trading_control_state_check"),
        ("INSERT INTO trading_control DEFAULT VALUES", "trading_control_pkey"),
        ("INSERT INTO trading_control (only_row) VALUES (false)", "trading_control_only_row_check"),
        ("INSERT INTO held_gaps VALUES ('paper', 'demo', 'X', 0, now(), now())",
         "held_gaps_missing_check"),
    ],
    ids=["resuming without a reason", "an unknown state", "a second switch", "another switch",
         "nothing is missing"],
)  # fmt: skip
def test_the_switch_is_one_and_tells_why_it_was_turned_on_again(url, statement, constraint):
    assert refusal(url, statement) == constraint


def race(url, statements):
    """Run each statement on a connection of its own, all at once; the constraints that refused."""
    together, refused = threading.Barrier(len(statements)), []

    def run(statement, values):
        with closing(psycopg2.connect(url)) as connection:
            together.wait(30)
            try:
                with connection, connection.cursor() as cursor:
                    cursor.execute(statement, values)
            except psycopg2.IntegrityError as error:
                refused.append(error.diag.constraint_name)

    threads = [threading.Thread(target=run, args=one) for one in statements]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return refused


def test_of_sixteen_racers_for_one_position_one_gets_a_live_exit(url):
    racers = [(INSERT, ORDER | {"id": f"x-{n}", "attempt": n}) for n in range(1, 17)]
    assert race(url, racers) == ["orders_one_live_exit_per_position"] * 15
    (row,) = execute(url, "SELECT count(*) FROM orders WHERE refactored_position_id = 'p2'")
    assert row == {"count": 1}


def test_sixteen_racers_reserve_no_more_than_is_held(url):
    reserve = "UPDATE refactored_positions SET reserved_quantity = reserved_quantity + 1"
    refused = race(url, [(f"{reserve} WHERE id = 'p2'", None)] * 16)
    assert refused == ["refactored_positions_never_over_exited"] * 14


def test_nobody_takes_an_account_over_while_an_intent_is_under_way(url):
    take_over = "SET lock_timeout = '100ms'; UPDATE account_leases SET fence = fence + 1"
    with closing(psycopg2.connect(url)) as connection:
        with connection, connection.cursor() as cursor:
            cursor.execute(INSERT, ORDER)
            with pytest.raises(LockNotAvailable):
                execute(url, take_over)
        execute(url, take_over)
    assert refusal(url, INSERT, ORDER | {"id": "x-2", "attempt": 2}) == "orders_current_fence"


EXITS_OF_BEFORE = """
    INSERT INTO orders (client_order_id, refactored_position_id, exit_action, exit_quantity, status,
                        attempt, quantity, filled_quantity, broker, environment, account, symbol)
    VALUES ('mine-1', 'closed', 'FULL', 4, 'FILLED', NULL, 4, 4, NULL, NULL, NULL, 'X'),
           ('em-1', 'open', 'PARTIAL', 1, 'FILLED', 1, 1, 1, 'paper', 'paper', 'demo', 'X'),
           ('em-2', 'open', 'PARTIAL', 1, 'CANCELLED', 2, 1, 0, 'paper', 'paper', 'demo', 'X'),
           ('em-3', 'open', 'FULL', 2, 'ACCEPTED', 3, 2, 0, 'paper', 'paper', 'demo', 'X'),
           ('em-4', 'half', 'FULL', 1, 'FILLED', 1, 1, {over}, 'paper', 'paper', 'demo', 'X');
    INSERT INTO trades (order_id, broker, broker_trade_id, execution_price, quantity)
    SELECT id, 'paper', client_order_id, 3.00, filled_quantity FROM orders
    WHERE attempt IS NOT NULL AND filled_quantity > 0;
    UPDATE refactored_positions SET broker = 'paper', environment = 'paper', account = 'demo'
    WHERE id IN ('open', 'half');
    UPDATE refactored_positions SET exited_quantity = 1, reserved_quantity = 2 WHERE id = 'open';
    UPDATE refactored_positions SET exited_quantity = 1, status = 'CLOSED' WHERE id = 'half';
"""
KEPT = ("refactored_positions", "orders", "trades")


def everything(url):
    return {table: execute(url, f"SELECT * FROM {table} ORDER BY id") for table in KEPT}


@pytest.mark.parametrize("over", [1, 2], ids=["as ordered", "more filled than ordered"])
def test_the_protocol_comes_over_exits_of_before_and_keeps_every_row(empty_database_url, over):
    url = empty_database_url
    execute(url, USERS_REFACTORED + USERS_OTHERS)
    files = sorted(sql_folder().glob("*.sql"))
    for file in (one for one in files if one.name < "0007"):
        execute(url, file.read_text(encoding="utf-8"))
    execute(url, EXITS_OF_BEFORE.format(over=over))
    before = everything(url)
    for file in (one for one in files if one.name >= "0007"):
        execute(url, file.read_text(encoding="utf-8"))
    after = everything(url)
    assert after["orders"][-1].keys() > before["orders"][-1].keys()
    for table in KEPT:
        for old, new in zip(before[table], after[table], strict=True):
            assert {name: new[name] for name in old} == old
    # The working order of before goes on, and what it fills is counted like any other's.
    execute(
        url,
        "INSERT INTO trades (order_id, broker, broker_trade_id, execution_price, quantity)"
        " SELECT id, 'paper', 'late', 3.00, 2 FROM orders WHERE client_order_id = 'em-3';"
        " UPDATE orders SET filled_quantity = 2, status = 'FILLED' WHERE client_order_id = 'em-3';"
        " UPDATE refactored_positions SET exited_quantity = 3, reserved_quantity = 0,"
        " status = 'CLOSED' WHERE id = 'open'",
    )
    assert (
        refusal(url, "UPDATE orders SET status = 'ACCEPTED' WHERE client_order_id = 'em-2'")
        == "orders_legal_transition"
    )
