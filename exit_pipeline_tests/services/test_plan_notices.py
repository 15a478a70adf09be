"""Which messages are due when: grouping, quiet times, repeats, and the waits after failures."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exit_pipeline.core.model.notice import NoticePace, OpenAlert, Told
from exit_pipeline.services.plan_notices import FIRST_WAIT, LONGEST_WAIT, due_notices
from exit_pipeline_tests.notices import TEN, an_alert

PACE = NoticePace(quiet=timedelta(minutes=15), repeat=timedelta(minutes=20))
MINUTE = timedelta(minutes=1)


def at(minutes: float) -> datetime:
    return TEN + minutes * MINUTE


def told(alert: OpenAlert, minutes: float, *, messages: int = 1) -> OpenAlert:
    """The alert after a message so many minutes after ten."""
    sent = Told(
        severity=alert.severity,
        messages=messages,
        last_sent_at=at(minutes),
        last_tried_at=at(minutes),
    )
    return replace(alert, told=sent)


def failed(alert: OpenAlert, minutes: float, attempts: int) -> OpenAlert:
    return replace(alert, told=replace(alert.told, attempts=attempts, last_tried_at=at(minutes)))


def subjects(alerts: list[OpenAlert], minutes: float) -> list[list[str]]:
    return [[one.subject for one in due.alerts] for due in due_notices(alerts, PACE, at(minutes))]


def test_nothing_is_due_where_nothing_is_open() -> None:
    assert due_notices([], PACE, TEN) == []


def test_one_message_for_each_severity_and_cause_the_gravest_and_oldest_first() -> None:
    alerts = [
        an_alert("w1", severity="WARNING", cause="ORDER_UNKNOWN"),
        an_alert("c1", cause="HELD_DIFFERS"),
        an_alert("w2", severity="WARNING", cause="ORDER_UNKNOWN"),
        an_alert("c2", cause="ORDER_UNKNOWN"),
        an_alert("c3", cause="HELD_DIFFERS"),
        an_alert("i1", severity="INFO", cause="X"),
    ]
    found = due_notices(alerts, PACE, TEN)
    assert [(one.severity, one.cause, [a.subject for a in one.alerts]) for one in found] == [
        ("CRITICAL", "HELD_DIFFERS", ["c1", "c3"]),
        ("CRITICAL", "ORDER_UNKNOWN", ["c2"]),
        ("WARNING", "ORDER_UNKNOWN", ["w1", "w2"]),
        ("INFO", "X", ["i1"]),
    ]


OLD, NEW = an_alert("old"), an_alert("new")
OLD_WARNING, NEW_WARNING = an_alert("old", severity="WARNING"), an_alert("new", severity="WARNING")


@pytest.mark.parametrize(
    ("alerts", "minutes", "due"),
    [
        pytest.param([OLD], 0, [["old"]], id="a new one at once"),
        pytest.param([told(OLD, 0)], 19.9, [], id="a critical one is not told again too soon"),
        pytest.param([told(OLD, 0)], 20, [["old"]], id="and again after the repeat time"),
        pytest.param([told(OLD_WARNING, 0)], 600, [], id="a warning is told once"),
        pytest.param([told(OLD, 0), NEW], 14.9, [], id="a further one within the quiet time"),
        pytest.param([told(OLD, 0), NEW], 15, [["new", "old"]], id="a further one after it"),
        pytest.param([told(OLD_WARNING, 0), NEW_WARNING], 14.9, [], id="a further warning within"),
        pytest.param([told(OLD_WARNING, 0), NEW_WARNING], 15, [["new"]], id="a warning after it"),
        pytest.param([told(OLD_WARNING, 0), NEW], 1, [["new"]], id="a graver one does not wait"),
        pytest.param(
            [replace(told(OLD_WARNING, 0), severity="CRITICAL")],
            1,
            [["old"]],
            id="one that has become graver",
        ),
        pytest.param([told(OLD, 0)], -1_440, [["old"]], id="the clock was set back by a day"),
    ],
)
def test_a_cause_is_told_at_its_pace(
    alerts: list[OpenAlert], minutes: float, due: list[list[str]]
) -> None:
    assert subjects(alerts, minutes) == due


def test_what_a_message_leaves_out_is_counted() -> None:
    alerts = [told(an_alert(name, severity="WARNING"), 0) for name in "abc"]
    (found,) = due_notices([*alerts, NEW_WARNING], PACE, at(30))
    assert (found.told_before, found.repeats) == (3, 0)


def test_a_repeated_message_says_how_often_it_was_told() -> None:
    (found,) = due_notices([told(OLD, 0, messages=3), NEW], PACE, at(60))
    assert (found.told_before, found.repeats) == (0, 3)


@pytest.mark.parametrize(
    ("attempts", "wait"),
    [
        (1, FIRST_WAIT),
        (2, 2 * FIRST_WAIT),
        (3, 4 * FIRST_WAIT),
        (4, 8 * FIRST_WAIT),
        (5, LONGEST_WAIT),
        (100_000, LONGEST_WAIT),
    ],
)
def test_a_failed_message_waits_twice_as_long_each_time_up_to_a_slot(
    attempts: int, wait: timedelta
) -> None:
    alert = failed(OLD, 0, attempts)
    just_before = wait - timedelta(microseconds=1)
    assert due_notices([alert], PACE, TEN + just_before) == []
    assert len(due_notices([alert], PACE, TEN + wait)) == 1


def test_a_cause_that_failed_keeps_no_other_from_being_told() -> None:
    alerts = [failed(OLD, 0, 5), an_alert("other", cause="HELD_DIFFERS")]
    assert subjects(alerts, 1) == [["other"]]


@pytest.mark.parametrize(
    ("account", "said"),
    [
        pytest.param("VA12345678", "VA...678 SPY: VA...678 holds 2", id="a vendor's number"),
        pytest.param("demo", "demo SPY: demo holds 2", id="a name that may be any word"),
    ],
)
def test_a_message_does_not_tell_a_vendors_account_in_full(account: str, said: str) -> None:
    alert = an_alert(
        environment="live",
        account=account,
    )
    alert = replace(alert, subject=f"{account} SPY", message=f"{account} holds 2")
    (one,) = due_notices([alert], PACE, TEN)[0].alerts
    assert f"{one.subject}: {one.message}" == said
    assert one.account == ("VA...678" if account[0] == "V" else "...emo")


def test_a_message_that_comes_twice_has_the_same_id_and_the_next_one_another() -> None:
    first, again = (due_notices([OLD, NEW], PACE, at(minutes))[0].id for minutes in (0, 1))
    (later,) = due_notices([told(OLD, 0), told(NEW, 0)], PACE, at(60))
    assert first == again != later.id


LEVELS = st.sampled_from(["CRITICAL", "WARNING", "INFO"])
MINUTES = st.integers(-60, 60)


@st.composite
def alerts(draw: st.DrawFn) -> list[OpenAlert]:
    found = []
    for number in range(draw(st.integers(0, 8))):
        one = an_alert(str(number), severity=draw(LEVELS), cause=draw(st.sampled_from("XY")))
        if draw(st.booleans()):
            one = told(one, draw(MINUTES))
            one = replace(one, severity=draw(LEVELS))
        if draw(st.booleans()):
            one = failed(one, draw(MINUTES), draw(st.integers(1, 9)))
        found.append(one)
    return found


@given(alerts(), MINUTES)
def test_no_alert_is_in_two_messages_and_none_is_told_as_what_it_is_not(
    found: list[OpenAlert], minutes: int
) -> None:
    due = due_notices(found, PACE, at(minutes))
    ids = [one.id for notice in due for one in notice.alerts]
    assert len(ids) == len(set(ids))
    assert len({(one.severity, one.cause) for one in due}) == len(due)
    for notice in due:
        assert {(one.severity, one.cause) for one in notice.alerts} == {
            (notice.severity, notice.cause)
        }


@given(alerts())
def test_every_alert_that_was_not_told_is_told_once_all_waits_are_over(
    found: list[OpenAlert],
) -> None:
    due = due_notices(found, PACE, at(10_000))
    shown = {one.id for notice in due for one in notice.alerts}
    assert {one.id for one in found if one.is_new or one.severity == "CRITICAL"} == shown
