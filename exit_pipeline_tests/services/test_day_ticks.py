"""Whether the ticks of a day came when they were due."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exit_pipeline.services.day_ticks import LATE, TickCounts, count_ticks, spans_of
from exit_pipeline_tests.days import SESSION, a_tick, at

DUE = [at(9, 30), at(9, 35), at(9, 40)]


def counted(*runs: dict[str, Any], due: Sequence[datetime] | None = DUE) -> TickCounts:
    """The counts of runs, each at 09:30 and in time unless it says otherwise."""
    return count_ticks([a_tick(9, 30, **run) for run in runs], due)


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        pytest.param([{}], (1, 0, 0, 0, 2, 0), id="one good tick"),
        pytest.param([{}, {"account": "other"}], (1, 0, 0, 0, 2, 0), id="of two accounts"),
        pytest.param([{}, {"account": "b", "status": "FAILED"}], (0, 0, 1, 0, 2, 0),
                     id="one account failed"),
        pytest.param([{"status": "STARTED"}], (0, 0, 1, 0, 2, 0), id="begun and never ended"),
        pytest.param([{"status": "SKIPPED"}], (0, 0, 0, 1, 2, 0), id="skipped"),
        pytest.param([{"started_at": at(9, 30) + LATE}], (1, 0, 0, 0, 2, 0), id="not late yet"),
        pytest.param([{"started_at": at(9, 32)}], (1, 1, 0, 0, 2, 0), id="late"),
        pytest.param([{"started_at": at(9, 32), "status": "FAILED"}], (0, 0, 1, 0, 2, 0),
                     id="late and failed"),
        pytest.param([{"tick_at": at(9, 33)}], (0, 0, 0, 0, 3, 1), id="at another time"),
        pytest.param([{"is_scheduled": False}], (0, 0, 0, 0, 3, 1), id="for some positions only"),
        pytest.param([], (0, 0, 0, 0, 3, 0), id="nothing at all"),
    ],
)  # fmt: skip
def test_each_tick_counts_once_as_the_account_that_fared_worst(
    runs: list[dict[str, Any]], expected: tuple[int, ...]
) -> None:
    found = counted(*runs)
    assert found.due == 3
    missed = len(found.missed)
    assert (found.run, found.late, found.failed, found.skipped, missed, found.besides) == expected


def test_where_no_schedule_asks_for_ticks_none_is_missed_or_late() -> None:
    found = counted({"started_at": at(12)}, {"tick_at": at(11, 1)}, due=None)
    assert (found.due, found.run, found.late, found.missed, found.besides) == (None, 2, 0, (), 0)


def test_why_ticks_failed_is_counted() -> None:
    found = counted({"status": "FAILED", "reason": "down"}, {"status": "SKIPPED", "reason": "down"})
    assert found.reasons == {"down": 2}


@given(st.sets(st.integers(0, 77)))
def test_spans_hold_every_missed_tick_once_and_none_that_ran(chosen: set[int]) -> None:
    due = [*SESSION.ticks()]
    missed = [due[place] for place in sorted(chosen)]
    spans = spans_of(missed, due)
    told = [one for first, last in spans for one in due if first <= one <= last]
    assert told == missed
    # As few as can be: between two spans something ran.
    for (_, last), (first, _) in pairwise(spans):
        assert first - last > timedelta(minutes=5)
