"""Pictures of replays: there where there is something to draw, and the same again."""

from datetime import date, timedelta

import pytest

from exit_pipeline.core.model.replayed import ReplayedDay, ReplayedTick, ReplayKey, ReplayKind
from exit_pipeline.plots.replays import replay_of_day, replay_of_range
from exit_pipeline_tests.fakes import NEW_YORK, new_york

DAY = date(2026, 3, 16)
PNG = b"\x89PNG\r\n"


def ticks(number: int, differing: int = 0) -> list[ReplayedTick]:
    opens = new_york(DAY, 9, 30)
    return [
        ReplayedTick(
            at=opens + index * timedelta(minutes=5),
            exits=index % 3,
            holds=20 - index % 3,
            differing=differing if index == 7 else 0,
        )
        for index in range(number)
    ]


def days(number: int, **figures: int) -> list[ReplayedDay]:
    left_out = {"of a newer version": figures.pop("left_out", 0)}
    return [
        ReplayedDay(
            key=ReplayKey(trading_day=DAY + timedelta(index), kind=ReplayKind.AUDIT, label="all"),
            code_version="1",
            decisions=1_560,
            left_out=left_out,
            **figures,
        )
        for index in range(number)
    ]


@pytest.mark.parametrize(
    "of_day",
    [
        pytest.param(ticks(78), id="a whole day"),
        pytest.param(ticks(78, differing=1), id="one that differs"),
        pytest.param(ticks(1), id="one tick"),
        pytest.param(ticks(2)[:1] * 2, id="two at one time"),
    ],
)
def test_a_day_with_decisions_is_drawn_small_and_the_same_each_time(
    of_day: list[ReplayedTick],
) -> None:
    picture = replay_of_day(days(1)[0], of_day, NEW_YORK)
    assert picture is not None
    assert picture.startswith(PNG)
    assert len(picture) < 20_000
    assert picture == replay_of_day(days(1)[0], of_day, NEW_YORK)


def test_a_difference_is_seen_in_the_picture() -> None:
    assert replay_of_day(days(1)[0], ticks(78), NEW_YORK) != replay_of_day(
        days(1)[0], ticks(78, 1), NEW_YORK
    )


@pytest.mark.parametrize(
    "of_range",
    [
        pytest.param(days(20), id="a month"),
        pytest.param(days(1), id="one day"),
        pytest.param(days(252, differing=3), id="a year that differs"),
        pytest.param(days(5, left_out=70), id="some are not replayable"),
    ],
)
def test_a_range_with_decisions_is_drawn(of_range: list[ReplayedDay]) -> None:
    picture = replay_of_range(of_range)
    assert picture is not None
    assert picture.startswith(PNG)


def test_nothing_decided_is_no_picture() -> None:
    assert replay_of_day(days(1)[0], [], NEW_YORK) is None
    assert replay_of_range([]) is None
