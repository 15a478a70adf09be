"""What no tick can tell: a gap between ticks, and a position that is about to expire open."""

from datetime import timedelta
from typing import Any

import pytest

from exit_pipeline.core.model.record import Alert
from exit_pipeline.services.look_out import look_out
from exit_pipeline_tests.desk import CALL, MORNING, TUESDAY, Desk
from exit_pipeline_tests.fakes import new_york

TODAY = "ACME260317C00100000"
TOMORROW = "ACME260318C00100000"


@pytest.fixture
def desk(database_url: str) -> Desk:
    return Desk(database_url)


def watched(desk: Desk, **other: Any) -> list[tuple[str, str, str]]:
    """Severity, cause and subject of what a look raises."""
    found = look_out(desk.database, calendar=desk.calendar, at=desk.clock.now(), **other)
    return [(one.severity, one.cause, one.subject) for one in found]


def open_causes(desk: Desk) -> list[str]:
    return [one.cause for one in desk.database.runs.alerts(only_open=True)]


def ticked(desk: Desk) -> None:
    """One position, and a tick that has looked at it."""
    desk.hold("a")
    desk.quote(CALL, "2.00", "2.10")
    desk.tick()


GAP = [("CRITICAL", "TICK_GAP", "paper/desk")]


@pytest.mark.parametrize(("minutes", "raised"), [(10, []), (11, GAP)])
def test_a_gap_of_more_than_two_slots_is_an_alert(
    desk: Desk, minutes: int, raised: list[tuple[str, str, str]]
) -> None:
    ticked(desk)
    desk.later(minutes)
    assert watched(desk) == raised
    assert open_causes(desk) == [cause for _, cause, _ in raised]


def test_a_gap_is_raised_once_however_often_it_is_looked_for(desk: Desk) -> None:
    ticked(desk)
    desk.later(11)
    assert watched(desk) == GAP
    desk.later(1)
    assert watched(desk) == []
    assert desk.rows("SELECT times FROM alerts") == [{"times": 1}]


def test_a_gap_that_was_acknowledged_and_goes_on_is_raised_anew(desk: Desk) -> None:
    ticked(desk)
    desk.later(11)
    watched(desk)
    desk.rows_changed("UPDATE alerts SET acknowledged_at = now()")
    assert watched(desk) == GAP


def test_whoever_acknowledged_a_gap_has_a_while_to_mend_it(desk: Desk) -> None:
    """Regression: it was raised anew at the next look, so that whoever had acknowledged it was
    called again half a minute later, each time."""
    ticked(desk)
    desk.later(11)
    watched(desk)
    known = desk.database.runs.alerts(only_open=True)
    desk.database.runs.acknowledge([one.id for one in known], "ann", desk.clock.now())
    desk.later(14)
    assert watched(desk) == []
    desk.later(1)
    assert watched(desk) == GAP


@pytest.mark.parametrize("hour", [9, 16, 20])
def test_outside_the_session_there_is_no_gap(desk: Desk, hour: int) -> None:
    ticked(desk)
    desk.at(new_york(TUESDAY, hour))
    assert watched(desk) == []


EXPIRING = [("CRITICAL", "EXPIRING_OPEN", "a")]


@pytest.mark.parametrize(
    ("symbol", "hour", "minute", "raised"),
    [
        pytest.param(TODAY, 15, 29, [], id="31 minutes before its last close"),
        pytest.param(TODAY, 15, 30, EXPIRING, id="30 minutes before it"),
        pytest.param(TODAY, 15, 59, EXPIRING, id="a minute before it"),
        pytest.param(TODAY, 16, 0, [], id="when it is settled"),
        pytest.param(TOMORROW, 15, 45, [], id="a day before it"),
    ],
)
def test_a_position_that_is_about_to_expire_open_is_an_alert(
    desk: Desk, symbol: str, hour: int, minute: int, raised: list[tuple[str, str, str]]
) -> None:
    desk.hold("a", symbol, quantity=3)
    desk.at(new_york(TUESDAY, hour, minute))
    # That nobody looks at it either is another alert.
    assert [one for one in watched(desk) if one[1] != "TICK_GAP"] == raised


def test_it_says_how_much_is_open_and_until_when(desk: Desk) -> None:
    desk.hold("a", TODAY, quantity=3)
    desk.at(new_york(TUESDAY, 15, 45))
    watched(desk)
    messages = [one.message for one in desk.database.runs.alerts(only_open=True)]
    assert f"3 of {TODAY} are open, and trading in it ends at 16:00 EDT for good" in messages


def test_a_position_that_was_closed_is_nobodys_worry(desk: Desk) -> None:
    desk.hold("a", TODAY)
    desk.at(new_york(TUESDAY, 15, 0))
    desk.quote(TODAY, "2.00", "2.10")
    desk.tick()
    desk.at(new_york(TUESDAY, 15, 5))
    desk.quote(TODAY, "2.00", "2.10")
    desk.tick()
    assert desk.position("a").status == "CLOSED"
    desk.at(new_york(TUESDAY, 15, 45))
    assert watched(desk) == []


def test_a_position_that_no_broker_has_yet_expires_all_the_same(desk: Desk) -> None:
    desk.rows_changed(
        "INSERT INTO refactored_positions (id, symbol, option_symbol, quantity, entry_price,"
        f" entry_time) VALUES ('mine', 'ACME', '{TODAY}', 1, 1, '{MORNING - timedelta(days=1)}')"
    )
    desk.at(new_york(TUESDAY, 15, 45))
    assert ("CRITICAL", "EXPIRING_OPEN", "mine") in watched(desk)


def test_what_stands_is_raised_once_at_any_hour(desk: Desk) -> None:
    standing = [Alert(severity="CRITICAL", cause="X", subject="s", message="m.")]
    desk.at(new_york(TUESDAY, 3))
    assert watched(desk, standing=standing) == [("CRITICAL", "X", "s")]
    assert watched(desk, standing=standing) == []
