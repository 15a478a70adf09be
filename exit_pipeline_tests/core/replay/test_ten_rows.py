"""Ten recorded rows of two positions, and every number that a what-if makes of them, by hand.

A was bought at 2.00, 10 contracts, on 2026-03-16 at 11:00; B was sold at 2.00, 2 contracts, at the
same time. The recorded policy takes half at +50 % and stops at -30 %; the other one takes half at
+40 % and stops at -20 %. Bid and ask lie a cent below and above the mid.

    row  position  time         mid   P&L     as recorded          under the other policy
    0    A         18th 10:00   2.20  +10 %
    1    A         10:05        2.85  +42.5 %                      5 at the bid of 2.84
    2    A         10:10        3.05  +52.5 % 5 at the bid of 3.04
    3    A         10:15        no bid
    4    A         10:20        1.58  -21 %                        5 at the bid of 1.57
    5    A         10:25        1.70  -15 %
    6    A         19th 10:00   1.35  -32.5 % 5 at the bid of 1.34
    7    B         18th 10:00   1.90  +5 %
    8    B         10:05        1.15  +42.5 %                      1 at the ask of 1.16
    9    B         10:10        1.25  +37.5 % 2 left, ask 1.26     1 left, ask 1.26
"""

import numpy as np
import pytest

from exit_pipeline.core.engine.decide import decide
from exit_pipeline.core.replay.comparison import Change, Comparison
from exit_pipeline.core.replay.exits import NO_ROW
from exit_pipeline.core.replay.follow_policy import follow_policies
from exit_pipeline.core.replay.paths import Paths
from exit_pipeline.core.replay.recorded_exits import Told, recorded_exits
from exit_pipeline.core.replay.result import Result
from exit_pipeline.policies import parse_policy
from exit_pipeline_tests.builders import a_book, micros

RECORDED = parse_policy()
OTHER = parse_policy("profit_target.percent=40, stop_loss.percent=20")
A = {"quantity": 10}
LATER = {"session_close": "2026-03-19 16:00", "days_in_trade": 3}
B = {"quantity": 2, "side": -1}
BOOK = a_book(
    A | {"decided_at": "10:00", "mark": "2.20"},
    A | {"decided_at": "10:05", "mark": "2.85"},
    A | {"decided_at": "10:10", "mark": "3.05"},
    # Of the 5 that were to be sold at 10:10, 3 had filled, and 5 a tick later.
    A | {"decided_at": "10:15", "bid": None, "ask": "3.00", "profit_exited": 3},
    A | {"decided_at": "10:20", "mark": "1.58", "profit_exited": 5},
    A | {"decided_at": "10:25", "mark": "1.70", "profit_exited": 5},
    A | {"decided_at": "2026-03-19 10:00", "mark": "1.35", "profit_exited": 5, **LATER},
    B | {"decided_at": "10:00", "mark": "1.90"},
    B | {"decided_at": "10:05", "mark": "1.15"},
    B | {"decided_at": "10:10", "mark": "1.25"},
    entry_price="2.00",
    entry_time="2026-03-16 11:00",
)
PATHS = Paths.of(BOOK, np.array(["A"] * 7 + ["B"] * 3))
HOUR = 1 / 24


@pytest.fixture(scope="module")
def exits():
    """As recorded, and under the other policy."""
    told = Told.of_decisions(decide(BOOK, [RECORDED]), [RECORDED], BOOK.policy)
    return recorded_exits(PATHS, told), *follow_policies(PATHS, [OTHER])


@pytest.fixture(scope="module")
def comparison(exits):
    return Comparison.of(*(Result.of(PATHS, one) for one in exits))


def told(exits):
    return [
        (row, quantity, exits.reasons[reason])
        for row, quantity, reason in zip(
            exits.row.tolist(), exits.quantity.tolist(), exits.reason.tolist(), strict=True
        )
    ]


def dollars(units):
    return (np.asarray(units) / 10_000).tolist()


def test_the_exits_are_those_of_the_table(exits):
    recorded, other = exits
    assert told(recorded) == [(2, 5, "PROFIT_TARGET"), (6, 5, "STOP_LOSS")]
    assert told(other) == [(1, 5, "PROFIT_TARGET"), (4, 5, "STOP_LOSS"), (8, 1, "PROFIT_TARGET")]
    for one in exits:
        assert one.held.tolist() == [10, 2]
        assert one.worth.tolist() == [6, 9]


def test_the_recorded_policy_followed_makes_the_recorded_exits(exits):
    (followed,) = follow_policies(PATHS, [RECORDED])
    assert told(followed) == told(exits[0])


def test_each_contract_brings_its_price_less_its_fee(comparison):
    was, now = comparison.baseline.lots, comparison.policy.lots
    assert was.row.tolist() == [2, 6, NO_ROW]
    assert was.contracts.tolist() == [5, 5, 2]
    # (3.04 - 2.00) x 100 - 0.67, (1.34 - 2.00) x 100 - 0.67, and (2.00 - 1.26) x 100 unsold.
    assert dollars(was.gain) == [103.33, -66.67, 74.00]
    assert now.row.tolist() == [1, 4, 8, NO_ROW]
    assert now.contracts.tolist() == [5, 5, 1, 1]
    assert dollars(now.gain) == [83.33, -43.67, 83.33, 74.00]
    times = ("10:05", "10:20", "10:05", "10:10")
    assert now.at.tolist() == [micros(time) for time in times]


def test_each_position_adds_up(comparison):
    was, now = comparison.baseline, comparison.policy
    # 516.65 - 333.35, and 416.65 - 218.35.
    assert dollars(was.realised) == [183.30, 0]
    assert dollars(was.open_gain) == [0, 148.00]
    assert was.left.tolist() == [0, 2]
    assert dollars(now.realised) == [198.30, 83.33]
    assert dollars(now.open_gain) == [0, 74.00]
    assert now.left.tolist() == [0, 1]
    assert dollars(comparison.difference) == [15.00, 9.33]
    # From 11:00 on the 16th: 47:10 and 71:00 hours; 47:05 and 47:20; B is held to 10:10.
    assert was.days_held == pytest.approx([(47 + 10 / 60 + 71) / 2 * HOUR, (47 + 10 / 60) * HOUR])
    now_b = (47 + 5 / 60 + 47 + 10 / 60) / 2 * HOUR
    assert now.days_held == pytest.approx([(47 + 12.5 / 60) * HOUR, now_b])


def test_the_totals_add_up(comparison):
    was, now = comparison.totals()
    assert (was.positions, was.exits, was.contracts, was.winners) == (2, 2, 10, 2)
    assert (now.positions, now.exits, now.contracts, now.winners) == (2, 3, 11, 2)
    assert dollars([was.realised, was.open_gain, was.pnl]) == [183.30, 148.00, 331.30]
    assert dollars([now.realised, now.open_gain, now.pnl]) == [281.63, 74.00, 355.63]
    assert (was.open_positions, was.open_contracts) == (1, 2)
    assert (now.open_positions, now.open_contracts) == (1, 1)
    assert was.expectancy == pytest.approx(165.65)
    assert now.expectancy == pytest.approx(177.815)
    # At 10:10 on the 18th A has 516.65 and B stands at 148.00; on the 19th A loses 333.35.
    assert dollars(was.drawdown) == 333.35
    # 499.98 at 10:05, with B's last contract 573.98 at 10:10, and 218.35 less at 10:20.
    assert dollars(now.drawdown) == 218.35
    assert was.days_held == pytest.approx(
        (5 * (47 + 10 / 60) + 5 * 71 + 2 * (47 + 1 / 6)) / 12 / 24
    )


def test_each_exit_is_kept_earlier_later_added_or_dropped(comparison):
    pieces = comparison.pieces
    assert pieces.path.tolist() == [0, 0, 1, 1]
    assert pieces.contracts.tolist() == [5, 5, 1, 1]
    assert pieces.change.tolist() == [Change.EARLIER, Change.EARLIER, Change.ADDED, Change.OPEN]
    assert comparison.changes[:, Change.EARLIER].tolist() == [10, 0]
    assert comparison.changes[:, Change.ADDED].tolist() == [0, 1]
    assert comparison.changes[:, Change.OPEN].tolist() == [0, 1]
    assert comparison.changes.sum() == 12


def test_each_reason_goes_over_into_another(comparison):
    table = comparison.by_reason()
    target, stop, held = (
        table.reasons.index("PROFIT_TARGET"), table.reasons.index("STOP_LOSS"), len(table.reasons)
    )  # fmt: skip
    assert table.contracts[target, target] == 5
    assert table.contracts[stop, stop] == 5
    assert table.contracts[held, target] == 1
    assert table.contracts[held, held] == 1
    assert table.contracts.sum() == 12
    assert dollars(table.difference[target, target]) == -100.00
    assert dollars(table.difference[stop, stop]) == 115.00
    assert dollars(table.difference[held, target]) == 9.33
    assert table.difference.sum() == comparison.differences().sum() == 243_300
