"""A path over the session as a small picture."""

import re
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exit_pipeline.pages.path import HEIGHT, WIDTH, path_of_money, path_of_position
from exit_pipeline.services.day_positions import PathPoint
from exit_pipeline_tests.days import SESSION, Day, a_leaving, a_random_day, at

MARKS = st.lists(st.none() | st.decimals("-1000", "1000", places=2), max_size=78)


@pytest.fixture(scope="module")
def day() -> Day:
    return a_random_day(1)


def test_time_goes_across_the_session_and_prices_go_upwards() -> None:
    points = [
        PathPoint(at=SESSION.opens_at, mark=Decimal(-10)),
        PathPoint(at=SESSION.closes_at, mark=Decimal(10)),
    ]
    path = path_of_money(points, SESSION)
    assert path.d == f"M6 {HEIGHT - 6}L{WIDTH - 6} 6"
    ((zero),) = path.lines
    assert (zero.kind, zero.y) == ("zero", HEIGHT / 2)


def test_where_nothing_was_known_the_path_has_a_hole() -> None:
    marks = [Decimal(1), None, Decimal(2), Decimal(3), None]
    points = [PathPoint(at=at(10, 5 * n), mark=mark) for n, mark in enumerate(marks)]
    assert re.sub(r"[\d. ]", "", path_of_money(points, SESSION).d) == "MML"


def test_a_day_without_a_point_draws_nothing_but_its_levels() -> None:
    path = path_of_money([], SESSION)
    assert (path.d, path.dots, len(path.lines)) == ("", (), 1)


def test_an_exit_is_marked_at_its_time_and_price_and_one_without_a_price_is_not(day: Day) -> None:
    (one,) = day.report().positions
    left = [a_leaving("p000", at=at(12, 45), price=Decimal("2.00")), a_leaving(price=None)]
    path = path_of_position(replace(one, leavings=left), SESSION)
    (exit_dot,) = [dot for dot in path.dots if dot.kind == "exit"]
    assert exit_dot.x == WIDTH / 2
    assert {line.kind for line in path.lines} == {"entry", "stop", "target"}


@given(MARKS)
def test_whatever_the_marks_nothing_leaves_the_picture(marks: list[Decimal | None]) -> None:
    times = [*SESSION.ticks()]
    points = [PathPoint(at=times[n], mark=mark) for n, mark in enumerate(marks)]
    path = path_of_money(points, SESSION)
    steps = [[float(part) for part in step.split()] for step in re.split("[ML]", path.d)[1:]]
    heights = [line.y for line in path.lines] + [y for _, y in steps]
    assert all(0 <= x <= WIDTH for x, _ in steps)
    assert all(0 <= y <= HEIGHT for y in heights)
    assert len(steps) == sum(mark is not None for mark in marks)
