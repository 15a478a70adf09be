"""Closing orders: what is asked of a broker, and what a broker reports."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

NOT_SENT: Final = "not sent: "
"""Begins the reason of a REJECTED order that is at no broker for certain: there is nothing to look
for, and the next tick may send a new one."""

NOT_ACCEPTED: Final = "not accepted: "
"""Begins the reason of an UNKNOWN order whose broker said that it did not take it, and could not be
asked whether it shows it: once a look-up shows none, it was never placed."""

DUPLICATE: Final = "duplicate"
"""Begins the reason of a REJECTED order under whose id the broker has one already: it exists, also
where the broker does not show it yet."""


class OrderSide(StrEnum):
    """The closing leg, in full: a bare side could open a position by mistake."""

    SELL_TO_CLOSE = "SELL_TO_CLOSE"
    BUY_TO_CLOSE = "BUY_TO_CLOSE"


class OrderStatus(StrEnum):
    """Life of one closing attempt, in the users' words.

    PENDING is the recorded intent, SUBMITTED is being sent, ACCEPTED works at the broker.
    """

    PENDING = "PENDING"
    SUBMITTED = "SUBMITTED"
    UNKNOWN = "UNKNOWN"
    ACCEPTED = "ACCEPTED"
    PARTIAL_FILL = "PARTIAL_FILL"
    PENDING_CANCEL = "PENDING_CANCEL"
    FILLED = "FILLED"
    CANCELLED = "CANCELLED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    DENIED = "DENIED"
    ABANDONED = "ABANDONED"

    @property
    def is_live(self) -> bool:
        """Whether the order may still fill, and so holds its reservation."""
        return self in _LIVE


_LIVE = frozenset({
    OrderStatus.PENDING, OrderStatus.SUBMITTED, OrderStatus.UNKNOWN, OrderStatus.ACCEPTED,
    OrderStatus.PARTIAL_FILL, OrderStatus.PENDING_CANCEL,
})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
    """One closing limit order for one position, good for the day.

    Attributes:
        client_order_id: Ours, unique for ever; at most 48 characters of ``[a-z0-9-]``.
        account: The broker's account.
        symbol: Compact OCC symbol.
        side: SELL_TO_CLOSE or BUY_TO_CLOSE.
        quantity: Contracts, at least 1.
        limit_price: Dollars per share.
    """

    client_order_id: str
    account: str
    symbol: str
    side: OrderSide
    quantity: int
    limit_price: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One execution.

    Attributes:
        execution_id: The broker's own key; the same execution always carries the same one.
        quantity: Contracts.
        price: Dollars per share.
        commission: Dollars for the whole fill.
        fees: Dollars for the whole fill.
        executed_at: The broker's time.
    """

    execution_id: str
    quantity: int
    price: Decimal
    commission: Decimal
    fees: Decimal
    executed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderReport:
    """What a broker says of one order, with all of its fills so far.

    Attributes:
        client_order_id: Ours.
        broker_order_id: The broker's key.
        symbol: Compact OCC symbol.
        side: Closing leg.
        quantity: Contracts ordered.
        status: As the broker reports it, in our words.
        fills: Every execution so far, oldest first.
        submitted_at: When the broker received it.
        reason: The broker's words on a refusal, or why it was not sent or not accepted; empty
            otherwise.
        doubt: What of the order is not understood, such as a status, in a sentence for a person;
            empty otherwise.
    """

    client_order_id: str
    broker_order_id: str
    symbol: str
    side: OrderSide
    quantity: int
    status: OrderStatus
    fills: tuple[Fill, ...] = ()
    submitted_at: datetime
    reason: str = ""
    doubt: str = ""

    @property
    def was_never_sent(self) -> bool:
        """Whether it is at no broker for certain."""
        return self.status is OrderStatus.REJECTED and self.reason.startswith(NOT_SENT)

    @property
    def is_duplicate(self) -> bool:
        """Whether it was refused since the broker has an order under its id."""
        return self.status is OrderStatus.REJECTED and self.reason.startswith(DUPLICATE)

    @property
    def filled_quantity(self) -> int:
        """Contracts filled so far."""
        return sum(fill.quantity for fill in self.fills)

    def answers(self, request: OrderRequest) -> bool:
        """Whether this is the order that was asked for, and not another one under its id."""
        return (self.symbol, self.side, self.quantity) == (
            request.symbol,
            request.side,
            request.quantity,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldPosition:
    """What a broker says that an account holds of one contract.

    Attributes:
        account: The broker's account.
        symbol: Compact OCC symbol.
        quantity: Contracts, negative when short.
        average_price: Dollars per share.
        free_quantity: Contracts that no working order holds, negative when short; None where the
            broker does not tell.
        acquired_at: When it was opened, as far as the broker tells.
    """

    account: str
    symbol: str
    quantity: int
    average_price: Decimal
    free_quantity: int | None = None
    acquired_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """The end of a holding without a trade, as the broker settled it: at its expiry or before.

    Attributes:
        settlement_id: The broker's own key; the same settlement always carries the same one.
        account: The broker's account.
        symbol: Compact OCC symbol.
        quantity: Contracts settled, positive.
        kind: EXPIRED (worthless), EXERCISED (long in the money) or ASSIGNED (short in the money).
        price: Settlement value, dollars per share.
        settled_at: The broker's time.
    """

    settlement_id: str
    account: str
    symbol: str
    quantity: int
    kind: str
    price: Decimal
    settled_at: datetime
