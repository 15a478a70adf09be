"""The books of the fake Alpaca: holdings, orders, executions and activities; no HTTP."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

FINAL = frozenset({"filled", "canceled", "expired", "rejected", "replaced"})


class RefusedOrder(Exception):  # noqa: N818
    """An order that is not taken: HTTP status, code and message, as the real one gives them."""


@dataclass
class Order:
    """One order, and what it was filled with: (contracts, price, time) each."""

    id: str
    body: dict[str, Any]
    at: datetime
    status: str = "new"
    fills: list[tuple[int, Decimal, datetime]] = field(default_factory=list)
    ended: dict[str, datetime] = field(default_factory=dict)

    @property
    def symbol(self) -> str:
        return str(self.body["symbol"])

    @property
    def sells(self) -> bool:
        return self.body["side"] == "sell"

    @property
    def quantity(self) -> int:
        return int(self.body["qty"])

    @property
    def filled(self) -> int:
        return sum(quantity for quantity, _, _ in self.fills)

    @property
    def is_open(self) -> bool:
        return self.status not in FINAL

    @property
    def left(self) -> int:
        return self.quantity - self.filled if self.is_open else 0


@dataclass
class Holding:
    """Contracts of one symbol, negative when short, and what they cost per share."""

    quantity: int
    price: Decimal


@dataclass
class Quote:
    """Bid and ask, and how many contracts each side still takes; None is no bound."""

    bid: Decimal
    ask: Decimal
    left: int | None


class Ledger:
    """One account. Orders fill when they arrive and when the quote moves, at the quote's price on
    arrival and at their own limit later.

    Args:
        now: The exchange's time.

    Attributes:
        guards: Whether it refuses to close more than is held and free. Without, nothing but the
            client's own care keeps it from closing twice.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self.holdings: dict[str, Holding] = {}
        self.quotes: dict[str, Quote] = {}
        self.orders: dict[str, Order] = {}
        self.activities: list[dict[str, Any]] = []
        self.guards = True
        self._count = 0

    def new_id(self) -> str:
        self._count += 1
        return str(UUID(int=(0xA1FACA << 100) + (4 << 76) + (8 << 60) + self._count))

    def hold(self, symbol: str, quantity: int, price: str = "2.00") -> None:
        self.holdings[symbol] = Holding(quantity, Decimal(price))

    def quote(self, symbol: str, bid: str, ask: str, size: int | None = None) -> None:
        self.quotes[symbol] = Quote(Decimal(bid), Decimal(ask), size)
        for order in self.orders.values():
            if order.symbol == symbol:
                self.fill(order, Decimal(str(order.body["limit_price"])))

    def free(self, symbol: str) -> int:
        """Contracts that no open order holds, without sign."""
        held = self.holdings.get(symbol)
        reserved = sum(order.left for order in self.orders.values() if order.symbol == symbol)
        return abs(held.quantity) - reserved if held else 0

    def place(self, body: dict[str, Any]) -> Order:
        self._check(body)
        order = Order(id=self.new_id(), body=body, at=self.now())
        self.orders[order.id] = order
        quote = self.quotes.get(order.symbol)
        if quote is not None:
            self.fill(order, quote.bid if order.sells else quote.ask)
        return order

    def fill(self, order: Order, price: Decimal) -> None:
        quote, limit = self.quotes[order.symbol], Decimal(str(order.body["limit_price"]))
        meets = quote.bid >= limit if order.sells else quote.ask <= limit
        size = order.left if quote.left is None else min(order.left, quote.left)
        if not meets or size <= 0:
            return
        if quote.left is not None:
            quote.left -= size
        self.execute(order, size, price)

    def execute(self, order: Order, size: int, price: Decimal) -> None:
        """Fill contracts of an order, whatever the quote."""
        order.fills.append((size, price, self.now()))
        held = self.holdings.setdefault(order.symbol, Holding(0, Decimal(0)))
        held.quantity += -size if order.sells else size
        if held.quantity == 0:
            del self.holdings[order.symbol]
        if order.filled == order.quantity:
            self.end(order, "filled")
        elif order.is_open and order.status != "pending_cancel":
            order.status = "partially_filled"
        self._tell(order, size, price)

    def trade(self, symbol: str, quantity: int, price: str = "2.00") -> None:
        """Somebody trades by hand: buys contracts to open, or sells where negative."""
        side = "buy" if quantity > 0 else "sell"
        body = {"symbol": symbol, "side": side, "qty": str(abs(quantity))}
        order = Order(id=self.new_id(), body=body, at=self.now())
        held = self.holdings.pop(symbol, Holding(0, Decimal(0)))
        if held.quantity + quantity:
            self.holdings[symbol] = Holding(held.quantity + quantity, Decimal(price))
        order.fills.append((abs(quantity), Decimal(price), self.now()))
        self._tell(order, abs(quantity), Decimal(price))

    def _tell(self, order: Order, size: int, price: Decimal) -> None:
        done = order.filled == order.quantity
        self.activities.append({
            "activity_type": "FILL",
            "id": f"{self.now():%Y%m%d%H%M%S}000::{self.new_id()}",
            "cum_qty": str(order.filled),
            "leaves_qty": str(order.quantity - order.filled),
            "order_id": order.id,
            "order_status": "filled" if done else "partially_filled",
            "price": str(price),
            "qty": str(size),
            "side": order.body["side"],
            "symbol": order.symbol,
            "transaction_time": stamp(self.now()),
            "type": "fill" if done else "partial_fill",
        })  # fmt: skip

    def end(self, order: Order, status: str) -> None:
        order.status = status
        name = {"rejected": "failed"}.get(status, status)
        order.ended[f"{name}_at"] = self.now()

    def end_day(self) -> None:
        """Expire what still works: orders are good for the day."""
        for order in self.orders.values():
            if order.is_open:
                self.end(order, "expired")

    def settle(self, symbol: str, kind: str, net_amount: str = "0", **changes: Any) -> None:
        """End what is held, by OPEXP, OPASN or OPEXC; told at once."""
        self.tell_settlement(symbol, kind, self.vanish(symbol), net_amount, **changes)

    def vanish(self, symbol: str, contracts: int | None = None) -> int:
        """Let contracts leave without a trade, all by default; what is gone, with its sign."""
        held = self.holdings.pop(symbol)
        size = abs(held.quantity) if contracts is None else contracts
        gone = size if held.quantity > 0 else -size
        if held.quantity != gone:
            self.holdings[symbol] = Holding(held.quantity - gone, held.price)
        return gone

    def tell_settlement(
        self, symbol: str, kind: str, gone: int, net_amount: str = "0", **changes: Any
    ) -> None:
        """Tell how contracts ended that have left."""
        self.activities.append({
            "activity_type": kind,
            "id": f"{self.now():%Y%m%d}000000000::{self.new_id()}",
            "created_at": stamp(self.now()),
            "date": f"{self.now():%Y-%m-%dT00:00:00Z}",
            "net_amount": net_amount,
            "qty": str(-gone),
            "status": "executed",
            "symbol": symbol,
        } | changes)  # fmt: skip

    def _check(self, body: dict[str, Any]) -> None:
        """Refuse what the real one refuses, in its words."""
        if any(o.body["client_order_id"] == body["client_order_id"] for o in self.orders.values()):
            raise RefusedOrder(422, 40010001, "client_order_id must be unique")
        if body.get("time_in_force") != "day" or body.get("type") != "limit":
            raise RefusedOrder(422, 42210000, "only limit day orders are taken by the fake")
        price = Decimal(str(body["limit_price"]))
        # By the digits that are written, since nobody outside knows that it takes 1.100 for 1.10.
        if price <= 0 or len(str(body["limit_price"]).partition(".")[2]) > 2:
            raise RefusedOrder(422, 42210000, "limit price must be limited to 2 decimal places")
        if not self.guards:
            return
        held = self.holdings.get(body["symbol"])
        quantity, sells = held.quantity if held else 0, body["side"] == "sell"
        closes = quantity > 0 if sells else quantity < 0
        inferred = f"{body['side']}_to_{'close' if closes else 'open'}"
        intent = body.get("position_intent", inferred)
        if intent != inferred:
            message = f"position intent mismatch, inferred: {inferred}, specified: {intent}"
            raise RefusedOrder(422, 42210000, message)
        free = self.free(body["symbol"])
        if closes and int(body["qty"]) > free:
            asked = f"requested: {body['qty']}, available: {free}"
            raise RefusedOrder(403, 40310000, f"insufficient qty available for order ({asked})")


def stamp(at: datetime) -> str:
    """As Alpaca writes times: with nanoseconds."""
    return f"{at:%Y-%m-%dT%H:%M:%S.%f}123Z"


def made_at(row: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(row.get("created_at") or row["transaction_time"])
