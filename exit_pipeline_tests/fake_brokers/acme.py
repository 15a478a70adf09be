"""The invented vendor of the example in docs/adding.md: orders by our id, JSON, one account."""

from typing import Any

from exit_pipeline_tests.fake_brokers.alpaca_ledger import Ledger, Order, RefusedOrder
from exit_pipeline_tests.fake_brokers.server import LocalServer, Reply, Request, json_reply
from exit_pipeline_tests.fakes import FixedClock

ACCOUNT, KEY = "ACME-1", "acme-key-12345"
STATUSES = {"new": "open", "partially_filled": "open", "filled": "done", "canceled": "cancelled"}


class FakeAcme:
    """The vendor's server, entered like a context; `ledger` has the account's books."""

    def __init__(self, clock: FixedClock) -> None:
        self.ledger = Ledger(clock.now)
        self.server = LocalServer(self._answer, clock.now)

    @property
    def environ(self) -> dict[str, str]:
        """The environment of a client."""
        return {"ACME_KEY": KEY, "ACME_BASE_URL": self.server.url}

    def __enter__(self) -> "FakeAcme":
        self.server.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.server.__exit__(*error)

    def _answer(self, request: Request) -> Reply:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return json_reply({"message": "who are you?"}, 401)
        account, _, rest = request.path.lstrip("/").partition("/")
        if account == "account":
            return json_reply({"id": ACCOUNT})
        kind, _, name = rest.partition("/")
        if account != ACCOUNT or kind not in {"orders", "positions"}:
            return json_reply({"message": "there is no such thing"}, 404)
        if kind == "positions":
            held = self.ledger.holdings.items()
            rows = [{"symbol": s, "qty": one.quantity, "price": str(one.price)} for s, one in held]
            return json_reply(rows)
        return self._orders(request, name)

    def _orders(self, request: Request, name: str) -> Reply:
        if not name:
            return json_reply([_shown(one) for one in self.ledger.orders.values() if one.is_open])
        if request.method == "PUT":
            return self._place(name, request.json)
        found = [o for o in self.ledger.orders.values() if o.body["client_order_id"] == name]
        if not found:
            return json_reply({"message": "there is no such order"}, 404)
        if request.method == "DELETE" and found[0].is_open:
            self.ledger.end(found[0], "canceled")
        return json_reply(_shown(found[0]))

    def _place(self, name: str, asked: dict[str, Any]) -> Reply:
        side = asked["side"].lower()
        body = asked | {
            "client_order_id": name,
            "side": side.partition("_")[0],
            "position_intent": side,
            "type": "limit",
            "time_in_force": "day",
        }
        try:
            return json_reply(_shown(self.ledger.place(body)))
        except RefusedOrder as refused:
            return json_reply({"message": refused.args[2]}, 422)


def _shown(order: Order) -> dict[str, Any]:
    fills = [
        {"id": f"{order.id}-{number}", "qty": quantity, "price": str(price), "at": at.isoformat()}
        for number, (quantity, price, at) in enumerate(order.fills)
    ]
    return {
        "name": order.body["client_order_id"],
        "id": order.id,
        "symbol": order.symbol,
        "side": order.body["position_intent"],
        "qty": order.quantity,
        "status": STATUSES[order.status],
        "fills": fills,
        "at": order.at.isoformat(),
    }
