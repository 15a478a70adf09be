"""Daily bars and closes."""

from datetime import date, timedelta
from math import inf, nan

import numpy as np
import pytest

from exit_pipeline.core.model.daily import DailyBars, DailyCloses
from exit_pipeline.core.model.errors import InputError

MON, TUE, WED = (date(2026, 3, day) for day in (16, 17, 18))
CLOSES = DailyCloses.of([(MON, 16.0), (TUE, 17.0), (WED, 18.0)])


@pytest.mark.parametrize(
    ("start", "end", "closes"),
    [
        pytest.param(None, WED, [16, 17], id="the end is not included"),
        pytest.param(TUE, WED, [17], id="the start is"),
        pytest.param(None, MON, [], id="nothing before"),
        pytest.param(MON, WED + timedelta(9), [16, 17, 18], id="all"),
    ],
)
def test_closes_are_found_by_their_days(start, end, closes):
    assert CLOSES.between(start, end).close.tolist() == closes


def test_a_day_that_is_not_stored_has_no_close():
    assert (CLOSES.on(TUE), CLOSES.on(date(2026, 3, 15))) == (17.0, None)


def test_no_rows_are_no_days():
    assert (len(DailyCloses.of([])), len(DailyBars.of([]).before(MON))) == (0, 0)


def test_bars_before_a_day_leave_that_day_out_and_share_their_closes():
    bars = DailyBars.of([(MON, 3, 1, 2), (TUE, 4, 2, 3)])
    done = bars.before(TUE)
    assert (len(bars), len(done), done.high[0], done.low[0]) == (2, 1, 3, 1)
    assert bars.closes.close.tolist() == [2, 3]


def test_an_official_close_may_lie_outside_of_the_trades_of_its_bar():
    assert DailyBars.of([(MON, 3, 1, 4)]).close.tolist() == [4]


@pytest.mark.parametrize(
    ("make", "text"),
    [
        pytest.param(lambda: DailyCloses.of([(TUE, 1), (MON, 1), (WED, 1)]),
                     "day 2026-03-16 must be later than 2026-03-17, the one before it",
                     id="out of order"),
        pytest.param(lambda: DailyCloses.of([(MON, 1), (MON, 1)]),
                     "day 2026-03-16 must be later than 2026-03-16, the one before it", id="twice"),
        pytest.param(lambda: DailyCloses.of([(MON, 0)]),
                     "close 0 of 2026-03-16 must be a positive number", id="zero is no price"),
        pytest.param(lambda: DailyCloses.of([(MON, nan)]),
                     "close nan of 2026-03-16 must be a positive number", id="not a number"),
        pytest.param(lambda: DailyBars.of([(MON, inf, 1, 2)]),
                     "high inf of 2026-03-16 must be a positive number", id="infinite"),
        pytest.param(lambda: DailyBars.of([(MON, 3, 1, 2), (TUE, 2, 3, 2)]),
                     "low 3 of 2026-03-17 must not be above its high 2", id="upside down"),
        pytest.param(lambda: DailyCloses(day=CLOSES.day, close=np.ones(2)),
                     "columns of daily prices must have one length, had [2, 3]", id="lengths"),
    ],
)  # fmt: skip
def test_prices_that_are_none_are_refused(make, text):
    with pytest.raises(InputError) as error:
        make()
    assert str(error.value) == text
