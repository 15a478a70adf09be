"""Which day a report is of, and the sentence where there is none."""

from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from exit_pipeline.core.model.errors import InputError
from exit_pipeline.services.day_request import ReportRequest, choose_day
from exit_pipeline_tests.fakes import FakeCalendar, new_york

TUESDAY = date(2026, 3, 17)
FRIDAY, SATURDAY = date(2026, 3, 13), date(2026, 3, 14)
NOW = new_york(TUESDAY, 12)


class Ticks:
    """A day store that knows when which accounts were worked."""

    def __init__(self, *ticks: tuple[datetime, str, str]) -> None:
        self._ticks = ticks

    def newest_tick(
        self, before: datetime, environment: str | None, account: str | None
    ) -> datetime | None:
        found = [
            at
            for at, *whose in self._ticks
            if at < before and environment in {None, whose[0]} and account in {None, whose[1]}
        ]
        return max(found, default=None)

    def accounts(self, start: datetime, end: datetime) -> list[tuple[str, str]]:
        return sorted({(e, a) for at, e, a in self._ticks if start <= at < end})


RECORD = Ticks(
    (new_york(FRIDAY, 10), "paper", "desk"),
    (new_york(FRIDAY, 10), "simulated", "sample"),
    (new_york(SATURDAY, 10), "paper", "desk"),
    (new_york(date(2026, 3, 12), 10), "live", "money"),
    (new_york(date(2026, 3, 12), 23, 59), "paper", "other"),
)


def chosen(ticks: Ticks = RECORD, now: datetime = NOW, **asked: Any) -> Any:
    database: Any = SimpleNamespace(day=ticks)
    calendar = FakeCalendar(holidays={date(2026, 3, 16): "a holiday"})
    return choose_day(ReportRequest(**asked), database=database, calendar=calendar, at=now)


@pytest.mark.parametrize(
    ("asked", "day", "environment", "others"),
    [
        ({}, FRIDAY, "paper", ("simulated/sample",)),
        ({"environment": "simulated"}, FRIDAY, "simulated", ("paper/desk",)),
        ({"account": "sample"}, FRIDAY, "simulated", ("paper/desk",)),
        ({"environment": "live"}, date(2026, 3, 12), "live", ("paper/other",)),
        ({"day": date(2026, 3, 12)}, date(2026, 3, 12), "live", ("paper/other",)),
        ({"account": "other"}, date(2026, 3, 12), "paper", ("live/money",)),
    ],
    ids=["nothing asked: no launch on a Saturday is a day of trading", "an environment",
         "an account", "an environment with an older record", "money goes first",
         "a minute before midnight in New York"],
)  # fmt: skip
def test_the_last_trading_day_with_a_record_is_chosen_unless_one_is_asked_for(
    asked: dict[str, Any], day: date, environment: str, others: tuple[str, ...]
) -> None:
    found = chosen(**asked)
    assert (found.session.day, found.asked.environment, found.others) == (day, environment, others)
    assert found.asked.account == asked.get("account")
    assert found.asked.end - found.asked.start == timedelta(days=1)
    assert found.asked.start == new_york(day, 0)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"day": date(2026, 3, 18)},
         "2026-03-18 is still to come; expected a day until today, 2026-03-17"),
        ({"day": SATURDAY}, "there is no trading day 2026-03-14: XNYS is closed: Saturday"),
        ({"day": date(2026, 3, 16)},
         "there is no trading day 2026-03-16: XNYS is closed: a holiday"),
        ({"day": TUESDAY},
         "there is no record of 2026-03-17; the last trading day with one is 2026-03-13"),
        ({"day": FRIDAY, "account": "x"},
         "there is no record of 2026-03-13 of x; that day has records of paper/desk, "
         "simulated/sample"),
        ({"environment": "tape", "account": "x"},
         "there is no record of any trading day of tape/x yet: no tick has worked"),
    ],
    ids=["the future", "a weekend", "a holiday", "no record", "another account", "nobody's"],
)  # fmt: skip
def test_a_day_that_there_is_none_of_is_answered_in_one_sentence(
    asked: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InputError) as refusal:
        chosen(**asked)
    assert str(refusal.value) == sentence


@pytest.mark.parametrize("asked", [{}, {"day": FRIDAY}], ids=["no day", "a day"])
def test_an_empty_database_says_that_no_tick_has_worked(asked: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="there is no record of any trading day yet: no tick has"):
        chosen(Ticks(), **asked)


def test_late_in_the_evening_it_is_still_that_day_in_new_york() -> None:
    late = new_york(TUESDAY, 23, 30)
    ticks = Ticks((new_york(TUESDAY, 10), "paper", "desk"))
    assert chosen(ticks, late).session.day == TUESDAY
    assert chosen(ticks, late, day=TUESDAY).session.day == TUESDAY
