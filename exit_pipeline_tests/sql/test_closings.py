"""Closings in the database itself, attacked with bare SQL: each refusal has its name."""

import psycopg2
import pytest

from exit_pipeline.adapters.clients.postgres_engine import make_engine
from exit_pipeline.adapters.database.postgres.database import PostgresDatabase
from exit_pipeline_tests.adapters.database.postgres.examples import (
    NOON,
    fill,
    intent,
    position,
    record,
    report,
    settlement,
    start,
)
from exit_pipeline_tests.sql.test_migrations_on_users_database import execute

INSERT = """
    INSERT INTO closings (broker, environment, evidence_id, first_contract, quantity, told_quantity,
                          position_id, kind, price, closed_at)
    VALUES ('paper', 'paper', %(id)s, %(first)s, %(quantity)s, %(told)s, %(position)s, %(kind)s,
            %(price)s, now())
"""
CLOSING = {
    "id": "x-1",
    "first": 1,
    "quantity": 1,
    "told": 2,
    "position": "p1",
    "kind": "EXTERNAL",
    "price": 1,
}
FILL = """
    INSERT INTO trades (order_id, broker, broker_trade_id, quantity, execution_price)
    SELECT id, 'paper', %(id)s, 1, 1 FROM orders LIMIT 1
"""


@pytest.fixture
def url(database_url):
    """A database with p1, of whose five contracts one was sold by the fill e1, two were closed
    elsewhere without a price, and one was settled by s-1; and with p2, which nothing happened to.
    """
    engine = make_engine(database_url)
    database = PostgresDatabase(engine)
    database.positions.import_positions([position(quantity=5), position("p2")])
    (run_id,) = start(database)
    order = record(database, intent(run_id, quantity=2))
    database.orders.book(order, report(order, "PARTIAL_FILL", fill("e1", 1, "3.00")))
    database.positions.close_elsewhere("p1", 2, NOON)
    database.positions.settle("p1", settlement("0", quantity=1))
    engine.dispose()
    return database_url


def refusal(url, statement, values=None):
    with pytest.raises(psycopg2.IntegrityError) as caught:
        execute(url, statement, values)
    return caught.value.diag.constraint_name


def test_what_follows_the_rules_is_taken(url):
    execute(url, INSERT, CLOSING)
    execute(url, INSERT, CLOSING | {"first": 2})


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        pytest.param({"first": 2}, "closings_follow_each_other", id="a gap"),
        pytest.param({"quantity": 3}, "closings_within_what_was_told", id="more than was told"),
        pytest.param({"id": "e1"}, "closings_are_not_ours", id="a fill of ours"),
        pytest.param({"kind": "EXIT"}, "closings_kind_check", id="a kind that orders have"),
        pytest.param({"position": "p2"}, "refactored_positions_closings_add_up",
                     id="of what is open"),
        pytest.param({"kind": "ASSIGNED"}, "refactored_positions_closings_add_up",
                     id="of what was not settled"),
        pytest.param({"quantity": 3, "told": 3}, "refactored_positions_closings_add_up",
                     id="more than were closed"),
        pytest.param({"price": -1}, "closings_price_check", id="a negative price"),
        pytest.param({"position": "nobody"}, "closings_position_id_fkey", id="of no position"),
    ],
)  # fmt: skip
def test_a_closing_that_must_not_be_is_refused(url, changes, constraint):
    assert refusal(url, INSERT, CLOSING | changes) == constraint


def test_a_contract_is_never_counted_twice(url):
    execute(url, INSERT, CLOSING)
    assert refusal(url, INSERT, CLOSING) == "closings_follow_each_other"


def test_a_fill_is_refused_that_counts_as_somebody_elses(url):
    execute(url, INSERT, CLOSING)
    assert refusal(url, FILL, {"id": "x-1"}) == "trades_are_not_closings"


@pytest.mark.parametrize(
    "statement",
    ["UPDATE closings SET price = 9", "DELETE FROM closings"],
    ids=["changed", "deleted"],
)
def test_a_closing_is_a_fact(url, statement):
    assert refusal(url, statement) == "closings_append_only"


@pytest.mark.parametrize("table", ["closings", "order_events", "trades", "trading_control_changes"])
def test_what_is_only_added_to_is_not_emptied_at_once_either(url, table):
    assert refusal(url, f"TRUNCATE {table} CASCADE") == f"{table}_append_only"


def test_a_settled_contract_has_its_settlement(url):
    settled = "UPDATE refactored_positions SET settled_quantity = 2, external_quantity = 1"
    assert refusal(url, f"{settled} WHERE id = 'p1'") == "refactored_positions_closings_add_up"
