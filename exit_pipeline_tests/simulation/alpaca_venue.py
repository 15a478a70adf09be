"""The fake Alpaca as the broker of a seed."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from exit_pipeline.core.model.record import NewPosition
from exit_pipeline_tests.fake_brokers.alpaca import KEY, KEY_ID, FakeAlpaca
from exit_pipeline_tests.fake_brokers.alpaca_ledger import Order, RefusedOrder
from exit_pipeline_tests.fake_brokers.alpaca_rows import ACCOUNT as ACCOUNT_NUMBER
from exit_pipeline_tests.fake_brokers.server import Reply, Request, json_reply
from exit_pipeline_tests.simulation import venues
from exit_pipeline_tests.simulation.holdings import Owner
from exit_pipeline_tests.simulation.market import Level
from exit_pipeline_tests.simulation.timeline import Timeline
from exit_pipeline_tests.simulation.venues import (
    ClosedByHand,
    LedgerOrder,
    Limit,
    Posted,
    take_manner,
)

REQUESTS_PER_MINUTE = 200


class AlpacaVenue:
    """Alpaca's paper host: unique client order ids, fills as activities."""

    owner = Owner("alpaca", ACCOUNT_NUMBER)
    host = "paper-api.alpaca.markets"

    def __init__(self, timeline: Timeline, *, guards: bool) -> None:
        self.fake = FakeAlpaca(timeline)
        self.fake.ledger.guards = guards
        self.environ = {"ALPACA_API_KEY": KEY_ID, "ALPACA_SECRET_KEY": KEY}
        self._timeline = timeline
        self._by_hand = (f"by-hand-{number}" for number in count(1))
        self._minute: datetime | None = None
        self._per_minute = REQUESTS_PER_MINUTE
        self.limit = Limit()

    def hold(self, positions: Sequence[NewPosition]) -> None:
        for one in positions:
            held = self.fake.ledger.holdings.get(one.symbol)
            signed = one.quantity if one.side == "LONG" else -one.quantity
            before = held.quantity if held else 0
            self.fake.ledger.hold(one.symbol, before + signed, str(one.entry_price))

    def orders(self) -> list[LedgerOrder]:
        return [_row(order) for order in self.fake.ledger.orders.values()]

    def holdings(self) -> Mapping[str, int]:
        return {symbol: held.quantity for symbol, held in self.fake.ledger.holdings.items()}

    def move(self, levels: Mapping[str, Level | None]) -> None:
        for symbol, level in levels.items():
            if level is None:
                self.fake.ledger.quotes.pop(symbol, None)
            else:
                size = min(level.bid_size, level.ask_size)
                self.fake.ledger.quote(symbol, str(level.bid), str(level.ask), size)

    def end_day(self, values: Mapping[str, Decimal]) -> None:
        self.fake.ledger.end_day()
        for symbol, value in values.items():
            held = self.fake.ledger.holdings.get(symbol)
            if held is not None:
                cash = value * held.quantity * 100
                kind = "OPEXC" if held.quantity > 0 else "OPASN"
                self.fake.ledger.settle(symbol, kind if value else "OPEXP", str(cash))

    def trade_by_hand(self, symbol: str, quantity: int, *, fills: bool) -> bool:
        held = self.holdings().get(symbol, 0)
        side = "sell" if held > 0 else "buy"
        body = {
            "symbol": symbol,
            "qty": str(quantity),
            "side": side,
            "type": "limit",
            "time_in_force": "day",
            "limit_price": "9999.00" if side == "sell" else "0.01",
            "position_intent": f"{side}_to_close",
            "client_order_id": next(self._by_hand),
        }
        if self.fake.ledger.free(symbol) < quantity:
            return False
        try:
            order = self.fake.ledger.place(body)
        except RefusedOrder:
            return False
        if fills:
            self.fake.ledger.execute(order, quantity, 1 + Decimal(quantity) / 100)
        return True

    def executions(self) -> Mapping[str, ClosedByHand]:
        found = {}
        for order in self.fake.ledger.orders.values():
            filled = 0
            for quantity, price, _ in order.fills if _row(order).is_by_hand else ():
                filled += quantity
                found[f"alpaca-{order.id}-{filled}"] = ClosedByHand(
                    order.symbol, order.sells, quantity, price
                )
        return found

    def end(self, broker_order_id: str, status: str) -> None:
        order = self.fake.ledger.orders[broker_order_id]
        if order.is_open:
            self.fake.ledger.end(order, status)

    def execute(self, broker_order_id: str, quantity: int) -> None:
        order = self.fake.ledger.orders[broker_order_id]
        limit = Decimal(str(order.body["limit_price"]))
        self.fake.ledger.execute(order, quantity, limit)

    def answer(self, request: Request) -> Reply:
        """Counts by the minute from the first request on, as the real one does."""
        now = self._timeline.at
        if self._minute is None or now >= self._minute + timedelta(minutes=1):
            self._minute, self.fake.requests_left = now, self._per_minute
        is_refused = self.fake.requests_left == 0
        self.fake.requests_left -= not is_refused
        self.limit.answer("all", is_refused=is_refused, left=self.fake.requests_left)
        if is_refused:
            self.fake.limit_ends_in = self._minute + timedelta(minutes=1) - now
            return self.fake.limited(
                json_reply({"code": 42910000, "message": "rate limit exceeded"}, 429)
            )
        return self.fake.answer(request)

    def kind_of(self, request: Request) -> str:
        kinds = {
            ("POST", "/v2/orders"): venues.POST,
            ("GET", "/v2/orders:by_client_order_id"): venues.FIND,
            ("GET", "/v2/orders"): venues.LIST,
            ("GET", "/v2/positions"): venues.POSITIONS,
            ("GET", "/v2/account/activities"): venues.ACTIVITIES,
        }
        default = venues.CANCEL if request.method == "DELETE" else venues.ACCOUNT
        return kinds.get((request.method, request.path), default)

    def posted(self, request: Request) -> Posted:
        body = request.json
        return Posted(
            client_order_id=body["client_order_id"],
            symbol=body["symbol"],
            sells=body["side"] == "sell",
            quantity=int(body["qty"]),
            limit=Decimal(body["limit_price"]),
        )

    def refusals(self) -> Mapping[str, Reply]:
        short = "insufficient qty available for order (requested: 3, available: 0)"
        return {
            "refused": json_reply({"code": 40310000, "message": short}, 403),
            "says_200_with_errors": json_reply({"message": "internal error"}),
            "wrong_key": json_reply({"code": 40110000, "message": "not authorized"}, 401),
        }

    def spoil_positions(self, reply: Reply, keep: Callable[[int], bool]) -> Reply:
        rows = json.loads(reply.body)
        kept = [row for number, row in enumerate(rows) if keep(number)]
        return replace(reply, body=json.dumps(kept).encode())

    def set_manner(self, name: str, *, on: bool, amount: float) -> bool:
        fake, few = self.fake, 3 + int(amount * 6)
        ways: dict[str, tuple[Any, str, Any, Any]] = {
            "visibility_lag": (
                fake, "visible_after", timedelta(seconds=10 + 90 * amount), timedelta(0),
            ),
            "filled_before_price": (fake, "shows_fills", False, True),
            "unknown_status": (fake, "unknown_status", "under_a_new_law", None),
            "cancel_not_confirmed": (fake, "confirms_cancels", False, True),
            "hides_filled": (fake, "hides_filled", True, False),
            "shared_limit": (self, "_per_minute", few, REQUESTS_PER_MINUTE),
            "answers_before_matching": (fake, "answers_first", True, False),
            "numbers_instead_of_texts": (fake, "numbers", True, False),
        }  # fmt: skip
        return take_manner(ways, name, on=on)


def _row(order: Order) -> LedgerOrder:
    name = str(order.body["client_order_id"])
    return LedgerOrder(
        client_order_id="" if name.startswith("by-hand") else name,
        broker_order_id=order.id,
        symbol=order.symbol,
        sells=order.sells,
        quantity=order.quantity,
        filled=order.filled,
        value=sum((quantity * price for quantity, price, _ in order.fills), Decimal(0)),
        is_open=order.is_open,
        status=order.status,
        at=order.at,
    )
