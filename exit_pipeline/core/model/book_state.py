"""What a tick leaves behind, as it stands in the database: orders, P&L, and what must never be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from exit_pipeline.core.model.order import OrderSide
from exit_pipeline.core.model.slippage import Slippage


class BookCheck(StrEnum):
    """What must hold of the books, whoever wrote them."""

    EVERY_ORDER_HAS_A_DECISION = "every_order_has_a_decision"
    EVERY_EXIT_HAS_AN_ORDER = "every_exit_has_an_order"
    NEVER_EXITED_ABOVE_HELD = "never_exited_above_held"
    NO_TICK_GAP = "no_tick_gap"
    NO_ORDER_UNKNOWN_FOR_LONG = "no_order_unknown_for_long"


@dataclass(frozen=True, slots=True, kw_only=True)
class BookScope:
    """Which part of the books is looked at.

    Attributes:
        environment: Where the positions live.
        run_ids: Runs whose orders are wanted; without any, none are.
        since: Orders and decisions of before are not checked.
        unknown_before: An order in doubt that was recorded earlier than this is one for too long.
        opens_at: Opening of the session in which ticks are due; None where none are.
        until: End of the time in which ticks were due: now, or the session's close.
        gap: Longest time between two good ticks.
    """

    environment: str
    run_ids: Sequence[str] = ()
    since: datetime
    unknown_before: datetime
    opens_at: datetime | None
    until: datetime
    gap: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A row of the books that must not be.

    Attributes:
        subject: The order's id of ours, the position, or the account.
        at: When it came about: the intent, the decision, or the last tick before a gap.
        what: What is wrong with it, a sentence.
    """

    subject: str
    at: datetime | None
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TickOrder:
    """An exit order that a tick sent, or that changed while it worked.

    Prices are dollars per share; None where not known.

    Attributes:
        client_order_id: Ours.
        position_id: The position that it closes.
        symbol: Compact OCC symbol.
        side: The closing leg.
        quantity: Contracts ordered.
        bid: At its decision; likewise ask.
        ask: None where the quote had none.
        limit_price: What it asks for.
        worst_price: Beyond this the attempt never goes.
        status: ``OrderStatus`` name.
        filled_quantity: Contracts filled.
        average_price: Of the fills.
        exit_reason: The rule's name in capitals.
        urgency: ``Urgency`` name.
        attempt: 1 for the first order of the position, counting up.
        why: Why it was denied, refused or is in doubt; empty otherwise.
    """

    client_order_id: str
    position_id: str
    symbol: str
    side: OrderSide
    quantity: int
    bid: Decimal | None
    ask: Decimal | None
    limit_price: Decimal | None
    worst_price: Decimal | None
    status: str
    filled_quantity: int
    average_price: Decimal | None
    exit_reason: str
    urgency: str
    attempt: int
    why: str = ""

    @property
    def slippage(self) -> Slippage | None:
        """Of what has filled of it; None where nothing has, or its decision had no quote."""
        return Slippage.of(self.side, self.bid, self.ask, self.average_price, self.filled_quantity)


@dataclass(frozen=True, slots=True, kw_only=True)
class BookState:
    """How the books stand.

    Attributes:
        realised_pnl: Of everything that has left in the environment, net of costs, dollars; None
            where it has no position.
        orders: Those of the scope's runs, and those that changed while they worked, the oldest
            first.
        faults: What must not be, by check; at most ``FAULTS_SHOWN`` of each, the newest.
        counts: How many there are, by check; a check without any is absent.
    """

    realised_pnl: Decimal | None
    orders: Sequence[TickOrder] = ()
    faults: Mapping[BookCheck, Sequence[Fault]] = field(default_factory=dict)
    counts: Mapping[BookCheck, int] = field(default_factory=dict)


FAULTS_SHOWN = 50
"""Rows that are named of each check; a person begins with the newest."""
