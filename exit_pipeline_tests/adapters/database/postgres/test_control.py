"""The switch that stops trading, and everybody who ever moved it."""

import pytest

from exit_pipeline.core.model.control import TradingState
from exit_pipeline.core.model.errors import InputError


@pytest.fixture
def moves(sql):
    """From where to where the switch was moved, by whom and why."""
    query = "SELECT from_state, to_state, reason, changed_by FROM trading_control_changes"
    return lambda: [tuple(row.values()) for row in sql(f"{query} ORDER BY seq")]


def test_a_new_database_trades(database):
    control = database.control.read()
    assert (control.state, control.reason, control.changed_by) == (TradingState.ACTIVE, "", "")


def test_every_move_is_kept_with_who_made_it_and_why(database, moves):
    database.control.move(TradingState.HALT_NEW, "odd fills", "ann")
    control = database.control.move(TradingState.ACTIVE, "they were right", "bob")
    assert (control.state, control.changed_by) == (TradingState.ACTIVE, "bob")
    assert moves() == [
        ("ACTIVE", "HALT_NEW", "odd fills", "ann"),
        ("HALT_NEW", "ACTIVE", "they were right", "bob"),
    ]


@pytest.mark.parametrize("reason", ["", "  "])
def test_resuming_needs_a_reason_which_halting_does_not(database, moves, reason):
    database.control.move(TradingState.CANCEL_ALL, reason, "ann")
    with pytest.raises(InputError, match="resuming needs one"):
        database.control.move(TradingState.ACTIVE, reason, "ann")
    assert database.control.read().state is TradingState.CANCEL_ALL
    assert len(moves()) == 1


@pytest.mark.parametrize("state", [one for one in TradingState if one != "ACTIVE"])
def test_an_anomaly_stops_what_is_active_and_loosens_nothing(database, moves, state):
    database.control.move(state, "ann looks", "ann")
    database.control.halt("OVERFILLED: x")
    assert database.control.read().state is state
    assert len(moves()) == 1


def test_an_anomaly_is_the_programs_own_move(database, moves):
    database.control.halt("OVERFILLED: x")
    assert moves() == [("ACTIVE", "HALT_NEW", "OVERFILLED: x", "exit-pipeline")]


@pytest.mark.parametrize(
    ("environment", "is_stopped"),
    [("live", True), ("paper", True), ("tape", False), ("simulated", False)],
)
def test_the_switch_is_for_where_orders_reach_a_broker(database, environment, is_stopped):
    database.control.halt("a look around")
    stopped = database.control.state(environment) is not TradingState.ACTIVE
    assert stopped is is_stopped


def halted(sql):
    return sql(
        "SELECT severity, subject, message, acknowledged_by FROM alerts"
        " WHERE cause = 'HALTED' ORDER BY raised_at"
    )


def test_an_anomaly_that_halts_trading_is_a_critical_alert_until_a_person_has_looked(database, sql):
    database.control.halt("OVERFILLED: order 1")
    database.control.halt("OVERFILLED: order 2")
    assert halted(sql) == [
        {
            "severity": "CRITICAL",
            "subject": "trading",
            "message": "exit-pipeline moved trading to HALT_NEW: OVERFILLED: order 1",
            "acknowledged_by": None,
        }
    ]


def test_a_halt_by_a_person_is_told_to_the_others_as_a_warning(database, sql):
    database.control.move(TradingState.FREEZE, "", "ann")
    (alert,) = halted(sql)
    assert (alert["severity"], alert["message"]) == (
        "WARNING",
        "ann moved trading to FREEZE: no reason given",
    )


def test_an_anomaly_in_a_halt_by_a_person_halts_nothing_more_and_is_no_second_alert(database, sql):
    database.control.move(TradingState.FREEZE, "lunch", "ann")
    database.control.halt("OVERFILLED: order 1")
    assert len(halted(sql)) == 1


def test_whoever_lets_trading_go_on_has_seen_that_it_was_halted(database, sql):
    database.control.halt("odd fills")
    database.control.move(TradingState.ACTIVE, "looked", "ann")
    assert [one["acknowledged_by"] for one in halted(sql)] == ["ann"]
    database.control.halt("odd fills again")
    assert [one["acknowledged_by"] for one in halted(sql)] == ["ann", None]
