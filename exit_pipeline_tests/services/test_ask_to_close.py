"""A person asks for positions to be closed, and the ticks that follow do it."""

from datetime import timedelta
from typing import Any

import pytest

from exit_pipeline.core.model.errors import InputError
from exit_pipeline.services.ask_to_close import Wish, ask_to_close, read_expiry
from exit_pipeline_tests.desk import CALL, FAR_CALL, TUESDAY, Desk, decision
from exit_pipeline_tests.fakes import new_york

HOLDS = ("2.00", "2.10")


@pytest.fixture
def desk(database_url: str) -> Desk:
    """A desk with a position ``a`` that every rule would hold."""
    desk = Desk(database_url)
    desk.hold("a", quantity=3)
    desk.quote(CALL, *HOLDS)
    return desk


def ask(desk: Desk, *ids: str, reason: str = "the fund closes", minutes: int = 30) -> Any:
    wish = Wish(
        position_ids=ids or ("a",),
        reason=reason,
        requested_by="ann",
        expires=timedelta(minutes=minutes),
    )
    return ask_to_close(wish, database=desk.database, calendar=desk.calendar, clock=desk.clock)


def reason_of(desk: Desk, config: dict[str, Any] | None = None, name: str = "a") -> str | None:
    return decision(desk.tick(config), name).exit_reason


def consumed(desk: Desk) -> list[dict[str, Any]]:
    return desk.rows(
        "SELECT r.tick_at, e.consumed_at FROM exit_requests e"
        " LEFT JOIN decision_runs r ON r.id = e.consumed_by"
    )


def test_the_next_tick_closes_what_was_asked_for_and_nothing_else(desk: Desk) -> None:
    desk.hold("b", FAR_CALL)
    desk.quote(FAR_CALL, *HOLDS)
    ask(desk)
    report = desk.tick()
    assert decision(report, "a").exit_reason == "FORCE_CLOSE"
    assert decision(report, "b").exit_reason is None
    assert desk.position("a").status == "CLOSED"
    assert "ann asked to close a: the fund closes" in report.executed.decided.tick.notes
    assert consumed(desk) == [{"tick_at": desk.clock.now(), "consumed_at": desk.clock.now()}]
    assert desk.rows("SELECT force_close FROM refactored_decisions ORDER BY position_id") == [
        {"force_close": True},
        {"force_close": False},
    ]


def test_any_broker_obeys_it_where_run_config_may_not_ask(desk: Desk) -> None:
    desk.rows_changed("UPDATE refactored_positions SET broker = 'alpaca'")
    desk.broker = NamedLikeReal(desk.broker)
    ask(desk)
    assert reason_of(desk) == "FORCE_CLOSE"


def test_a_dry_run_shows_it_and_uses_nothing_up(desk: Desk) -> None:
    ask(desk)
    assert reason_of(desk, {"dry_run": True}) == "FORCE_CLOSE"
    assert consumed(desk) == [{"tick_at": None, "consumed_at": None}]
    assert reason_of(desk) == "FORCE_CLOSE"


def test_it_stays_due_until_everything_is_closed_and_is_consumed_once(desk: Desk) -> None:
    """A request that ended with its first tick would leave what that could not fill behind."""
    desk.quote(CALL, *HOLDS, size=1)
    ask(desk)
    assert reason_of(desk) == "FORCE_CLOSE"
    first = consumed(desk)
    assert desk.position("a").open_quantity == 2
    desk.later()
    # The market has gone away from the order that rests, and no other rule is due.
    desk.quote(CALL, "1.70", "1.80")
    assert reason_of(desk) == "FORCE_CLOSE"
    assert desk.position("a").status == "CLOSED"
    assert consumed(desk) == first


@pytest.mark.parametrize(("minutes", "obeyed"), [(29, True), (30, False)])
def test_an_expired_request_is_obeyed_by_nobody(desk: Desk, minutes: int, obeyed: bool) -> None:
    ask(desk)
    desk.later(minutes)
    desk.quote(CALL, *HOLDS)
    assert (reason_of(desk) == "FORCE_CLOSE") is obeyed


def expiries(desk: Desk) -> list[dict[str, Any]]:
    return desk.rows(
        "SELECT severity, subject, message FROM alerts WHERE cause = 'EXIT_REQUEST_EXPIRED'"
        " ORDER BY subject"
    )


def test_a_request_that_expires_before_all_is_closed_is_told_once(desk: Desk) -> None:
    (request,) = ask(desk)
    desk.quote(CALL, *HOLDS, size=1)
    desk.tick()
    assert (desk.position("a").open_quantity, expiries(desk)) == (2, [])
    for _ in range(2):
        desk.later(30)
        desk.tick()
        assert expiries(desk) == [
            {
                "severity": "CRITICAL",
                "subject": f"a {request.id}",
                "message": "ann asked to close a (the fund closes) until 2026-03-17 10:30 EDT, and"
                " 2 of it are still open: nobody closes them any more",
            }
        ]
        # Whoever has seen it is not told again.
        desk.rows_changed("UPDATE alerts SET acknowledged_at = now()")


def test_each_of_several_requests_is_told(desk: Desk) -> None:
    desk.hold("b", FAR_CALL)
    ask(desk, "a", "b")
    ask(desk, "a", minutes=10)
    desk.quote(CALL, "0.00", "5.00")
    desk.later(10)
    desk.tick()
    assert len(expiries(desk)) == 1
    desk.later(20)
    desk.tick()
    assert [row["subject"].split()[0] for row in expiries(desk)] == ["a", "a", "b"]


def test_a_request_whose_position_was_closed_is_not_told(desk: Desk) -> None:
    ask(desk)
    desk.tick()
    assert desk.position("a").status == "CLOSED"
    desk.later(30)
    desk.tick()
    assert expiries(desk) == []


def test_a_dry_run_tells_nobody_of_an_expired_request(desk: Desk) -> None:
    ask(desk)
    desk.later(30)
    desk.tick({"dry_run": True})
    assert expiries(desk) == []
    desk.tick()
    assert len(expiries(desk)) == 1


def test_an_expired_request_is_told_also_after_the_session(desk: Desk) -> None:
    ask(desk)
    desk.at(new_york(TUESDAY, 17))
    desk.tick()
    assert len(expiries(desk)) == 1


def test_a_run_of_an_earlier_moment_does_not_know_of_it(desk: Desk) -> None:
    desk.later()
    ask(desk)
    desk.later(-5)
    assert reason_of(desk) is None


def test_without_a_price_it_waits_and_is_still_due(desk: Desk) -> None:
    ask(desk)
    desk.later()
    desk.quote(CALL, "0.00", "5.00")
    desk.tick()
    assert desk.position("a").status == "OPEN"
    desk.later()
    desk.quote(CALL, *HOLDS)
    assert reason_of(desk) == "FORCE_CLOSE"
    assert desk.position("a").status == "CLOSED"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param("", "ID is 'x', which is not known", id="unknown"),
        pytest.param(
            "UPDATE refactored_positions SET status = 'CLOSED', exited_quantity = 3,"
            " external_quantity = 3",
            "ID is 'a', which is CLOSED",
            id="closed",
        ),
        pytest.param(
            "UPDATE refactored_positions SET broker = NULL, environment = NULL, account = NULL",
            "which no broker has yet",
            id="not adopted",
        ),
        pytest.param(
            "UPDATE refactored_positions SET environment = 'tape'",
            "of the environment tape",
            id="a replay",
        ),
    ],
)
def test_one_position_that_cant_be_closed_leaves_no_request_at_all(
    desk: Desk, change: str, said: str
) -> None:
    if change:
        desk.rows_changed(change)
    with pytest.raises(InputError, match=said):
        ask(desk, "a", "x")
    assert desk.rows("SELECT 1 FROM exit_requests") == []


@pytest.mark.parametrize("reason", ["", "  "])
def test_it_needs_a_reason(desk: Desk, reason: str) -> None:
    with pytest.raises(InputError, match=r"^--reason is "):
        ask(desk, reason=reason)


def test_a_request_that_no_tick_would_see_is_refused(desk: Desk) -> None:
    desk.at(new_york(TUESDAY, 20))
    with pytest.raises(InputError, match="no tick comes before 2026-03-18 09:30 EDT; expected at"):
        ask(desk, minutes=30)
    ask(desk, minutes=811)
    assert len(desk.rows("SELECT 1 FROM exit_requests")) == 1


@pytest.mark.parametrize("text", ["0", "-5", "1.5", "soon", "", "10081"])
def test_an_expiry_is_a_number_of_minutes_up_to_a_week(text: str) -> None:
    assert read_expiry("10080") == timedelta(days=7)
    with pytest.raises(InputError) as caught:
        read_expiry(text)
    assert str(caught.value) == (
        f"--expires is {text!r}; expected a whole number of minutes from 1 to 10080"
    )


class NamedLikeReal:
    """The paper broker by another name."""

    name = "alpaca"

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)
