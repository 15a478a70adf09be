"""The day of each position, and the faults of its quotes."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from exit_pipeline.core.model.quote import QuoteFlag
from exit_pipeline.services.day_positions import (
    Level,
    PositionDay,
    held_after,
    position_days,
    refused_quotes,
)
from exit_pipeline_tests.builders import a_book
from exit_pipeline_tests.days import a_leaving, a_position, a_random_day, recorded
from exit_pipeline_tests.fakes import NEW_YORK

ENTRY = {"entry_price": "2.00", "quantity": 10, "open_quantity": 10}


def at(hour: int, minute: int = 0) -> datetime:
    """A moment of the builders' day."""
    return datetime(2026, 3, 18, hour, minute, tzinfo=NEW_YORK)


def a_day(
    *rows: dict[str, Any], leavings: Any = (), text: str = "default", **position: Any
) -> PositionDay:
    """The day of one position whose decisions have these inputs."""
    book = a_book(*(ENTRY | row for row in rows))
    decisions = recorded(book, ["a"] * len(rows), text)
    (day,) = position_days([a_position(**position)], leavings, decisions)
    return day


def test_the_path_has_each_decision_with_its_mark_or_none() -> None:
    day = a_day(
        {"decided_at": "10:00", "mark": "2.00"},
        {"decided_at": "10:05", "bid": None, "ask": None},
        {"decided_at": "10:10", "mark": "3.10"},
    )
    assert [(one.at, one.mark) for one in day.points] == [
        (at(10), Decimal(2)), (at(10, 5), None), (at(10, 10), Decimal("3.1")),
    ]  # fmt: skip
    assert (day.holds, day.exits, day.grade) == (2, 1, "GOOD")
    assert day.pnl_percent == pytest.approx(55.0)
    assert day.nearest
    assert (day.nearest.reason, day.nearest.distance_said) == ("PROFIT_TARGET", "due")


def test_a_mark_that_was_lost_at_the_end_is_the_last_known_with_its_time() -> None:
    day = a_day(
        {"decided_at": "10:00", "mark": "2.10"},
        {"decided_at": "10:05", "bid": None, "ask": None},
    )
    assert day.mark
    assert (day.mark.at, day.mark.mark) == (at(10), Decimal("2.1"))
    assert (day.open_pnl, day.grade) == (Decimal(100), "BAD")


@pytest.mark.parametrize(
    ("position", "row", "text", "levels"),
    [
        ({}, {"mark": "2.00"}, "default", {("stop", "1.40"), ("target", "3.00")}),
        ({"side": "SHORT"}, {"mark": "2.00", "side": -1}, "default",
         {("stop", "2.60"), ("target", "1.00")}),
        ({}, {"bid": None, "ask": None}, "default", {("stop", "1.40"), ("target", "3.00")}),
        ({}, {"mark": "2.00", "profit_exited": 5}, "default", {("stop", "1.40")}),
        ({}, {"mark": "2.00"}, "profit_target=off, stop_loss=off, trailing_stop=on", set()),
        ({}, {"mark": "2.00"}, "stop_loss.basis=dollars, stop_loss.dollars_per_contract=50",
         {("stop", "1.50"), ("target", "3.00")}),
    ],
    ids=["a long", "a short", "without a quote", "its target was reached", "rules without a level",
         "a stop in dollars"],
)  # fmt: skip
def test_levels_are_the_prices_at_which_rules_still_wait(
    position: dict[str, Any], row: dict[str, Any], text: str, levels: set[tuple[str, str]]
) -> None:
    found: list[Level] = list(a_day(row, text=text, **position).levels)
    assert {(one.kind, f"{one.price:.2f}") for one in found} == levels


@pytest.mark.parametrize(
    ("held", "left_at", "left"),
    [
        (10, [(10, 0)], 5),
        (10, [(10, 5), (11, 0)], 0),
        (10, [(9, 59)], 10),
        (3, [(10, 0)], 0),
        (10, [], 10),
        (None, [(10, 0)], None),
    ],
    ids=["filled by its decision", "filled twice", "filled before", "more than was held", "nothing",
         "no decision"],
)  # fmt: skip
def test_what_is_held_at_the_end_is_what_the_last_decision_found_less_what_left_since(
    held: int | None, left_at: list[tuple[int, int]], left: int | None
) -> None:
    leavings = [a_leaving(at=at(*time)) for time in left_at]
    assert held_after(held, leavings, at(10)) == left


def test_realised_and_open_pnl_are_of_the_contracts_that_left_and_of_those_that_are_held() -> None:
    left = [a_leaving(at=at(10), contracts=4, price=Decimal("3.00"), costs=Decimal("2.68"))]
    day = a_day({"mark": "3.10"}, leavings=left)
    assert (day.realised, day.net) == (Decimal(400), Decimal("397.32"))
    assert (day.left, day.open_pnl) == (6, Decimal(660))


@pytest.mark.parametrize(
    ("leaving", "realised", "net"),
    [
        ({"price": None}, None, None),
        ({"costs": None}, Decimal(450), None),
    ],
    ids=["no price", "no costs"],
)
def test_pnl_with_a_part_that_nobody_told_is_not_known(
    leaving: dict[str, Any], realised: Decimal | None, net: Decimal | None
) -> None:
    day = a_day({"mark": "2.00"}, leavings=[a_leaving(at=at(10), **leaving)])
    assert (day.realised, day.net) == (realised, net)


def test_a_position_without_a_decision_of_the_day_has_only_what_left() -> None:
    nothing = a_random_day(1).decisions.take(np.array([], np.intp))
    (day,) = position_days([a_position()], [a_leaving(reason="EXPIRED")], nothing)
    assert (day.points, day.rules, day.left, day.mark, day.open_pnl) == ([], (), None, None, None)
    assert day.realised == Decimal(450)
    assert (day.nearest, day.pnl_percent, day.grade) == (None, None, None)


def test_what_left_first_goes_first_and_then_what_is_nearest_to_leaving() -> None:
    rows = [ENTRY | {"mark": mark} for mark in ("2.10", "1.50", "2.80", "2.00", "2.00")]
    names = ["far", "stop", "target", "late", "early"]
    leavings = [a_leaving("late", at=at(12)), a_leaving("early", at=at(11))]
    days = position_days(
        [a_position(one) for one in names], leavings, recorded(a_book(*rows), names)
    )
    assert [day.position.id for day in days] == ["early", "late", "stop", "target", "far"]


def test_faults_of_quotes_are_counted_by_their_flag_apart_from_what_was_still_used() -> None:
    book = a_book(
        ENTRY | {"bid": None, "ask": None},
        ENTRY | {"bid": None, "ask": None},
        ENTRY | {"bid": "1.00", "ask": "3.00", "bid_size": 0},
        ENTRY | {"mark": "2.00"},
    )
    found = refused_quotes(recorded(book, ["a", "b", "b", "c"]))
    assert [(QuoteFlag(one.flag), one.refused, one.degraded, one.positions) for one in found] == [
        (QuoteFlag.MISSING, 2, 0, 2), (QuoteFlag.WIDE, 0, 1, 1), (QuoteFlag.NO_SIZE, 0, 1, 1),
    ]  # fmt: skip
    assert refused_quotes(recorded(a_book(ENTRY), ["a"])) == []


def test_a_policy_that_this_version_cannot_read_leaves_its_rules_out_and_not_the_path() -> None:
    """A day whose policies are all of another version ended in a traceback."""
    decisions = a_random_day(1).decisions
    (policy,) = decisions.policies
    foreign = replace(decisions, policies=[replace(policy, text='{"name": "x"}')])
    (day,) = position_days([a_position("p000")], [], foreign)
    assert (len(day.points), list(day.rules), list(day.levels)) == (78, [], [])
