"""How every position stands right now, for a person who looks on; nothing is changed."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from exit_pipeline.core.engine.explain import RuleLine, RuleState
from exit_pipeline.core.model.control import TradingControl
from exit_pipeline.core.model.lines import AccountOverview, AlertLine, OrderLine, PositionLine
from exit_pipeline.core.model.position import UNASSIGNED
from exit_pipeline.core.model.recorded import RecordedRange
from exit_pipeline.ports import Calendar, Database
from exit_pipeline.services.day_positions import LEVELS
from exit_pipeline.services.heartbeat import Overdue, overdue
from exit_pipeline.services.last_rules import last_rules

_DAY: Final = timedelta(days=1)

Place = tuple[str, str]
"""Environment and account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedPosition:
    """An open position.

    Attributes:
        line: As it stands, with the mark of its last tick.
        rules: Every rule at its last decision, the nearest first; empty before the first one.
    """

    line: PositionLine
    rules: Sequence[RuleLine]

    @property
    def nearest(self) -> RuleLine | None:
        """The rule that is due or nearest; None where none could be judged."""
        first = next(iter(self.rules), None)
        return None if first is None or first.state is RuleState.NOT_EVALUABLE else first

    @property
    def pnl_percent(self) -> float | None:
        """P&L at the mark on the entry price, percent; None without a mark.

        Example: a long bought at 1.90 with a mark of 1.33 is at -30, a short sold there at +30.
        """
        mark, entry = self.line.current_price, self.line.entry_price
        if mark is None:
            return None
        sign = 1 if self.line.side == "LONG" else -1
        return float(sign * (mark - entry) / entry * 100)

    def dollars_to(self, rule: RuleLine) -> Decimal | None:
        """Dollars that all held contracts have yet to gain or lose until a stop or a target.

        None of a rule that is no P&L in percent of the entry, and where it was not judged. 1 % of
        the entry price of a share is the entry price in dollars on a contract of 100. Example: with
        5 contracts entered at 1.90, 6.9 % are 65.55.
        """
        if rule.reason not in LEVELS or not math.isfinite(rule.distance):
            return None
        missing = Decimal(str(round(rule.distance, 4)))
        return missing * self.line.entry_price * self.line.open_quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """Everything at one moment.

    Attributes:
        at: When it was read.
        control: The switch.
        market_closed: Why the market is closed; None while it is open.
        accounts: How each account stands.
        late: Accounts that no good tick has looked at for too long.
        positions: Open positions by environment and account, the nearest to an exit first.
        orders: Exit orders that may still fill, the newest first.
        alerts: What nobody has acknowledged, the newest first.
    """

    at: datetime
    control: TradingControl
    market_closed: str | None
    accounts: Sequence[AccountOverview]
    late: Sequence[Overdue]
    positions: Mapping[Place, Sequence[WatchedPosition]]
    orders: Sequence[OrderLine]
    alerts: Sequence[AlertLine]

    @property
    def last_tick_at(self) -> datetime | None:
        """The newest good tick of any account; None without any."""
        ticks = [one.last_tick_at for one in self.accounts if one.last_tick_at is not None]
        return max(ticks, default=None)


def look(*, database: Database, calendar: Calendar, at: datetime) -> Watched:
    """Read how everything stands.

    Args:
        database: What is kept.
        calendar: The exchange's sessions.
        at: Now.

    Raises:
        UnavailableError: The database did not answer.
    """
    accounts = database.runs.overview()
    held: dict[Place, list[PositionLine]] = {}
    for line in database.positions.listing():
        if line.status == "OPEN":
            place = (line.environment or "paper", line.account or UNASSIGNED)
            held.setdefault(place, []).append(line)
    ticks = {(one.environment, one.account): one.last_tick_at for one in accounts}
    return Watched(
        at=at,
        control=database.control.read(),
        market_closed=calendar.why_closed(at),
        accounts=accounts,
        late=overdue(accounts, calendar=calendar, at=at),
        positions={
            place: _watched(lines, place[0], ticks.get(place), database, at)
            for place, lines in sorted(held.items())
        },
        orders=database.orders.listing(only_live=True),
        alerts=database.runs.alerts(only_open=True),
    )


def _watched(
    lines: Sequence[PositionLine],
    environment: str,
    last_tick_at: datetime | None,
    database: Database,
    at: datetime,
) -> list[WatchedPosition]:
    rules: Mapping[str, Sequence[RuleLine]] = {}
    if last_tick_at is not None:
        asked = RecordedRange(
            start=last_tick_at,
            end=max(at, last_tick_at) + _DAY,
            environment=environment,
            dry_run=False,
        )
        ids = [line.id for line in lines]
        rules = last_rules(database.replays.recorded_of(asked, ids))
    found = [WatchedPosition(line=line, rules=rules.get(line.id, ())) for line in lines]
    return sorted(found, key=lambda one: (-_progress(one), one.line.id))


def _progress(one: WatchedPosition) -> float:
    near = one.nearest
    return -1.0 if near is None or math.isnan(near.progress) else near.progress
