"""A value that is good for a moment."""

from datetime import timedelta

import pytest

from exit_pipeline.web.briefly import GOOD_FOR, Briefly
from exit_pipeline_tests.desk import MORNING


def test_it_is_made_once_a_second_however_many_ask() -> None:
    made = iter(range(10))
    kept: Briefly[int] = Briefly()
    moments = [0, 0, 999, 1_000, 1_500, 2_000, 0]
    found = [kept.get(MORNING + timedelta(milliseconds=one), lambda: next(made)) for one in moments]
    assert found == [0, 0, 0, 1, 1, 2, 3]
    assert timedelta(seconds=1) == GOOD_FOR


def test_what_fails_is_not_kept() -> None:
    kept: Briefly[int] = Briefly()
    with pytest.raises(ZeroDivisionError):
        kept.get(MORNING, lambda: 1 // 0)
    assert kept.get(MORNING, lambda: 2) == 2
