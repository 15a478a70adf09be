"""The job from end to end: real ops, real Postgres, the paper broker."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import dagster as dg
import pytest

from exit_pipeline.core.model.errors import ExitPipelineError, InputError
from exit_pipeline.core.model.order import OrderReport
from exit_pipeline.core.model.record import RunStatus, TickIdentity
from exit_pipeline.defs.jobs import exit_job
from exit_pipeline.defs.resources import resources
from exit_pipeline.settings import Settings
from exit_pipeline_tests.between import (
    Between,
    chokes_on,
    is_silent,
    looks_first,
    loses_answer,
    shows_none,
)
from exit_pipeline_tests.desk import CALL, FAR_CALL, MORNING, PUT, TUESDAY, Desk, decision
from exit_pipeline_tests.fakes import FakeCalendar, new_york


@pytest.fixture
def desk(database_url: str) -> Desk:
    return Desk(database_url)


def test_the_job_is_the_six_steps_in_a_row() -> None:
    graph = exit_job.graph
    assert [node.name for node in graph.nodes_in_topological_order] == [
        "fetch_positions",
        "fetch_market_data",
        "build_context",
        "decide",
        "execute",
        "persist",
    ]


def test_ten_lots_at_plus_sixty_percent_for_five_ticks_sell_five_once(desk: Desk) -> None:
    desk.hold("ten", entry="2.00", quantity=10)
    for _ in range(5):
        desk.quote(CALL, "3.15", "3.25")
        desk.tick()
        desk.later()
    orders = desk.rows("SELECT exit_action, exit_quantity, status FROM orders")
    assert orders == [{"exit_action": "PARTIAL", "exit_quantity": 5, "status": "FILLED"}]
    assert desk.position("ten").open_quantity == 5
    assert [(held.symbol, held.quantity) for held in desk.broker.positions("desk")] == [(CALL, 5)]


def test_ten_lots_at_plus_sixty_percent_at_the_time_exit_leave_in_full(desk: Desk) -> None:
    desk.hold("ten", quantity=10, timeframe="15m")
    desk.at(new_york(TUESDAY, 15, 30))
    desk.quote(CALL, "3.15", "3.25")
    report = desk.tick()
    assert decision(report, "ten").exit_action == "FULL"
    assert decision(report, "ten").exit_reason == "TIME_EXIT"
    assert desk.position("ten").status == "CLOSED"


def test_profit_on_the_first_lot_and_loss_on_the_second_add_up(desk: Desk) -> None:
    desk.hold("two", entry="2.00", quantity=2)
    desk.quote(CALL, "3.20", "3.25")
    desk.tick()
    desk.later()
    desk.quote(CALL, "1.20", "1.25")
    desk.tick()
    position = desk.position("two")
    assert position.status == "CLOSED"
    assert position.realized_pnl == Decimal("40.00")
    assert position.realized_pnl_net == Decimal("40.00") - 2 * Decimal("0.67")


def test_a_short_put_sold_at_two_leaves_at_one_and_stops_at_two_sixty(desk: Desk) -> None:
    desk.hold("wins", PUT, entry="2.00", side="SHORT")
    desk.quote(PUT, "0.95", "1.05")
    assert decision(desk.tick(), "wins").exit_reason == "PROFIT_TARGET"
    desk.hold("loses", "ACME260417P00090000", entry="2.00", side="SHORT")
    desk.later()
    desk.quote("ACME260417P00090000", "2.55", "2.65")
    report = desk.tick()
    assert decision(report, "loses").exit_reason == "STOP_LOSS"
    assert desk.rows("SELECT DISTINCT side FROM orders") == [{"side": "BUY_TO_CLOSE"}]
    assert desk.position("loses").realized_pnl == Decimal("-65.00")


def test_one_position_that_cant_be_decided_leaves_the_other_three_decided(desk: Desk) -> None:
    for name in ("a", "b", "c", "d"):
        desk.hold(name, quantity=1)
    desk.rows_changed("UPDATE refactored_positions SET policy = 'nonsense' WHERE id = 'a'")
    desk.quote(CALL, "3.15", "3.25")
    report = desk.tick()
    assert [one.exit_reason for one in report.decisions] == [None, *["PROFIT_TARGET"] * 3]
    assert "nonsense" in decision(report, "a").reasoning[0]
    assert desk.rows("SELECT cause, subject FROM alerts") == [
        {"cause": "NOT_DECIDED", "subject": "a"}
    ]


def test_one_order_that_the_broker_chokes_on_leaves_the_others_sent(desk: Desk) -> None:
    desk.broker = Between(desk.broker, submit=chokes_on(CALL))
    desk.hold("a", CALL)
    desk.hold("b", FAR_CALL)
    desk.quote(CALL, "3.15", "3.25")
    desk.quote(FAR_CALL, "3.15", "3.25")
    desk.tick()
    statuses = desk.rows("SELECT refactored_position_id AS id, status FROM orders ORDER BY 1")
    assert statuses == [{"id": "a", "status": "UNKNOWN"}, {"id": "b", "status": "FILLED"}]
    assert desk.position("a").status == "OPEN"


def test_an_order_whose_answer_was_lost_is_read_back_in_the_same_tick_and_not_sent_twice(
    desk: Desk,
) -> None:
    """Regression: the worker that users come from sold twice when an answer was lost."""
    desk.hold("a")
    desk.broker = Between(desk.broker, submit=loses_answer)
    desk.quote(CALL, "3.15", "3.25")
    desk.tick()
    assert desk.rows("SELECT status, filled_quantity FROM orders") == [
        {"status": "FILLED", "filled_quantity": 1}
    ]
    assert desk.position("a").status == "CLOSED"
    assert desk.rows("SELECT count(*) AS n FROM paper.orders") == [{"n": 1}]


def test_a_lost_order_that_cant_be_read_back_either_is_found_by_the_next_tick(desk: Desk) -> None:
    desk.hold("a")
    real = desk.broker
    desk.broker = Between(real, submit=loses_answer, find_order=is_silent)
    desk.quote(CALL, "3.15", "3.25")
    desk.tick()
    assert desk.rows("SELECT status FROM orders") == [{"status": "UNKNOWN"}]
    desk.broker = real
    desk.later()
    desk.quote(CALL, "3.15", "3.25")
    desk.tick()
    assert desk.rows("SELECT status, filled_quantity FROM orders") == [
        {"status": "FILLED", "filled_quantity": 1}
    ]
    assert desk.position("a").status == "CLOSED"
    assert desk.rows("SELECT count(*) AS n FROM paper.orders") == [{"n": 1}]


def test_a_run_that_died_after_its_order_and_is_begun_anew_sells_once(desk: Desk) -> None:
    """Regression: the decision was read back and executed again, with the next attempt."""
    desk.hold("ten", quantity=10)
    desk.quote(CALL, "3.15", "3.25")
    desk.tick()
    # As a kill before the run was closed leaves it, once its lease has passed.
    desk.rows_changed("UPDATE decision_runs SET status = 'STARTED'")
    desk.tick()
    assert desk.rows("SELECT attempt, exit_quantity FROM orders") == [
        {"attempt": 1, "exit_quantity": 5}
    ]
    assert desk.position("ten").open_quantity == 5


def test_a_failed_run_gives_its_accounts_back_at_once(desk: Desk) -> None:
    """Regression: a failed run kept its account for the rest of its lease."""
    desk.hold("a")
    desk.quote(CALL, "3.15", "3.25")
    real, desk.database = desk.database, FailsToClose(desk.database)
    with pytest.raises(ExitPipelineError, match="disk full"):
        desk.tick()
    desk.database = real
    assert desk.rows("SELECT status, status_reason FROM decision_runs") == [
        {"status": "FAILED", "status_reason": "disk full"}
    ]
    desk.later()
    assert [run.status for run in desk.tick().runs] == [RunStatus.SUCCEEDED]


def test_a_launch_for_one_position_does_not_take_a_ticks_place(desk: Desk) -> None:
    """Regression: a launch at 10:06 made the tick of 10:05 look late."""
    desk.hold("a")
    desk.hold("b", FAR_CALL)
    desk.quote(CALL, "3.15", "3.25")
    desk.quote(FAR_CALL, "3.15", "3.25")
    desk.later(1)
    desk.tick({"position_ids": ["a"]})
    desk.at(MORNING)
    assert [one.position_id for one in desk.tick().decisions] == ["b"]


def test_a_tick_in_the_future_is_skipped_so_that_those_before_it_are_not_late(
    desk: Desk,
) -> None:
    desk.hold("a", "ACME991217C00100000")
    desk.at(datetime(2098, 3, 17, 14, tzinfo=UTC))
    report = desk.tick()
    assert [run.status for run in report.runs] == [RunStatus.SKIPPED]
    assert "future" in report.runs[0].reason


def test_a_position_is_not_decided_before_it_was_entered(desk: Desk) -> None:
    desk.hold("a", entry_time=MORNING + timedelta(hours=2))
    desk.quote(CALL, "3.15", "3.25")
    report = desk.tick()
    assert report.decisions == ()
    assert "entered later" in report.executed.decided.tick.notes[0]


def test_a_rows_odd_contract_leaves_the_others_decided(desk: Desk) -> None:
    """Regression: one expiration beyond the calendar stopped every position of every account."""
    desk.hold("a")
    desk.calendar.last_day = date(2030, 12, 31)
    desk.rows_changed(
        "INSERT INTO refactored_positions (id, symbol, quantity, entry_price, entry_time, status,"
        " option_symbol) VALUES ('odd', 'ACME', 1, 2.00, '2026-03-16T15:00Z', 'OPEN',"
        " 'ACME501230C00100000')"
    )
    desk.quote(CALL, "3.15", "3.25")
    report = desk.tick()
    assert decision(report, "a").exit_reason == "PROFIT_TARGET"
    assert "EXPIRY (the contract is not known)" in " ".join(decision(report, "odd").reasoning)


def test_an_order_that_cant_be_read_leaves_the_others_to_be_worked(desk: Desk) -> None:
    desk.hold("a", quantity=4)
    desk.hold("b", FAR_CALL)
    desk.quote(CALL, "3.15", "3.25", size=1)
    desk.tick()
    desk.broker = Between(desk.broker, working_orders=shows_none, find_order=is_silent)
    desk.later()
    desk.quote(FAR_CALL, "3.15", "3.25")
    report = desk.tick()
    assert decision(report, "b").exit_reason == "PROFIT_TARGET"
    assert desk.position("b").status == "CLOSED"
    assert desk.rows("SELECT cause, subject FROM alerts") == [
        {"cause": "NOT_RECONCILED", "subject": "a"}
    ]


def test_a_slow_reconcile_does_not_make_quotes_of_now_seem_of_the_future(desk: Desk) -> None:
    """Regression: the tick's time was taken before the books were brought up to date."""
    desk.market.is_live = True
    desk.hold("a", quantity=4)
    desk.quote(CALL, "3.15", "3.25", size=1)
    desk.tick()
    desk.later()

    def take_twenty_seconds(inner: Any, account: str) -> list[OrderReport]:
        desk.clock.advance(timedelta(seconds=20))
        desk.quote(CALL, "3.15", "3.25")
        shown: list[OrderReport] = inner.working_orders(account)
        return shown

    desk.broker = Between(desk.broker, working_orders=take_twenty_seconds)
    report = desk.tick()
    assert decision(report, "a").quote_grade == "GOOD"


def test_a_worthless_short_is_bought_back(desk: Desk) -> None:
    desk.hold("a", PUT, entry="2.00", side="SHORT")
    desk.quote(PUT, "0", "0.05")
    desk.tick()
    assert desk.position("a").status == "CLOSED"
    assert desk.position("a").realized_pnl == Decimal("195.00")


def test_a_launch_without_the_rule_does_not_forget_a_flip_that_is_due(desk: Desk) -> None:
    """Regression: one launch with gex_flip=off let the latch go."""
    desk.hold("a")
    desk.rows_changed("UPDATE refactored_positions SET gex_latched = true")
    desk.tick({"policy": "gex_flip=off"})
    assert desk.rows("SELECT gex_latched FROM refactored_positions") == [{"gex_latched": True}]


def test_the_same_trouble_is_one_alert_until_somebody_acknowledges_it(desk: Desk) -> None:
    desk.hold("a")
    for _ in range(3):
        desk.tick({"force_close": True})
        desk.later()
    blocked = "SELECT * FROM alerts WHERE cause = 'ORDER_NOT_PRICED'"
    assert len(desk.rows(blocked)) == 1
    desk.rows_changed("UPDATE alerts SET acknowledged_at = now()")
    desk.tick({"force_close": True})
    assert len(desk.rows(blocked)) == 2


def test_an_order_that_was_being_sent_is_waited_for_two_minutes_before_it_counts_as_never_placed(
    desk: Desk,
) -> None:
    """Regression: a sender that froze in the act woke up and sold a second time."""
    desk.hold("a")
    real = Between(desk.broker, ids_are_unique=False)
    desk.broker = Between(real, submit=chokes_on(CALL))
    desk.quote(CALL, "3.15", "3.25")
    desk.tick()
    desk.broker = real
    desk.later(1)
    desk.quote(CALL, "3.15", "3.25")
    desk.tick()
    assert desk.rows("SELECT attempt, status FROM orders") == [{"attempt": 1, "status": "UNKNOWN"}]
    desk.later(1)
    desk.quote(CALL, "3.15", "3.25")
    desk.tick()
    orders = desk.rows("SELECT attempt, status FROM orders ORDER BY attempt")
    assert orders == [
        {"attempt": 1, "status": "ABANDONED"},
        {"attempt": 2, "status": "FILLED"},
    ]


def test_an_intent_that_nobody_began_to_send_is_abandoned_and_tried_again(desk: Desk) -> None:
    desk.hold("a")
    real, desk.database = desk.database, DiesBeforeSending(desk.database)
    desk.quote(CALL, "3.15", "3.25")
    with pytest.raises(ExitPipelineError, match="killed"):
        desk.tick()
    assert desk.rows("SELECT status FROM orders") == [{"status": "PENDING"}]
    desk.database = real
    desk.later()
    desk.quote(CALL, "3.15", "3.25")
    desk.tick()
    orders = desk.rows("SELECT attempt, status FROM orders ORDER BY attempt")
    assert orders == [
        {"attempt": 1, "status": "ABANDONED"},
        {"attempt": 2, "status": "FILLED"},
    ]


def test_the_intent_is_committed_before_the_broker_is_called(desk: Desk) -> None:
    desk.hold("a")
    seen: list[list[dict[str, Any]]] = []

    def look() -> None:
        seen.append(desk.rows("SELECT status, decision_id FROM orders"))

    desk.broker = Between(desk.broker, submit=looks_first(look))
    desk.quote(CALL, "3.15", "3.25")
    report = desk.tick()
    assert seen == [[{"status": "SUBMITTED", "decision_id": decision(report, "a").id}]]


def test_every_broker_call_is_logged(desk: Desk) -> None:
    desk.hold("a")
    desk.quote(CALL, "3.15", "3.25")
    desk.tick()
    logged = desk.rows(
        "SELECT broker, environment, account, outcome, broker_call FROM adapter_logs ORDER BY 5"
    )
    assert [row.pop("broker_call") for row in logged] == ["positions", "submit", "working_orders"]
    place = {"broker": "paper", "environment": "paper", "account": "desk", "outcome": "ok"}
    assert logged == [place] * 3


def test_a_resting_order_is_looked_at_again_and_not_doubled(desk: Desk) -> None:
    desk.hold("a", quantity=4)
    desk.quote(CALL, "3.15", "3.25", size=1)
    desk.tick()
    assert desk.position("a").open_quantity == 3
    desk.later()
    desk.quote(CALL, "3.15", "3.25", size=1)
    desk.tick()
    orders = desk.rows("SELECT status, exit_quantity, filled_quantity FROM orders")
    assert orders == [{"status": "FILLED", "exit_quantity": 2, "filled_quantity": 2}]
    assert desk.position("a").open_quantity == 2


def test_a_hold_is_recorded_with_masks_reasoning_and_inputs(desk: Desk) -> None:
    desk.hold("a")
    desk.market.add_price("VIX", "17.25", MORNING)
    desk.quote(CALL, "2.05", "2.15")
    desk.tick()
    (row,) = desk.rows("SELECT * FROM refactored_decisions")
    assert (row["decision"], row["decision_type"], row["exit_reason"]) == ("HOLD", "HOLD", None)
    assert (row["bid"], row["ask"], row["mark"]) == (
        Decimal("2.0500"),
        Decimal("2.1500"),
        Decimal("2.1000"),
    )
    assert row["pnl_percent"] == pytest.approx(5.0)
    assert (row["fired_mask"], row["vix"]) == (0, 17.25)
    assert row["evaluable_mask"] == 0b101111
    assert row["entry_price"] == Decimal("2.0000")
    assert "Nearest is PROFIT_TARGET" in row["reasoning"][0]


def test_a_quote_three_days_old_decides_nothing(desk: Desk) -> None:
    desk.hold("a")
    desk.at(MORNING - timedelta(days=4))
    desk.quote(CALL, "3.15", "3.25")
    desk.at(MORNING)
    desk.market.add_price("ACME", "101.00", MORNING)
    report = desk.tick()
    assert decision(report, "a").decision == "HOLD"
    assert decision(report, "a").mark is None


def test_an_exit_that_cant_be_priced_is_deferred_with_an_alert(desk: Desk) -> None:
    desk.hold("a")
    report = desk.tick({"force_close": True})
    assert decision(report, "a").exit_reason == "FORCE_CLOSE"
    assert "deferred" in report.executed.notes["a"]
    assert report.orders == ()
    assert desk.rows("SELECT cause FROM alerts") == [{"cause": "ORDER_NOT_PRICED"}]


def test_a_dry_run_decides_and_records_but_sends_and_changes_nothing(desk: Desk) -> None:
    desk.hold("a")
    before = desk.rows("SELECT * FROM refactored_positions")
    desk.quote(CALL, "3.15", "3.25")
    report = desk.tick({"dry_run": True})
    assert decision(report, "a").exit_reason == "PROFIT_TARGET"
    assert report.executed.notes == {"a": "dry run: nothing is sent"}
    assert desk.rows("SELECT * FROM refactored_positions") == before
    assert desk.rows("SELECT dry_run FROM refactored_decisions") == [{"dry_run": True}]
    for table in ("orders", "adapter_logs", "account_leases", "refactored_context_snapshots"):
        assert desk.rows(f"SELECT * FROM {table}") == []


def test_a_dry_run_doesnt_take_a_ticks_place(desk: Desk) -> None:
    desk.hold("a")
    desk.quote(CALL, "3.15", "3.25")
    desk.tick({"dry_run": True})
    assert desk.tick().counts["contracts_filled"] == 1


def test_the_same_tick_again_does_nothing_and_shows_what_was_done(desk: Desk) -> None:
    desk.hold("a", quantity=10)
    desk.quote(CALL, "3.15", "3.25")
    first = desk.tick()
    second = desk.tick()
    assert [run.status for run in second.runs] == [RunStatus.SUCCEEDED]
    assert second.decisions == first.decisions
    assert len(desk.rows("SELECT * FROM orders")) == 1
    assert len(desk.rows("SELECT * FROM decision_runs")) == 1


@pytest.mark.parametrize(
    ("at", "reason"),
    [
        pytest.param(new_york(date(2026, 4, 3), 11), "Good Friday", id="a holiday"),
        pytest.param(new_york(date(2026, 3, 22), 11), "Sunday", id="a Sunday"),
        pytest.param(new_york(TUESDAY, 16, 30), "outside", id="16:30"),
        pytest.param(new_york(date(2025, 11, 28), 13, 30), "outside", id="13:30 on a short day"),
    ],
)
def test_a_closed_exchange_decides_nothing_and_says_so(
    database_url: str, at: Any, reason: str
) -> None:
    holidays = {date(2026, 4, 3): "Good Friday"}
    desk = Desk(database_url, FakeCalendar(holidays, {date(2025, 11, 28): time(13)}))
    desk.hold("a", "ACME270115C00100000")
    desk.at(at)
    report = desk.tick()
    assert report.decisions == ()
    assert reason in report.executed.decided.tick.notes[0]
    (run,) = desk.rows("SELECT status, status_reason FROM decision_runs")
    assert run["status"] == "SKIPPED"
    assert reason in run["status_reason"]


def test_the_second_of_two_runs_on_one_account_ends_as_skipped_and_says_who_holds_it(
    desk: Desk,
) -> None:
    desk.hold("a")
    identity = TickIdentity(
        environment="paper", broker="paper", tick_at=MORNING, mode="fake", dry_run=False
    )
    desk.database.runs.open(identity, ["desk"], "the-first-run", "test", timedelta(minutes=4))
    desk.later()
    desk.quote(CALL, "3.15", "3.25")
    report = desk.tick()
    assert [run.status for run in report.runs] == [RunStatus.SKIPPED]
    assert "the-first-run" in report.runs[0].reason
    assert desk.rows("SELECT * FROM orders") == []


def test_a_gamma_flip_stays_due_until_it_is_filled(desk: Desk) -> None:
    desk.hold("a", entry="2.00", entry_time=MORNING - timedelta(hours=1))
    signals = [
        ("s1", "CALL", MORNING - timedelta(minutes=50)),
        ("s2", "PUT", MORNING - timedelta(minutes=10)),
    ]
    for key, direction, at in signals:
        desk.database.signals.import_gex_signals(
            [
                {
                    "id": key,
                    "symbol": "ACME",
                    "timeframe": "5m",
                    "strength": Decimal("0.7"),
                    "direction": direction,
                    "timestamp": at,
                }
            ]
        )
    first = desk.tick()
    assert decision(first, "a").exit_reason == "GEX_FLIP"
    assert decision(first, "a").gex_latched_after
    desk.later(minutes=300)
    desk.quote(CALL, "2.00", "2.10")
    second = desk.tick()
    assert decision(second, "a").exit_reason == "GEX_FLIP"
    assert desk.position("a").status == "CLOSED"


def test_an_expired_position_is_settled_at_what_it_is_worth(desk: Desk) -> None:
    desk.hold("worth", "ACME260317C00100000", entry="2.00")
    desk.hold("worthless", "ACME260317C00110000", entry="2.00")
    desk.market.add_price("ACME", "101.50", new_york(TUESDAY, 15, 59))
    desk.at(new_york(date(2026, 3, 18), 9, 30))
    desk.tick()
    assert desk.position("worth").close_kind == "EXERCISED"
    assert desk.position("worth").realized_pnl == Decimal("-50.00")
    assert desk.position("worthless").close_kind == "EXPIRED"
    assert desk.position("worthless").realized_pnl == Decimal("-200.00")


def test_an_expired_position_that_cant_be_settled_is_flagged_and_never_priced(desk: Desk) -> None:
    desk.hold("a", "ACME260316C00100000", entry="2.00")
    desk.quote("ACME260316C00100000", "3.15", "3.25")
    report = desk.tick()
    assert decision(report, "a").decision == "HOLD"
    assert "no longer trades" in decision(report, "a").reasoning[0]
    assert desk.rows("SELECT cause FROM alerts") == [{"cause": "EXPIRED_NOT_SETTLED"}]


def test_a_position_of_no_broker_is_decided_and_never_sent(desk: Desk) -> None:
    desk.rows_changed(
        "INSERT INTO refactored_positions (id, symbol, direction, quantity, entry_price,"
        " entry_time, status, strike, expiration, option_type)"
        " VALUES ('old', 'ACME', 'CALL', 1, 2.00,"
        " '2026-03-16T15:00Z', 'OPEN', 100, '2026-04-17', 'CALL')"
    )
    desk.quote(CALL, "3.15", "3.25")
    report = desk.tick()
    assert decision(report, "old").exit_reason == "PROFIT_TARGET"
    assert "no broker yet" in report.executed.notes["old"]
    assert report.orders == ()


def test_market_data_that_is_down_leaves_the_rules_that_need_no_quote(desk: Desk) -> None:
    desk.hold("a", timeframe="5m")
    desk.market.is_down = True
    desk.at(new_york(TUESDAY, 15, 45))
    report = desk.tick()
    assert decision(report, "a").exit_reason == "TIME_EXIT"
    assert {row["cause"] for row in desk.rows("SELECT cause FROM alerts")} == {
        "MARKET_DATA_DOWN",
        "ORDER_NOT_PRICED",
    }


def test_positions_have_policies_of_their_own_and_a_launch_overrides_them(desk: Desk) -> None:
    desk.hold("a", policy="profit_target.percent=80")
    desk.hold("b", FAR_CALL)
    desk.quote(CALL, "3.15", "3.25")
    desk.quote(FAR_CALL, "3.15", "3.25")
    held = desk.tick({"dry_run": True})
    assert [one.decision for one in held.decisions] == ["HOLD", "EXIT"]
    forced = desk.tick({"dry_run": True, "policy": "profit_target.percent=60"})
    assert [one.decision for one in forced.decisions] == ["EXIT", "EXIT"]
    assert len(desk.rows("SELECT * FROM policies")) == 3


@pytest.mark.parametrize(
    ("config", "said"),
    [
        pytest.param({"dry": True}, "dry", id="unknown key"),
        pytest.param({"dry_run": "maybe"}, "dry_run", id="wrong type"),
        pytest.param({"accounts": ["nobody"]}, "'nobody'", id="unknown account"),
        pytest.param({"position_ids": ["x"]}, "'x'", id="unknown position"),
        pytest.param({"underlyings": ["XYZ"]}, "'XYZ'", id="unknown underlying"),
        pytest.param({"as_of": "yesterday"}, "'yesterday'", id="unparsable as_of"),
        pytest.param({"as_of": "2026-03-17T10:00:00"}, "time zone", id="as_of without zone"),
        pytest.param({"policy": "stop_los.percent=3"}, "stop_los", id="unknown rule"),
        pytest.param({"policy": "stop_loss.percent=-3"}, "stop_loss.percent", id="out of range"),
    ],
)
def test_a_mistaken_launch_is_answered_in_one_sentence_before_anything_runs(
    desk: Desk, config: dict[str, Any], said: str
) -> None:
    desk.hold("a")
    with pytest.raises(ExitPipelineError) as caught:
        desk.tick(config)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert desk.rows("SELECT * FROM decision_runs") == []


@pytest.mark.parametrize("field", ["policy", "force_close", "as_of"])
def test_outside_the_paper_broker_overrides_need_a_dry_run(desk: Desk, field: str) -> None:
    desk.hold("a")
    desk.broker = Between(desk.broker, name="alpaca")
    value = {"policy": "gex_flip=off", "force_close": True, "as_of": MORNING.isoformat()}[field]
    with pytest.raises(ExitPipelineError, match="only be tried in a dry run"):
        desk.tick({field: value})


BOUND: dict[str, Any] = {}


def bound_exit_job() -> dg.JobDefinition:
    """The job as a code location holds it, with the resources of the running test."""
    return dg.Definitions(jobs=[exit_job], resources=BOUND).get_job_def("exit_job")


# Dagster looks at each field of an object that is given as a resource, also at deprecated ones.
@pytest.mark.filterwarnings("ignore:The `__fields__` attribute is deprecated")
def test_a_failed_run_cant_be_continued_with_an_old_decision(desk: Desk) -> None:
    desk.hold("a")
    desk.quote(CALL, "3.15", "3.25")
    io_manager = resources(Settings.from_env({}))["io_manager"]
    BOUND.update(desk.resources | {"database": FailsToClose(desk.database)}, io_manager=io_manager)
    job = dg.reconstructable(bound_exit_job)
    with dg.instance_for_test() as on:
        with dg.execute_job(job, instance=on) as failed:
            assert not failed.success
        options = dg.ReexecutionOptions.from_failure(failed.run_id, on)
        with (
            pytest.raises(dg.DagsterInvariantViolationError, match="in-memory io managers"),
            dg.execute_job(job, instance=on, reexecution_options=options, raise_on_error=True),
        ):
            pass
    assert len(desk.rows("SELECT * FROM orders")) == 1


class FailsToClose(Between):
    """A database that fails when the tick is closed."""

    def __init__(self, inner: Any) -> None:
        super().__init__(inner, positions=Between(inner.positions, refresh=_finds_the_disk_full))


class DiesBeforeSending(Between):
    """A database whose process ends between the intent and the sending."""

    def __init__(self, inner: Any) -> None:
        super().__init__(inner, orders=Between(inner.orders, sending=_is_killed))


def _finds_the_disk_full(inner: Any, marks: Any) -> None:  # noqa: ARG001 as the port has it
    message = "disk full"
    raise InputError(message)


def _is_killed(inner: Any, *rest: Any) -> None:  # noqa: ARG001 as the port has it
    message = "killed"
    raise InputError(message)
