"""The books behind the fake Tradier: positions, orders, and a market that fills them.

An order fills at the quote on arrival, and at its own limit once a later quote reaches it; a size
on the quote bounds what it gives away.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from exit_pipeline.core.model.contract import parse_contract
from exit_pipeline_tests.fakes import FixedClock

WORKING = ("pending", "open", "partially_filled", "pending_cancel")
SELL_REFUSED = [
    "Sell order cannot be placed unless you are closing a long position, please check open orders.",
    "UnexpectedSellOrderOption",
]
BUY_REFUSED = [
    "Buy to Close order cannot be placed unless you are closing a short option position.",
    "UnexpectedBuyToCoverOrderOption",
]

_PRICED_WITHIN = timedelta(minutes=10)


@dataclass
class Market:
    """The newest quote of a contract, and what is left of its sizes."""

    bid: Decimal
    ask: Decimal
    bid_left: int | None = None
    ask_left: int | None = None


@dataclass
class Ledger:
    """One account's books.

    Attributes:
        clock: Stamps orders and executions.
        positions: Contracts and total cost by symbol, both signed.
        orders: As the API shows them, oldest first.
        past: Orders of earlier sessions, which no listing has.
        markets: By option symbol.
        fills_before_price: For so many looks at an order the price of its executions is not there,
            while the newest is not older than ten minutes.
        stays_pending: A cancel is only asked for; the order stays pending_cancel.
        rejects_later: Orders are received, and rejected with these words afterwards.
        guards: Whether it refuses to close more than is held and free. Without, nothing but the
            client's own care keeps it from closing twice.
    """

    clock: FixedClock
    positions: dict[str, tuple[int, Decimal]] = field(default_factory=dict)
    orders: list[dict[str, Any]] = field(default_factory=list)
    past: list[dict[str, Any]] = field(default_factory=list)
    markets: dict[str, Market] = field(default_factory=dict)
    fills_before_price: int = 0
    stays_pending: bool = False
    rejects_later: str = ""
    guards: bool = True

    def hold(self, symbol: str, quantity: int, cost: str | None = None) -> None:
        self.positions[symbol] = (quantity, Decimal(cost or 200 * quantity))

    def quote(self, symbol: str, bid: str, ask: str, size: int | None = None) -> None:
        self.markets[symbol] = Market(Decimal(bid), Decimal(ask), size, size)
        for order in self.working(symbol):
            self._match(order, Decimal(str(order["price"])))

    def working(self, symbol: str) -> Iterator[dict[str, Any]]:
        return (
            order
            for order in self.orders
            if order["option_symbol"] == symbol and order["status"] in WORKING
        )

    def why_refused(self, form: dict[str, str]) -> list[str]:
        held, _ = self.positions.get(form["option_symbol"], (0, Decimal(0)))
        is_sale = form["side"] == "sell_to_close"
        reserved = sum(
            int(order["remaining_quantity"])
            for order in self.working(form["option_symbol"])
            if order["side"] == form["side"]
        )
        free = (held if is_sale else -held) - reserved
        if int(form["quantity"]) <= free or not self.guards:
            return []
        return SELL_REFUSED if is_sale else BUY_REFUSED

    def place(self, form: dict[str, str]) -> dict[str, Any]:
        now = stamp(self.clock.at)
        order = {
            "id": 38_189_514 + len(self.past) + len(self.orders),
            "type": form["type"],
            "symbol": form["symbol"],
            "side": form["side"],
            "quantity": float(form["quantity"]),
            "status": "open",
            "duration": form["duration"],
            "price": float(form["price"]),
            "avg_fill_price": 0.0,
            "exec_quantity": 0.0,
            "last_fill_price": 0.0,
            "last_fill_quantity": 0.0,
            "remaining_quantity": float(form["quantity"]),
            "create_date": now,
            "transaction_date": now,
            "class": "option",
            "option_symbol": form["option_symbol"],
        } | ({"tag": form["tag"]} if "tag" in form else {})
        self.orders.append(order)
        if self.rejects_later:
            order |= {"status": "rejected", "reason_description": self.rejects_later}
            return order
        market = self.markets.get(form["option_symbol"])
        if market:
            self._match(order, market.bid if form["side"] == "sell_to_close" else market.ask)
        return order

    def cancel(self, order: dict[str, Any]) -> None:
        if self.stays_pending:
            order["status"] = "pending_cancel"
            return
        order |= {"status": "canceled", "remaining_quantity": 0.0}
        order["transaction_date"] = stamp(self.clock.at)

    def end_day(self) -> None:
        """Expire what still works, and begin a new session, whose listing has no order yet."""
        for order in self.orders:
            if order["status"] in WORKING:
                order |= {"status": "expired", "remaining_quantity": 0.0}
                order["transaction_date"] = stamp(self.clock.at)
        self.past += self.orders
        self.orders = []

    def execute(self, order: dict[str, Any], quantity: int, price: Decimal) -> None:
        """Fill contracts of an order in one execution, whatever the market."""
        done = int(order["exec_quantity"])
        value = Decimal(str(order["avg_fill_price"])) * done + price * quantity
        done += quantity
        filled = "filled" if done == order["quantity"] else "partially_filled"
        order |= {
            "exec_quantity": float(done),
            "avg_fill_price": float(value / done),
            "last_fill_price": float(price),
            "last_fill_quantity": float(quantity),
            "remaining_quantity": order["quantity"] - done,
            "status": filled if order["status"] in WORKING else order["status"],
            "transaction_date": stamp(self.clock.at),
        }
        self._move(order["option_symbol"], order["side"], quantity)

    def trade(self, symbol: str, quantity: int, price: str = "2.00") -> None:
        """Somebody closes contracts by hand: sells, or buys back where negative."""
        form = {
            "symbol": parse_contract(symbol).underlying,
            "option_symbol": symbol,
            "side": "sell_to_close" if quantity > 0 else "buy_to_close",
            "quantity": str(abs(quantity)),
            "type": "limit",
            "duration": "day",
            "price": "9999.00" if quantity > 0 else "0.01",
        }
        self.execute(self.place(form), abs(quantity), Decimal(price))

    def shown(self, order: dict[str, Any]) -> dict[str, Any]:
        """An order as a look shows it."""
        is_new = order["transaction_date"] > stamp(self.clock.at - _PRICED_WITHIN)
        if self.fills_before_price and order["exec_quantity"] and is_new:
            self.fills_before_price -= 1
            return order | {"avg_fill_price": 0.0, "exec_quantity": 0.0, "last_fill_price": 0.0}
        return dict(order)

    def _match(self, order: dict[str, Any], price: Decimal) -> None:
        market = self.markets[order["option_symbol"]]
        limit, is_sale = Decimal(str(order["price"])), order["side"] == "sell_to_close"
        reached = market.bid >= limit > 0 if is_sale else 0 < market.ask <= limit
        left = market.bid_left if is_sale else market.ask_left
        quantity = int(order["remaining_quantity"])
        quantity = quantity if left is None else min(quantity, left)
        if not reached or quantity == 0:
            return
        if left is not None and is_sale:
            market.bid_left = left - quantity
        elif left is not None:
            market.ask_left = left - quantity
        self.execute(order, quantity, price)

    def _move(self, symbol: str, side: str, quantity: int) -> None:
        held, cost = self.positions.get(symbol, (0, Decimal(0)))
        after = held - quantity if side == "sell_to_close" else held + quantity
        if after == 0:
            self.positions.pop(symbol, None)
        else:
            self.positions[symbol] = (after, cost * after / held if held else cost)


def position_rows(ledger: Ledger) -> list[dict[str, Any]]:
    return [
        {
            "cost_basis": float(cost),
            "date_acquired": "2015-12-01T15:00:00.000Z",
            "id": 5_299_094 + number,
            "quantity": float(quantity),
            "symbol": symbol,
        }
        for number, (symbol, (quantity, cost)) in enumerate(sorted(ledger.positions.items()))
    ]


def stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


def option_row(symbol: str, at: datetime, **changes: Any) -> dict[str, Any]:
    """A quote of an option as the API gives it."""
    contract, millis = parse_contract(symbol), int(at.timestamp() * 1000)
    row = {
        "symbol": symbol,
        "description": "an option",
        "exch": "Z",
        "type": "option",
        "last": 1.15,
        "volume": 812,
        "open": None,
        "close": None,
        "bid": 1.1,
        "ask": 1.2,
        "underlying": contract.underlying,
        "strike": float(contract.strike),
        "trade_date": millis - 60_000,
        "bidsize": 16,
        "bidexch": "C",
        "bid_date": millis,
        "asksize": 91,
        "askexch": "B",
        "ask_date": millis,
        "open_interest": 12_034,
        "contract_size": 100,
        "expiration_date": f"{contract.expiration}",
        "expiration_type": "standard",
        "option_type": contract.right.value.lower(),
        "root_symbol": contract.root,
        "greeks": None,
    }
    return row | changes


def share_row(symbol: str, last: float, at: datetime, **changes: Any) -> dict[str, Any]:
    """A quote of a share or an index as the API gives it."""
    row = {
        "symbol": symbol,
        "description": symbol,
        "exch": "Q",
        "type": "stock",
        "last": last,
        "volume": 0,
        "bid": 0.0,
        "ask": 0.0,
        "trade_date": int(at.timestamp() * 1000),
        "bidsize": 0,
        "bidexch": None,
        "bid_date": 0,
        "asksize": 0,
        "askexch": None,
        "ask_date": 0,
    }
    return row | changes
