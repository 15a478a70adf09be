"""What is kept of one trading day, as a report of the day reads it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from exit_pipeline.core.model.contract import SHARES_PER_CONTRACT


@dataclass(frozen=True, slots=True, kw_only=True)
class DayAsked:
    """Which part of the record is asked for; dry runs are in none.

    Attributes:
        start: Beginning of the day in exchange time, aware.
        end: Its end, itself not included.
        environment: ``paper``, ``live``, ``tape`` or ``simulated``.
        account: Only of this account; None means all.
    """

    start: datetime
    end: datetime
    environment: str
    account: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DayTick:
    """One run over one account.

    Attributes:
        account: The broker's account.
        tick_at: The time that it was for.
        mode: ``live`` for market data of then, or the name of the source that was replayed.
        status: ``RunStatus`` name.
        reason: Why it was skipped or failed; empty otherwise.
        is_scheduled: It was no launch for some positions only, and none with overrides.
        started_at: When the database opened it.
        market_source: Name of the market-data source; None where none was asked.
        day_pnl: What the account gained since the session before, dollars; None unknown.
    """

    account: str
    tick_at: datetime
    mode: str
    status: str
    reason: str
    is_scheduled: bool
    started_at: datetime
    market_source: str | None
    day_pnl: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DayPosition:
    """A position that was decided on, or of which contracts left, on the day.

    Attributes:
        id: The position.
        account: The broker's account; None where no broker has it yet.
        option_symbol: Compact OCC symbol; None where the contract is not known.
        side: LONG or SHORT.
        quantity: Contracts opened.
        entry_price: Dollars per share.
    """

    id: str
    account: str | None
    option_symbol: str | None
    side: str
    quantity: int
    entry_price: Decimal

    def gain(self, price: Decimal, contracts: int) -> Decimal:
        """Dollars gained on contracts at a price, before costs.

        Of 100 shares a contract (``SHARES_PER_CONTRACT``). Example: 5 contracts bought at 1.90 are
        +550.00 at 3.00, and -550.00 where they were sold short.
        """
        sign = 1 if self.side == "LONG" else -1
        return sign * (price - self.entry_price) * contracts * SHARES_PER_CONTRACT


@dataclass(frozen=True, slots=True, kw_only=True)
class DayOrder:
    """An exit order of the day with the quote that it was decided on; prices in dollars per share.

    Attributes:
        position_id: The position that it closes.
        at: When its intent was recorded.
        side: SELL_TO_CLOSE or BUY_TO_CLOSE.
        quantity: Contracts ordered.
        filled_quantity: Contracts filled.
        average_price: Of the fills; None without any.
        limit_price: What is asked for.
        worst_price: Beyond this the attempt never went.
        bid: Of the quote at the decision; None unknown, likewise ask.
        exit_reason: The rule's name in capitals.
        urgency: ``Urgency`` name.
        attempt: 1 for the first order of the position, counting up.
        status: ``OrderStatus`` name.
        why: Why it was denied, refused, abandoned or is in doubt; empty otherwise.
    """

    position_id: str
    at: datetime
    side: str
    quantity: int
    filled_quantity: int
    average_price: Decimal | None
    limit_price: Decimal | None
    worst_price: Decimal | None
    bid: Decimal | None
    ask: Decimal | None
    exit_reason: str | None
    urgency: str | None
    attempt: int | None
    status: str
    why: str

    @property
    def mid(self) -> Decimal | None:
        """Half of bid plus ask at the decision, dollars per share; None without both."""
        return None if self.bid is None or self.ask is None else (self.bid + self.ask) / 2

    @property
    def slipped(self) -> Decimal | None:
        """Dollars per share by which the fill was worse than that mid; below 0 it was better.

        A sale slips by what it brings below the mid, a purchase by what it costs above. Example:
        bid 1.80, ask 1.90 and sold at 1.80 is 0.05; bought at 1.84 is -0.01.
        """
        if self.mid is None or self.average_price is None:
            return None
        sign = 1 if self.side.startswith("SELL") else -1
        return sign * (self.mid - self.average_price)

    @property
    def slippage(self) -> Decimal | None:
        """The same on all of its filled contracts, dollars; None without a fill or a mid.

        Example: 0.05 on 5 contracts is 25.00.
        """
        slipped = self.slipped
        return None if slipped is None else slipped * self.filled_quantity * SHARES_PER_CONTRACT

    @property
    def spread_share(self) -> float | None:
        """The same as a share of the spread at the decision: 0 is the mid, 0.5 the far side.

        None without a fill, without both sides, or without a spread between them. Example: 0.05
        slipped of 1.80 to 1.90 is 0.5.
        """
        if self.slipped is None or self.bid is None or self.ask is None or self.ask <= self.bid:
            return None
        return float(self.slipped / (self.ask - self.bid))


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """Contracts that left a position.

    Attributes:
        position_id: The position.
        at: When they were filled, settled, or found to be gone.
        contracts: How many.
        price: Dollars per share; None where nobody told it.
        costs: Commission and fees of all of them, dollars; None where nobody told them.
        reason: The rule's name in capitals, or how they ended without an order, such as EXPIRED.
    """

    position_id: str
    at: datetime
    contracts: int
    price: Decimal | None
    costs: Decimal | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DayAlert:
    """An alert of the day, or one from before that nobody had acknowledged when it began.

    Attributes:
        at: The time of the tick that raised it; of one without a tick, when it was raised.
        severity: CRITICAL, WARNING or INFO.
        cause: A short constant such as ``ORDER_NOT_PRICED``.
        subject: What it is about.
        message: One sentence.
        acknowledged_at: When somebody had seen it; None as long as nobody has.
        acknowledged_by: Who.
    """

    at: datetime
    severity: str
    cause: str
    subject: str
    message: str
    acknowledged_at: datetime | None
    acknowledged_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRecord:
    """All of it but the decisions, of one moment of the database.

    Attributes:
        ticks: By time and account.
        positions: By id.
        orders: By time and attempt.
        leavings: By time.
        alerts: The newest first.
    """

    ticks: Sequence[DayTick]
    positions: Sequence[DayPosition]
    orders: Sequence[DayOrder]
    leavings: Sequence[Leaving]
    alerts: Sequence[DayAlert]
