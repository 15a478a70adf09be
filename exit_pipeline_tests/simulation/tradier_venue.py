"""The fake Tradier as the broker of a seed."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from exit_pipeline.core.model.contract import parse_contract
from exit_pipeline.core.model.record import NewPosition
from exit_pipeline_tests.fake_brokers import tradier
from exit_pipeline_tests.fake_brokers.server import Reply, Request, json_reply
from exit_pipeline_tests.fake_brokers.tradier import ACCOUNT, KEY, FakeTradier, one_or_many
from exit_pipeline_tests.fake_brokers.tradier_ledger import WORKING
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

READS_PER_MINUTE = 60
"""The sandbox takes half as many as the live host."""


class TradierVenue:
    """Tradier's sandbox: no idempotency, refusals with status 200, a listing by session."""

    owner = Owner("tradier", ACCOUNT)
    host = "sandbox.tradier.com"

    def __init__(self, timeline: Timeline, *, guards: bool) -> None:
        self.fake = FakeTradier(timeline)
        self.fake.ledger.guards = guards
        self.fake.allowed |= {"standard": READS_PER_MINUTE, "markets": READS_PER_MINUTE}
        self.environ = {"TRADIER_API_KEY": KEY, "TRADIER_ACCOUNT_ID": ACCOUNT}
        self._shows: str | None = None
        self.limit = Limit()

    def hold(self, positions: Sequence[NewPosition]) -> None:
        for one in positions:
            before, cost = self.fake.ledger.positions.get(one.symbol, (0, Decimal(0)))
            signed = one.quantity if one.side == "LONG" else -one.quantity
            total = cost + signed * one.entry_price * 100
            self.fake.ledger.hold(one.symbol, before + signed, str(total))

    def orders(self) -> list[LedgerOrder]:
        return [_row(order) for order in self._all()]

    def holdings(self) -> Mapping[str, int]:
        return {symbol: held for symbol, (held, _) in self.fake.ledger.positions.items()}

    def move(self, levels: Mapping[str, Level | None]) -> None:
        for symbol, level in levels.items():
            if level is None:
                self.fake.ledger.markets.pop(symbol, None)
            else:
                size = min(level.bid_size, level.ask_size)
                self.fake.ledger.quote(symbol, str(level.bid), str(level.ask), size)

    def end_day(self, values: Mapping[str, Decimal]) -> None:
        self.fake.ledger.end_day()
        for symbol in values:
            self.fake.ledger.positions.pop(symbol, None)

    def trade_by_hand(self, symbol: str, quantity: int, *, fills: bool) -> bool:
        held = self.holdings().get(symbol, 0)
        form = {
            "class": "option",
            "symbol": parse_contract(symbol).underlying,
            "option_symbol": symbol,
            "side": "sell_to_close" if held > 0 else "buy_to_close",
            "quantity": str(quantity),
            "type": "limit",
            "duration": "day",
            "price": "9999.00" if held > 0 else "0.01",
        }
        working = sum(int(one["remaining_quantity"]) for one in self.fake.ledger.working(symbol))
        if quantity > abs(held) - working:
            return False
        order = self.fake.ledger.place(form)
        if fills:
            self.fake.ledger.execute(order, quantity, 1 + Decimal(quantity) / 100)
        return True

    def executions(self) -> Mapping[str, ClosedByHand]:
        """Each contract singly, as the books have them; a person's order fills at one price."""
        return {
            f"tradier-paper-{one.broker_order_id}-{contract}": ClosedByHand(
                one.symbol, one.sells, 1, one.value / one.filled
            )
            for one in self.orders()
            if one.is_by_hand
            for contract in range(1, one.filled + 1)
        }

    def end(self, broker_order_id: str, status: str) -> None:
        order = self._order(broker_order_id)
        if order["status"] in WORKING:
            order |= {"status": status, "remaining_quantity": 0.0}

    def execute(self, broker_order_id: str, quantity: int) -> None:
        order = self._order(broker_order_id)
        self.fake.ledger.execute(order, quantity, Decimal(str(order["price"])))

    def answer(self, request: Request) -> Reply:
        reply = self.fake.answer(request)
        left = int(dict(reply.headers)["X-Ratelimit-Available"])
        bucket = "reads" if request.method == "GET" else "orders"
        self.limit.answer(bucket, is_refused=reply.status == 429, left=left)
        return replace(reply, body=self._with_status(reply.body)) if self._shows else reply

    def kind_of(self, request: Request) -> str:
        if request.path.endswith("/positions"):
            return venues.POSITIONS
        head, _, last = request.path.partition("/orders")
        if head == request.path:
            return venues.ACCOUNT
        if request.method != "GET":
            return venues.POST if request.method == "POST" else venues.CANCEL
        return venues.FIND if last.strip("/") else venues.LIST

    def posted(self, request: Request) -> Posted:
        form = request.form
        return Posted(
            client_order_id=form["tag"],
            symbol=form["option_symbol"],
            sells=form["side"] == "sell_to_close",
            quantity=int(form["quantity"]),
            limit=Decimal(form["price"]),
        )

    def refusals(self) -> Mapping[str, Reply]:
        words = ["You do not have enough buying power for this trade."]
        return {
            "refused": tradier.refusal(words),
            "says_200_with_errors": tradier.refusal(["OmsInternalError"]),
            "wrong_key": tradier.fault("Invalid Access Token"),
        }

    def spoil_positions(self, reply: Reply, keep: Callable[[int], bool]) -> Reply:
        held = json.loads(reply.body)["positions"]
        rows = held["position"] if isinstance(held, dict) else []
        rows = rows if isinstance(rows, list) else [rows]
        kept = [row for number, row in enumerate(rows) if keep(number)]
        body = {"positions": {"position": one_or_many(kept)} if kept else self.fake.nothing}
        return replace(json_reply(body), headers=reply.headers)

    def set_manner(self, name: str, *, on: bool, amount: float) -> bool:
        fake, few = self.fake, 3 + int(amount * 6)
        all_reads = fake.allowed | {"standard": READS_PER_MINUTE}
        ways: dict[str, tuple[Any, str, Any, Any]] = {
            "visibility_lag": (
                fake, "visible_after", timedelta(seconds=10 + 90 * amount), timedelta(0),
            ),
            "filled_before_price": (fake.ledger, "fills_before_price", 1 + int(amount * 6), 0),
            "unknown_status": (self, "_shows", "under_a_new_law", None),
            "cancel_not_confirmed": (fake.ledger, "stays_pending", True, False),
            "hides_filled": (fake, "hides_filled", True, False),
            "shared_limit": (fake, "allowed", all_reads | {"standard": few}, all_reads),
            "rejected_after_taken": (
                fake.ledger, "rejects_later", "Rejected by the exchange.", "",
            ),
            "pages_of_two": (fake, "page_size", 2, 1500),
        }  # fmt: skip
        return take_manner(ways, name, on=on)

    def _all(self) -> list[dict[str, Any]]:
        return [*self.fake.ledger.past, *self.fake.ledger.orders]

    def _order(self, broker_order_id: str) -> dict[str, Any]:
        return next(one for one in self._all() if str(one["id"]) == broker_order_id)

    def _with_status(self, body: bytes) -> bytes:
        for word in ("open", "pending", "partially_filled"):
            body = body.replace(
                f'"status": "{word}"'.encode(), f'"status": "{self._shows}"'.encode()
            )
        return body


def _row(order: dict[str, Any]) -> LedgerOrder:
    filled = int(order["exec_quantity"])
    value = Decimal(str(order["avg_fill_price"])) * filled
    return LedgerOrder(
        client_order_id=str(order.get("tag") or ""),
        broker_order_id=str(order["id"]),
        symbol=order["option_symbol"],
        sells=order["side"] == "sell_to_close",
        quantity=int(order["quantity"]),
        filled=filled,
        value=value,
        is_open=order["status"] in WORKING,
        status=order["status"],
        at=datetime.fromisoformat(order["create_date"]),
    )
