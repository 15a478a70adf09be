"""Decisions: kept with every input, once per run and position, in one statement."""

from datetime import timedelta
from decimal import Decimal

import pytest

from exit_pipeline.adapters.database.postgres.decisions import _TYPES
from exit_pipeline.core.model.record import DecisionRows
from exit_pipeline_tests.adapters.database.postgres.examples import CALL, NOON, start

SENTENCES = ["PROFIT_TARGET decided: +60.0 % is at least +50.0 %.", 'Not "guessed" \\ at.']


def rows(run_id, position_ids, **other):
    one = {
        "run_id": run_id,
        "decided_at": NOON,
        "dry_run": False,
        "option_symbol": CALL,
        "side": "LONG",
        "open_quantity": 2,
        "entry_price": Decimal("2.00"),
        "bid": Decimal("3.15"),
        "ask": Decimal("3.25"),
        "mark": Decimal("3.2"),
        "quoted_at": NOON - timedelta(seconds=1),
        "feed_age_limit": timedelta(seconds=30),
        "pnl_percent": 60.0,
        "quote_flags": 0,
        "quote_grade": "GOOD",
        "decision_type": "EXIT",
        "decision": "EXIT",
        "exit_action": "PARTIAL",
        "exit_reason": "PROFIT_TARGET",
        "exit_quantity": 1,
        "urgency": "NORMAL",
        "policy_hash": "abc",
        "fired_mask": 4,
        "evaluable_mask": 1 << 40,
        "gex_latched_after": False,
        "reasoning": SENTENCES,
    } | other
    columns = {name: [value] * len(position_ids) for name, value in one.items()}
    columns["id"] = [f"{run_id}-{one}" for one in position_ids]
    columns["position_id"] = list(position_ids)
    return DecisionRows(columns=columns)


@pytest.fixture
def run_id(database):
    database.decisions.keep_policies({"abc": '{"rules":[]}'})
    (run_id,) = start(database)
    return run_id


def test_a_decision_is_read_back_as_it_was_recorded(database, run_id):
    database.decisions.record(rows(run_id, ["p1"]))
    (one,) = database.decisions.of_runs([run_id])
    assert (one.id, one.run_id, one.position_id) == (f"{run_id}-p1", run_id, "p1")
    assert (one.bid, one.ask, one.mark) == (Decimal("3.15"), Decimal("3.25"), Decimal("3.2"))
    assert (one.decided_at, one.quoted_at) == (NOON, NOON - timedelta(seconds=1))
    assert (one.decision, one.exit_action, one.exit_quantity) == ("EXIT", "PARTIAL", 1)
    assert (one.fired_mask, one.evaluable_mask) == (4, 1 << 40)
    assert list(one.reasoning) == SENTENCES


def test_what_is_not_known_is_stored_as_null(database, run_id):
    unknown = dict.fromkeys(("bid", "ask", "mark", "quoted_at", "pnl_percent"))
    database.decisions.record(rows(run_id, ["p1"], **unknown))
    (one,) = database.decisions.of_runs([run_id])
    assert (one.bid, one.mark, one.quoted_at, one.pnl_percent) == (None, None, None, None)


def test_a_decision_that_its_run_already_has_is_left_as_it_is(database, run_id):
    database.decisions.record(rows(run_id, ["p1"]))
    database.decisions.record(rows(run_id, ["p1", "p2"], exit_quantity=2))
    assert [one.exit_quantity for one in database.decisions.of_runs([run_id])] == [1, 2]


def test_decisions_come_in_the_order_of_position_ids(database, run_id):
    database.decisions.record(rows(run_id, ["b", "B", "a-1", "a", "é"]))
    order = [one.position_id for one in database.decisions.of_runs([run_id])]
    assert order == sorted(order)


def test_a_thousand_decisions_are_one_statement(database, run_id, statements):
    database.decisions.record(rows(run_id, [f"p{number}" for number in range(1000)]))
    assert len(statements) == 1
    assert len(database.decisions.of_runs([run_id])) == 1000


def test_no_decisions_are_no_statement(database, statements):
    database.decisions.record(DecisionRows(columns={"id": [], "run_id": [], "position_id": []}))
    assert statements == []


def test_every_column_that_can_be_given_has_the_type_of_the_table(sql):
    names = {
        "float8": "double precision",
        "smallint[]": "ARRAY",
        "timestamptz": "timestamp with time zone",
    }
    kept = {
        row["column_name"]: row["data_type"].replace("character varying", "text")
        for row in sql(
            "SELECT column_name, data_type FROM information_schema.columns"
            " WHERE table_name = 'refactored_decisions'"
        )
    }
    assert {name: names.get(kind, kind) for name, kind in _TYPES.items()} == {
        name: kind for name, kind in kept.items() if name != "created_at"
    }


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"id": ["a"], "run_id": ["b"], "position_id": ["c"], "mood": ["calm"]}, "column mood"),
        ({"id": ["a"], "run_id": ["b"]}, "position_id"),
        ({"id": ["a"], "run_id": ["b"], "position_id": ["c", "d"]}, "longer"),
        ({"id": ["a"], "run_id": ["b"], "position_id": ["c"], "vix": [float("nan")]}, "JSON"),
    ],
    ids=["unknown column", "missing key", "unequal lengths", "a number that is none"],
)
def test_columns_that_cannot_be_stored_are_a_mistake_of_the_program(database, columns, said):
    with pytest.raises(ValueError, match=said):
        database.decisions.record(DecisionRows(columns=columns))


def test_a_policy_is_kept_once_by_its_hash(database, sql):
    database.decisions.keep_policies({"abc": '{"stop": 30}', "def": "{}"})
    database.decisions.keep_policies({"abc": '{"stop": 31}'})
    assert sql("SELECT hash, policy FROM policies ORDER BY hash") == [
        {"hash": "abc", "policy": {"stop": 30}},
        {"hash": "def", "policy": {}},
    ]


def decided(database, minutes, reason, *, dry_run=False):
    """A decision of a run of its own, some minutes after noon; without a reason a HOLD."""
    at = NOON + timedelta(minutes=minutes)
    (run_id,) = start(database, at=at, accounts=(f"at {minutes}",))
    columns = {
        "decided_at": at,
        "decision": "EXIT" if reason else "HOLD",
        "exit_reason": reason,
        "dry_run": dry_run,
    }
    if not reason:
        columns |= {"exit_action": None, "exit_quantity": None, "urgency": None}
    database.decisions.record(rows(run_id, ["p1"], **columns))


@pytest.mark.parametrize(
    ("reasons", "expected"),
    [
        pytest.param([], 0, id="none yet"),
        pytest.param(["PROFIT_TARGET"] * 3, 3, id="three in a row"),
        pytest.param(["PROFIT_TARGET", None, "PROFIT_TARGET"], 1, id="a hold between"),
        pytest.param(
            ["STOP_LOSS", "PROFIT_TARGET", "PROFIT_TARGET"], 2, id="of another rule first"
        ),
        pytest.param(["PROFIT_TARGET", "STOP_LOSS"], 0, id="of another rule now"),
    ],
)
def test_decisions_that_asked_for_the_same_exit_are_counted_back_from_the_newest(
    database, reasons, expected
):
    database.decisions.keep_policies({"abc": '{"rules":[]}'})
    for number, reason in enumerate(reasons):
        decided(database, number * 5, reason)
    assert database.decisions.due_in_a_row("p1", "PROFIT_TARGET", NOON) == expected


def test_decisions_of_dry_runs_and_of_before_are_not_counted(database):
    database.decisions.keep_policies({"abc": '{"rules":[]}'})
    for minutes, dry_run in ((-5, False), (0, False), (5, True)):
        decided(database, minutes, "PROFIT_TARGET", dry_run=dry_run)
    assert database.decisions.due_in_a_row("p1", "PROFIT_TARGET", NOON) == 1
