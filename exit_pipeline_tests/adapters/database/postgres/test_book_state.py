"""What the books say of themselves: each fault, planted by hand, is found, and no other one."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from exit_pipeline.core.model.book_state import FAULTS_SHOWN, BookCheck, BookState
from exit_pipeline.services.check_book import scope_of
from exit_pipeline.services.tick import TickReport
from exit_pipeline_tests.desk import CALL, MORNING, PUT, TUESDAY, Desk
from exit_pipeline_tests.fakes import FakeMarketData, new_york

ORDER = BookCheck.EVERY_ORDER_HAS_A_DECISION
EXIT = BookCheck.EVERY_EXIT_HAS_AN_ORDER
HELD = BookCheck.NEVER_EXITED_ABOVE_HELD
GAP = BookCheck.NO_TICK_GAP
UNKNOWN = BookCheck.NO_ORDER_UNKNOWN_FOR_LONG


@pytest.fixture
def desk(database_url: str) -> Desk:
    """At 10:00 one of two positions has left by its stop; the other is held since yesterday."""
    desk = Desk(database_url)
    desk.hold("left", entry="4.00", quantity=2)
    desk.hold("kept", PUT)
    desk.rows_changed("UPDATE refactored_positions SET created_at = '2026-03-16 12:00-04'")
    for minutes in range(-30, 0, 5):
        desk.at(MORNING + timedelta(minutes=minutes))
        tick(desk, call="3.99")
    desk.at(MORNING)
    tick(desk)
    return desk


def tick(desk: Desk, call: str = "2.00") -> TickReport:
    desk.quote(CALL, call, str(Decimal(call) + Decimal("0.10")))
    desk.quote(PUT, "1.99", "2.01")
    return desk.tick()


def state(desk: Desk, *run_ids: str, environment: str = "paper") -> BookState:
    scope = scope_of(environment, desk.calendar, desk.clock.now(), run_ids)
    return desk.database.operation.book_state(scope)


def plant(desk: Desk, *statements: str) -> None:
    """Change rows as nothing that the database guards could."""
    desk.rows_changed(";".join(["SET LOCAL session_replication_role = replica", *statements]))


def found(desk: Desk) -> dict[BookCheck, list[str]]:
    return {name: [one.subject for one in faults] for name, faults in state(desk).faults.items()}


def test_a_sound_book_has_no_fault(desk: Desk) -> None:
    assert (state(desk).faults, state(desk).counts) == ({}, {})
    assert desk.position("left").status == "CLOSED"


@pytest.mark.parametrize(
    ("change", "check", "subject", "what"),
    [
        pytest.param(
            "DELETE FROM refactored_decisions WHERE id IN (SELECT decision_id FROM orders)",
            ORDER, "order", "no decision is kept for it", id="an order whose decision is gone",
        ),
        pytest.param(
            "UPDATE refactored_decisions SET dry_run = true WHERE decision = 'EXIT'",
            ORDER, "order", "that of a dry run", id="an order of a dry run",
        ),
        pytest.param(
            "UPDATE refactored_decisions SET decision = 'HOLD', decision_type = 'HOLD',"
            " exit_quantity = NULL WHERE decision = 'EXIT'",
            ORDER, "order", "its decision is a HOLD", id="an order of a HOLD",
        ),
        pytest.param(
            "UPDATE refactored_decisions SET position_id = 'other' WHERE decision = 'EXIT'",
            ORDER, "order", "its decision is on other", id="an order for another position",
        ),
        pytest.param(
            "DELETE FROM orders", EXIT, "left",
            "STOP_LOSS closes 2, without an order or a denial", id="an exit without an order",
        ),
        pytest.param(
            "UPDATE orders SET filled_quantity = 3, excess_quantity = 1",
            HELD, "left", "of 2 contracts 3 have left", id="more filled than was held",
        ),
        pytest.param(
            "UPDATE refactored_positions SET settled_quantity = 2 WHERE id = 'left'",
            HELD, "left", "of 2 contracts 4 have left", id="filled and settled",
        ),
        pytest.param(
            "UPDATE decision_runs SET status = 'FAILED'"
            " WHERE tick_at IN ('2026-03-17 09:45-04', '2026-03-17 09:50-04')",
            GAP, "desk", "no good tick from 09:40 to 09:55 in New York", id="two ticks failed",
        ),
        pytest.param(
            "UPDATE orders SET status = 'UNKNOWN', intent_at = intent_at - interval '121 seconds'",
            UNKNOWN, "order", "left waits for it, which is UNKNOWN since 2026-03-17 13:57:59 UTC",
            id="an order in doubt for longer than two minutes",
        ),
        pytest.param(
            "UPDATE orders SET status = 'SUBMITTED',"
            " intent_at = intent_at - interval '121 seconds'",
            UNKNOWN, "order", "which is SUBMITTED since", id="an order whose sender is gone",
        ),
    ],
)  # fmt: skip
def test_a_planted_fault_is_found_by_its_check_and_by_no_other(
    desk: Desk, change: str, check: BookCheck, subject: str, what: str
) -> None:
    (order,) = desk.rows("SELECT client_order_id FROM orders")
    plant(desk, change)
    named = order["client_order_id"] if subject == "order" else subject
    assert found(desk) == {check: [named]}
    assert state(desk).counts == {check: 1}
    (fault,) = state(desk).faults[check]
    assert what in fault.what
    assert fault.at is not None


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(
            "UPDATE decision_runs SET status = 'FAILED' WHERE tick_at = '2026-03-17 09:45-04'",
            id="one tick failed",
        ),
        pytest.param(
            "UPDATE orders SET status = 'UNKNOWN', intent_at = intent_at - interval '120 seconds'",
            id="an order in doubt for two minutes exactly",
        ),
        pytest.param(
            "UPDATE decision_runs SET counts = counts || '{\"not_sent\": 1}'; DELETE FROM orders",
            id="an exit of which its tick says why nothing was sent",
        ),
        pytest.param(
            "UPDATE decision_runs SET counts = counts - 'not_sent'; DELETE FROM orders",
            id="a tick of an earlier version, which did not count them",
        ),
        pytest.param(
            "UPDATE decision_runs SET status = 'FAILED' WHERE tick_at = '2026-03-17 10:00-04';"
            " DELETE FROM orders",
            id="a tick that failed, which the next one decides anew",
        ),
        pytest.param(
            "UPDATE decision_runs SET status = 'FAILED' WHERE tick_at < '2026-03-17 10:00-04';"
            " UPDATE refactored_positions SET created_at = '2026-03-17 09:55-04'",
            id="no tick before the position came",
        ),
        pytest.param(
            "UPDATE decision_runs SET status = 'FAILED' WHERE tick_at < '2026-03-17 10:00-04';"
            " UPDATE refactored_positions SET status = 'CLOSED', exited_quantity = quantity,"
            " external_quantity = 1 WHERE id = 'kept'",
            id="no tick where nothing is open",
        ),
        pytest.param(
            "UPDATE orders SET environment = 'simulated';"
            " DELETE FROM refactored_decisions WHERE id IN (SELECT decision_id FROM orders)",
            id="a fault of another environment",
        ),
    ],
)
def test_what_is_sound_is_left_alone(desk: Desk, change: str) -> None:
    plant(desk, change)
    assert found(desk) == {}


def test_denied_and_deferred_exits_are_accounted_for(desk: Desk) -> None:
    desk.later()
    desk.quote(PUT, "0.50", "0.52")
    desk.quote(CALL, "2.00", "2.10")
    desk.database.control.halt("a test")
    desk.tick()
    denied = desk.rows("SELECT status FROM orders WHERE refactored_position_id = 'kept'")
    assert denied == [{"status": "DENIED"}]
    desk.later()
    desk.market = FakeMarketData()
    deferred = desk.tick({"force_close": True})
    assert (deferred.counts["exits"], deferred.counts["not_sent"]) == (1, 1)
    assert found(desk) == {}


def test_a_gap_is_seen_while_it_lasts_and_until_the_session_is_over(desk: Desk) -> None:
    desk.later(11)
    assert found(desk) == {GAP: ["desk"]}
    tick(desk)
    assert found(desk) == {GAP: ["desk"]}
    desk.at(new_york(TUESDAY, 18, 0))
    assert GAP in found(desk)
    desk.at(new_york(TUESDAY + timedelta(days=1), 9, 35))
    assert found(desk) == {}


def test_a_fault_is_forgotten_after_a_week(desk: Desk) -> None:
    plant(desk, "DELETE FROM refactored_decisions", "UPDATE orders SET updated_at = intent_at")
    desk.at(MORNING + timedelta(days=7))
    assert ORDER in found(desk)
    desk.at(MORNING + timedelta(days=7, minutes=1))
    assert ORDER not in found(desk)


def test_of_many_faults_the_newest_are_named_and_all_are_counted(desk: Desk) -> None:
    many = FAULTS_SHOWN + 5
    plant(
        desk,
        "CREATE TEMP TABLE one AS SELECT * FROM orders",
        f"INSERT INTO orders SELECT (jsonb_populate_record(one, jsonb_build_object("
        f" 'id', gen_random_uuid(), 'attempt', 100 + n, 'client_order_id', 'em-' || n,"
        f" 'decision_id', 'gone-' || n, 'intent_at', intent_at + n * interval '1 second'))).*"
        f" FROM one, generate_series(1, {many}) AS n",
        "UPDATE orders SET filled_quantity = 0 WHERE attempt >= 100",
    )
    faults = state(desk)
    assert faults.counts == {ORDER: many}
    named = [one.subject for one in faults.faults[ORDER]]
    assert named == [f"em-{number}" for number in range(many, many - FAULTS_SHOWN, -1)]


def test_a_user_s_columns_without_a_zone_are_read_as_utc(desk: Desk) -> None:
    plant(
        desk,
        "UPDATE orders SET filled_quantity = 3, excess_quantity = 1",
        "ALTER TABLE refactored_positions ALTER updated_at TYPE timestamp,"
        " ALTER created_at TYPE timestamp",
    )
    (fault,) = state(desk).faults[HELD]
    assert isinstance(fault.at, datetime)
    assert fault.at.tzinfo is not None


def test_orders_of_a_tick_stand_beside_the_quote_of_their_decision(desk: Desk) -> None:
    (run,) = desk.rows("SELECT id FROM decision_runs WHERE tick_at = '2026-03-17 10:00-04'")
    (order,) = state(desk, str(run["id"])).orders
    assert (order.position_id, order.exit_reason, order.status) == ("left", "STOP_LOSS", "FILLED")
    assert (order.bid, order.ask, order.average_price) == (
        Decimal("2.00"), Decimal("2.10"), Decimal("2.00"),
    )  # fmt: skip
    assert order.slippage is not None
    assert (order.slippage.dollars, order.slippage.of_spread) == (Decimal("10.00"), 50.0)
    assert state(desk).orders == ()


def test_an_order_that_a_later_tick_sees_filled_is_one_of_that_tick_too(desk: Desk) -> None:
    """Its fill would otherwise be told by no run at all: the one that sent it was over."""
    desk.stand_apart()
    desk.trade(PUT, "0.30", "0.32")
    desk.later()
    desk.quote(CALL, "2.00", "2.10")
    desk.quote(PUT, "0.50", "0.52")
    sent = desk.tick()
    (working,) = state(desk, *[run.run_id for run in sent.runs]).orders
    assert (working.filled_quantity, working.slippage) == (0, None)
    desk.later(1)
    desk.trade(PUT, "0.50", "0.52")
    seen = tick_of_put(desk)
    (filled,) = state(desk, *[run.run_id for run in seen.runs]).orders
    assert (filled.client_order_id, filled.status) == (working.client_order_id, "FILLED")
    assert filled.bid == Decimal("0.50")


def tick_of_put(desk: Desk) -> TickReport:
    desk.quote(PUT, "0.50", "0.52")
    return desk.tick()


def test_realised_pnl_is_of_the_environment_and_not_known_where_it_has_no_position(
    desk: Desk,
) -> None:
    # 2 contracts from 4.00 to 2.00, and 0.67 of costs for each.
    assert state(desk).realised_pnl == Decimal("-401.34")
    assert state(desk, environment="live").realised_pnl is None
