"""Open option positions as they are kept."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from exit_pipeline.core.model.contract import OptionContract
from exit_pipeline.core.model.direction import Direction
from exit_pipeline.core.model.market_state import Regime

_INTRADAY: Final = re.compile(
    r"\s*\d+\s*(?:m|min|mins|minute|minutes|h|hr|hrs|hour|hours)?\s*", re.ASCII | re.IGNORECASE
)
_MONTHS: Final = frozenset({"1M", "3M", "6M", "12M"})


UNASSIGNED: Final = "unassigned"
"""The account of positions that no broker has yet: decided, never sent."""


class PositionSide(StrEnum):
    """LONG holds the contract, SHORT has sold it."""

    LONG = "LONG"
    SHORT = "SHORT"


class CloseKind(StrEnum):
    """How a position ended."""

    EXIT = "EXIT"
    EXPIRED = "EXPIRED"
    ASSIGNED = "ASSIGNED"
    EXERCISED = "EXERCISED"
    EXTERNAL = "EXTERNAL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """One row of ``refactored_positions`` that is still open.

    Attributes:
        id: The user's own key.
        broker: Name of the broker that holds it; None until it is adopted.
        environment: Where it lives: ``paper``, ``live``, ``tape`` or ``simulated``.
        account: The broker's account; None until it is adopted.
        contract: The option; None where the row does not tell which one.
        underlying: Ticker.
        side: LONG or SHORT.
        quantity: Contracts opened.
        exited_quantity: Contracts already closed, from fills.
        reserved_quantity: Contracts in a live exit order.
        profit_exited_quantity: Contracts closed by profit-target orders, from fills.
        entry_price: Dollars per share.
        entry_time: When it was opened.
        timeframe: Of the strategy, such as ``15m``, ``1h`` or ``1d``.
        policy: Name or overrides of the position's own policy; None follows the default.
        gex_latched: A gamma flip against the position is due and not yet filled.
        previous_mid: Mid at the tick before, dollars per share.
        previous_mid_at: Time of that tick.
        high_water_mark: Best mark seen of a GOOD quote, dollars per share.
        rule_hits: For how many ticks in a row each rule had fired at the tick before, in the order
            of the policy whose hash is `rule_hits_policy`; empty where none had.
        rule_hits_policy: Under another policy the counts mean nothing.
        entry_iv: Implied volatility when it was first seen, per year.
        entry_regime: Regime at entry, or when it was first seen; None where not known.
        entry_gex: Direction of the gamma signal in force at entry, or of the first one after it.
        last_mark: Mark of the newest tick that had one, dollars per share.
        carried_pnl: P&L that it had when it was first marked, where it was entered before that
            session, dollars; None as long as it was never marked.
        managed: Whether its exits may be sent; false for what was imported from a broker's account
            and not adopted.
        spread_leg: It is probably a leg of a spread, so that it is not closed singly.
        imported_at: When an import from the broker's account first saw it; None for what came
            another way.
    """

    id: str
    broker: str | None
    environment: str | None
    account: str | None
    contract: OptionContract | None
    underlying: str
    side: PositionSide
    quantity: int
    exited_quantity: int = 0
    reserved_quantity: int = 0
    profit_exited_quantity: int = 0
    entry_price: Decimal
    entry_time: datetime
    timeframe: str | None = None
    policy: str | None = None
    gex_latched: bool = False
    previous_mid: Decimal | None = None
    previous_mid_at: datetime | None = None
    high_water_mark: Decimal | None = None
    rule_hits: Sequence[int] = ()
    rule_hits_policy: str | None = None
    entry_iv: float | None = None
    entry_regime: Regime | None = None
    entry_gex: Direction = Direction.NONE
    last_mark: Decimal | None = None
    carried_pnl: Decimal | None = None
    managed: bool = True
    spread_leg: bool = False
    imported_at: datetime | None = None

    @property
    def open_quantity(self) -> int:
        """Contracts still held."""
        return self.quantity - self.exited_quantity

    @property
    def held_since(self) -> datetime:
        """When it was entered, or first seen at the broker where that was later."""
        return max(self.entry_time, self.imported_at or self.entry_time)

    @property
    def is_intraday(self) -> bool:
        """Whether the strategy's timeframe is minutes or hours; a bare number is minutes.

        ``1m`` is a minute and ``1M`` a month, as charting programs write them; ``15M``, which is no
        charting interval of months, is 15 minutes.
        """
        timeframe = (self.timeframe or "").strip()
        return timeframe not in _MONTHS and bool(_INTRADAY.fullmatch(timeframe))

    @property
    def is_adopted(self) -> bool:
        """Whether a broker, an environment and an account are known, as sending it needs."""
        return None not in (self.broker, self.environment, self.account)

    def opposite_legs(self, among: Iterable["Position"]) -> list["Position"]:
        """Positions that would make it a leg of a spread.

        Those are of the other side, on the same underlying and expiration, in the same account of
        the same broker. Example: of a long and a short call of ACME that expire on one day, each
        is the other's opposite leg, whatever their strikes.
        """
        return [other for other in among if self._leg == other._leg and self.side != other.side]

    def say_spread(self, among: Iterable["Position"]) -> str:
        """A sentence about a probable leg of a spread, which names those opposite among some."""
        others = ", ".join(other.id for other in self.opposite_legs(among))
        return f"{self.id} looks like a leg of a spread" + (f" with {others}" if others else "")

    @property
    def _leg(self) -> tuple[object, ...]:
        expiration = self.contract.expiration if self.contract else self.id
        return (self.broker, self.environment, self.account, self.underlying, expiration)
