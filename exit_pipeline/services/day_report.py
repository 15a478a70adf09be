"""Everything that a person asks of a trading day, read from the record."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from exit_pipeline.core.model.day_record import DayAlert, DayOrder, DayRecord, DayTick
from exit_pipeline.core.model.lines import SEVERITIES
from exit_pipeline.core.model.record import RunStatus
from exit_pipeline.core.model.recorded import RecordedRange
from exit_pipeline.core.model.session import Session
from exit_pipeline.ports import Database
from exit_pipeline.services.day_positions import (
    PathPoint,
    PositionDay,
    RefusedQuotes,
    position_days,
    refused_quotes,
)
from exit_pipeline.services.day_request import ReportedDay
from exit_pipeline.services.day_ticks import TickCounts, count_ticks, spans_of

SCHEDULED: Final = frozenset({"paper", "live"})
"""Environments that a schedule works; the others are worked from tapes and by hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonSum:
    """What left for one reason; money in dollars, None as soon as a part of it is not known.

    Attributes:
        reason: The rule's name in capitals, or how contracts ended without an order.
        positions: How many positions it left.
        contracts: How many contracts.
        realised: Before costs.
        net: Less costs.
        slippage: Of its orders, against the mid that they were decided on.
    """

    reason: str
    positions: int
    contracts: int
    realised: Decimal | None
    net: Decimal | None
    slippage: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DaySummary:
    """The day in a few figures; money in dollars.

    Attributes:
        realised: On what left, before costs, against its entry; without contracts that nobody told
            a price of.
        net: Less costs.
        unpriced: Contracts that left at a price, or with costs, that nobody told.
        open_pnl: On what was held at the end, each at its last mark.
        unmarked: Positions that are held and have no mark; they are not in `open_pnl`.
        day_pnl: Sum over accounts of what they gained since the session before, at their last
            tick that knows it; None where none does.
        held: Positions that were held at the end.
        left: Positions of which contracts left.
        contracts: How many contracts left.
        holds: Decisions to hold.
        exits: Decisions to leave; one exit may be due at many ticks.
        orders: Exit orders sent or to be sent.
        denied: Exit orders that the last gate refused.
        slippage: Of all fills, against the mids that they were decided on; None without any.
        alerts: Alerts of the day that nobody has acknowledged, by severity, all of them named.
    """

    realised: Decimal
    net: Decimal
    unpriced: int
    open_pnl: Decimal
    unmarked: int
    day_pnl: Decimal | None
    held: int
    left: int
    contracts: int
    holds: int
    exits: int
    orders: int
    denied: int
    slippage: Decimal | None
    alerts: Mapping[str, int]

    @property
    def sentence(self) -> str:
        """The day in one sentence.

        Example: "-115.12 dollars realised after costs, +2,111.00 open; 30 contracts left 14
        positions, 6 are held; 0 orders denied, 1 alert that nobody has acknowledged."
        """
        alerts = sum(self.alerts.values())
        return (
            f"{self.net:+,.2f} dollars realised after costs, {self.open_pnl:+,.2f} open; "
            f"{_count(self.contracts, 'contract')} left {_count(self.left, 'position')}, "
            f"{self.held} {'is' if self.held == 1 else 'are'} held; "
            f"{_count(self.denied, 'order')} denied, "
            f"{_count(alerts, 'alert')} that nobody has acknowledged."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DayReport:
    """One trading day.

    Attributes:
        session: Its trading hours.
        environment: Where it was traded.
        accounts: Whose it is.
        sources: Names of the market data that ticks saw.
        made_at: When the report was made.
        last_tick_at: The last tick that was worked; None without any.
        pnl: What all accounts together gained since the session before, by tick; a tick at which
            that is not known of each has None.
        summary: The day in a few figures.
        positions: Those with an exit first, then the nearest to one.
        orders: By time.
        not_sent: Positions that were due and of which there is no order of the day.
        reasons: What left, by reason, the most contracts first.
        ticks: Whether ticks came.
        missed: Spans of ticks that did not come, first and last.
        quotes: Faults of quotes.
        left_out: Decisions that can't be shown, by the reason.
        alerts: The newest first.
        others: What else is recorded of the day, such as "simulated/sample".
    """

    session: Session
    environment: str
    accounts: Sequence[str]
    sources: Sequence[str]
    made_at: datetime
    last_tick_at: datetime | None
    pnl: Sequence[PathPoint]
    summary: DaySummary
    positions: Sequence[PositionDay]
    orders: Sequence[DayOrder]
    not_sent: Sequence[PositionDay]
    reasons: Sequence[ReasonSum]
    ticks: TickCounts
    missed: Sequence[tuple[datetime, datetime]]
    quotes: Sequence[RefusedQuotes]
    left_out: Mapping[str, int]
    alerts: Sequence[DayAlert]
    others: Sequence[str]


def report_day(
    chosen: ReportedDay,
    scheduled: Iterable[datetime],
    *,
    database: Database,
    at: datetime,
) -> DayReport:
    """Read a day.

    Args:
        chosen: From ``choose_day``.
        scheduled: Times of the schedule within the session.
        database: What is kept.
        at: Now: what was due later counts as neither run nor missed.

    Raises:
        UnavailableError: The database did not answer.
    """
    asked, session = chosen.asked, chosen.session
    record = database.day.record(asked)
    decided = RecordedRange(
        start=asked.start, end=asked.end, environment=asked.environment, dry_run=False
    )
    recorded = database.replays.recorded_of(decided, [one.id for one in record.positions])
    days = position_days(record.positions, record.leavings, recorded)
    due = [one for one in scheduled if one < at]
    ticks = count_ticks(record.ticks, due if asked.environment in SCHEDULED else None)
    worked = [tick for tick in record.ticks if tick.status == RunStatus.SUCCEEDED]
    asked_for = {order.position_id for order in record.orders}
    return DayReport(
        session=session,
        environment=asked.environment,
        accounts=sorted({tick.account for tick in record.ticks}),
        sources=sorted({tick.market_source for tick in record.ticks if tick.market_source}),
        made_at=at,
        last_tick_at=max((tick.tick_at for tick in worked), default=None),
        pnl=_pnl(worked),
        summary=_summary(record, days),
        positions=days,
        orders=record.orders,
        not_sent=[day for day in days if day.exits and day.position.id not in asked_for],
        reasons=_reasons(record, days),
        ticks=ticks,
        missed=spans_of(ticks.missed, due),
        quotes=refused_quotes(recorded),
        left_out=recorded.left_out,
        alerts=record.alerts,
        others=chosen.others,
    )


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _summary(record: DayRecord, days: Sequence[PositionDay]) -> DaySummary:
    entries = {day.position.id: day.position for day in days}
    priced = [(one, one.price) for one in record.leavings if one.price is not None]
    realised = [entries[one.position_id].gain(price, one.contracts) for one, price in priced]
    last = {tick.account: tick.day_pnl for tick in record.ticks if tick.day_pnl is not None}
    held = [day for day in days if day.left]
    slipped = [one.slippage for one in record.orders if one.slippage is not None]
    open_alerts = Counter(one.severity for one in record.alerts if one.acknowledged_at is None)
    return DaySummary(
        realised=sum(realised, Decimal(0)),
        net=sum(realised, Decimal(0)) - sum((one.costs or Decimal(0) for one, _ in priced)),
        unpriced=sum(
            one.contracts for one in record.leavings if one.price is None or one.costs is None
        ),
        open_pnl=sum((day.open_pnl for day in held if day.open_pnl is not None), Decimal(0)),
        unmarked=sum(day.open_pnl is None for day in held),
        day_pnl=_sum(last.values()) if last else None,
        held=len(held),
        left=sum(bool(day.leavings) for day in days),
        contracts=sum(one.contracts for one in record.leavings),
        holds=sum(day.holds for day in days),
        exits=sum(day.exits for day in days),
        orders=sum(order.status != "DENIED" for order in record.orders),
        denied=sum(order.status == "DENIED" for order in record.orders),
        slippage=sum(slipped, Decimal(0)) if slipped else None,
        alerts={severity: open_alerts[severity] for severity in SEVERITIES},
    )


def _pnl(worked: Sequence[DayTick]) -> list[PathPoint]:
    by_time: dict[datetime, list[Decimal | None]] = {}
    for tick in worked:
        if tick.is_scheduled:
            by_time.setdefault(tick.tick_at, []).append(tick.day_pnl)
    return [PathPoint(at=at, mark=_sum(values)) for at, values in by_time.items()]


def _reasons(record: DayRecord, days: Sequence[PositionDay]) -> list[ReasonSum]:
    whose = {day.position.id: day.position for day in days}
    contracts: Counter[str] = Counter()
    for one in record.leavings:
        contracts[one.reason] += one.contracts
    found = []
    for reason, count in contracts.most_common():
        left = [one for one in record.leavings if one.reason == reason]
        gross = _sum(
            None if one.price is None else whose[one.position_id].gain(one.price, one.contracts)
            for one in left
        )
        costs = _sum(one.costs for one in left)
        filled = [one for one in record.orders if one.exit_reason == reason and one.filled_quantity]
        found.append(
            ReasonSum(
                reason=reason,
                positions=len({one.position_id for one in left}),
                contracts=count,
                realised=gross,
                net=None if gross is None or costs is None else gross - costs,
                slippage=_sum(one.slippage for one in filled) if filled else None,
            )
        )
    return found


def _sum(values: Iterable[Decimal | None]) -> Decimal | None:
    """None as soon as one part is not known: a sum of the rest would look like the whole."""
    total = Decimal(0)
    for value in values:
        if value is None:
            return None
        total += value
    return total
