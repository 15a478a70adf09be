"""The path of each position over a day, and where its rules stood at its end."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

import numpy as np

from exit_pipeline.core.engine.explain import RuleLine, RuleState
from exit_pipeline.core.model.day_record import DayPosition, Leaving
from exit_pipeline.core.model.instant import to_datetime
from exit_pipeline.core.model.outcome_columns import NOT_STORED
from exit_pipeline.core.model.price import to_dollars
from exit_pipeline.core.model.quote import QuoteFlag, QuoteGrade
from exit_pipeline.core.model.recorded import RecordedDecisions
from exit_pipeline.services.last_rules import last_rules

LEVELS: Final = {"STOP_LOSS": "stop", "BREAK_EVEN_STOP": "stop", "PROFIT_TARGET": "target"}
"""What a rule's threshold is on a picture, of those whose threshold is a P&L in percent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PathPoint:
    """A position at one decision; the mark in dollars per share, None where there was none."""

    at: datetime
    mark: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A price at which a rule leaves.

    Attributes:
        kind: ``stop`` or ``target``.
        reason: The rule's name in capitals.
        price: Dollars per share, as it stood at the last decision.
    """

    kind: str
    reason: str
    price: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionDay:
    """One position over the day; money in dollars, None where not known.

    Attributes:
        position: What it is.
        points: Its decisions, by time.
        rules: Every rule at the last decision, the nearest first; empty where none is kept.
        levels: Prices at which rules leave.
        leavings: Contracts that left, by time.
        holds: Decisions to hold.
        exits: Decisions to leave, of which one may be due at many ticks.
        grade: Of the last quote; None without a decision.
        left: Contracts held at the end; None where nothing tells.
        mark: The last known, with its time.
        open_pnl: On what was held at the end at that mark.
        realised: On what left, before costs.
        net: The same, less costs.
    """

    position: DayPosition
    points: Sequence[PathPoint]
    rules: Sequence[RuleLine]
    levels: Sequence[Level]
    leavings: Sequence[Leaving]
    holds: int
    exits: int
    grade: str | None
    left: int | None
    mark: PathPoint | None
    open_pnl: Decimal | None
    realised: Decimal | None
    net: Decimal | None

    @property
    def pnl_percent(self) -> float | None:
        """P&L per share at the last mark on the entry price, percent; None without a mark.

        Example: entry 1.90 and mark 1.33 are -30.
        """
        if self.mark is None or self.mark.mark is None:
            return None
        # What a contract gains on its 100 shares, over the price of one share, is in percent.
        return float(self.position.gain(self.mark.mark, 1) / self.position.entry_price)

    @property
    def nearest(self) -> RuleLine | None:
        """The rule that decided last, or that came nearest; None where none could be judged."""
        first = next(iter(self.rules), None)
        return None if first is None or first.state is RuleState.NOT_EVALUABLE else first


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedQuotes:
    """How often quotes had a fault; one with several counts for each.

    Attributes:
        flag: Bit of ``QuoteFlag``.
        refused: Quotes that were BAD, so that neither profit nor stop was judged.
        degraded: Quotes that were DEGRADED.
        positions: How many positions had it.
    """

    flag: int
    refused: int
    degraded: int
    positions: int


def position_days(
    positions: Sequence[DayPosition], leavings: Sequence[Leaving], recorded: RecordedDecisions
) -> list[PositionDay]:
    """The day of each position: those with an exit first, then the nearest to one.

    Args:
        positions: The positions.
        leavings: What left them.
        recorded: Their decisions, by position and time.
    """
    codes, ids = recorded.position_codes()
    bounds = np.searchsorted(codes, np.arange(len(ids) + 1))
    rows_of = {one: (int(bounds[n]), int(bounds[n + 1])) for n, one in enumerate(ids)}
    rules = last_rules(recorded)
    left: dict[str, list[Leaving]] = {}
    for one in leavings:
        left.setdefault(one.position_id, []).append(one)
    days = [
        _day(
            one, recorded, rows_of.get(one.id, (0, 0)), rules.get(one.id, ()), left.get(one.id, [])
        )
        for one in positions
    ]
    return sorted(days, key=_importance)


def _importance(day: PositionDay) -> tuple[bool, float, float, str]:
    """What left first goes first; then what is nearest to leaving."""
    first = min((one.at.timestamp() for one in day.leavings), default=math.inf)
    near = day.nearest
    progress = near.progress if near and not math.isnan(near.progress) else -1.0
    return not day.leavings, first, -progress, day.position.id


def _day(
    position: DayPosition,
    recorded: RecordedDecisions,
    rows: tuple[int, int],
    rules: Sequence[RuleLine],
    leavings: Sequence[Leaving],
) -> PositionDay:
    start, end = rows
    points = [
        PathPoint(at=at, mark=to_dollars(mark))
        for at, mark in zip(
            map(_time, recorded.book.decided_at[start:end].tolist()),
            recorded.outcome.mark[start:end].tolist(),
            strict=True,
        )
    ]
    exits = int((recorded.outcome.decision[start:end] == 1).sum())
    held = int(recorded.book.open_quantity[end - 1]) if points else None
    left = held_after(held, leavings, points[-1].at if points else None)
    mark = next((one for one in reversed(points) if one.mark is not None), None)
    realised, net = _realised(position, leavings)
    return PositionDay(
        position=position,
        points=points,
        rules=rules,
        levels=_levels(position, rules),
        leavings=leavings,
        holds=len(points) - exits,
        exits=exits,
        grade=QuoteGrade(int(recorded.outcome.quote_grade[end - 1])).name if points else None,
        left=left,
        mark=mark,
        open_pnl=_open_pnl(position, left, mark),
        realised=realised,
        net=net,
    )


def _time(micros: int) -> datetime:
    at = to_datetime(micros)
    if at is None:
        message = "a recorded decision has its time"
        raise TypeError(message)
    return at


def held_after(held: int | None, leavings: Sequence[Leaving], at: datetime | None) -> int | None:
    """Contracts that are left of what a decision found held, at the end of the day.

    Args:
        held: At that decision; None without any.
        leavings: What left on the day.
        at: The decision's time: what left before it is no longer among `held`.

    Example: of 10 held at 10:00, of which 5 were filled at 10:00 and 2 closed at 11:00, 3 are left.
    """
    if held is None or at is None:
        return None
    return max(held - sum(one.contracts for one in leavings if one.at >= at), 0)


def _open_pnl(position: DayPosition, left: int | None, mark: PathPoint | None) -> Decimal | None:
    if left == 0:
        return Decimal(0)
    if left is None or mark is None or mark.mark is None:
        return None
    return position.gain(mark.mark, left)


def _realised(
    position: DayPosition, leavings: Sequence[Leaving]
) -> tuple[Decimal | None, Decimal | None]:
    """Before and after costs; None as soon as a price, or for the second a cost, is not known."""
    gross: Decimal | None = Decimal(0)
    costs: Decimal | None = Decimal(0)
    for one in leavings:
        gain = None if one.price is None else position.gain(one.price, one.contracts)
        gross = None if gross is None or gain is None else gross + gain
        costs = None if costs is None or one.costs is None else costs + one.costs
    return gross, None if gross is None or costs is None else gross - costs


def _levels(position: DayPosition, rules: Sequence[RuleLine]) -> list[Level]:
    """The prices of thresholds that are a P&L in percent, where the rule still waits for them.

    Example: a stop at -30 % of an entry at 1.90 is 1.33; of a short sold at 2.00 it is 2.60.
    """
    sign = 1 if position.side == "LONG" else -1
    found = []
    for line in rules:
        is_over = line.state is RuleState.NOT_FIRED and math.isnan(line.distance)
        if line.reason in LEVELS and not is_over and not math.isnan(line.threshold):
            share = Decimal(str(round(line.threshold, 4))) / 100
            price = position.entry_price * (1 + sign * share)
            found.append(Level(kind=LEVELS[line.reason], reason=line.reason, price=price))
    return found


def refused_quotes(recorded: RecordedDecisions) -> list[RefusedQuotes]:
    """Faults of quotes by their flag, the most frequent refusal first."""
    flags, grades = recorded.outcome.quote_flags, recorded.outcome.quote_grade
    refused: Counter[int] = Counter()
    degraded: Counter[int] = Counter()
    whose: dict[int, int] = {}
    codes, _ = recorded.position_codes()
    for bit in map(int, QuoteFlag):
        has = (flags != NOT_STORED) & (flags & bit != 0)
        if has.any():
            refused[bit] = int((has & (grades == QuoteGrade.BAD)).sum())
            degraded[bit] = int((has & (grades == QuoteGrade.DEGRADED)).sum())
            whose[bit] = len(np.unique(codes[has]))
    found = [
        RefusedQuotes(flag=bit, refused=refused[bit], degraded=degraded[bit], positions=count)
        for bit, count in whose.items()
        if refused[bit] or degraded[bit]
    ]
    return sorted(found, key=lambda one: (-one.refused, -one.degraded, one.flag))
