"""A stateful local server that behaves like Alpaca's trading host, faults included.

What it does is what Alpaca's documentation and its OpenAPI file tell; the tests validate every
request and every answer against that file.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any

from exit_pipeline_tests.canaries import CANARIES
from exit_pipeline_tests.fake_brokers.alpaca_contracts import contract_page, contract_row
from exit_pipeline_tests.fake_brokers.alpaca_ledger import Ledger, Order, RefusedOrder, made_at
from exit_pipeline_tests.fake_brokers.alpaca_rows import show_account, show_order, show_position
from exit_pipeline_tests.fake_brokers.server import LocalServer, Reply, Request, json_reply
from exit_pipeline_tests.fakes import NEW_YORK

KEY_ID = CANARIES["ALPACA_API_KEY"]
KEY = CANARIES["ALPACA_SECRET_KEY"]
HTML = b"<!DOCTYPE html><html><head><title>502</title></head><body>Bad gateway</body></html>"

FAULTS: Mapping[str, Reply] = {
    "lost_request": Reply(lost=True),
    "lost_response": Reply(lost=True),
    "server_error": json_reply({"message": "internal server error"}, 500),
    "server_error_after": json_reply({"message": "gateway timeout"}, 504),
    "html": Reply(body=HTML, headers={"content-type": "text/html"}),
    "html_error": Reply(status=502, body=HTML, headers={"content-type": "text/html"}),
    "html_not_found": Reply(status=404, body=HTML, headers={"content-type": "text/html"}),
    "no_route": json_reply({"message": "no Route matched with those values"}, 404),
    "huge_error": Reply(status=500, body=b"x" * 5_000_000),
    "huge_refusal": Reply(status=400, body=b"x" * 5_000_000),
    "truncated": Reply(cut=True),
    "broken": Reply(body=b'{"id": "a', headers={"content-type": "application/json"}),
    "other_form": json_reply("ok"),
    "never": Reply(never=True),
    "endless": Reply(endless=True),
    "null": json_reply(None),
    "null_text": json_reply("null"),
    "empty_list": json_reply([]),
    "rate_limited_by_another": Reply(status=429, body=HTML, headers={"content-type": "text/html"}),
    "rate_limited_after": json_reply({"code": 42910000, "message": "rate limit exceeded"}, 429),
    "rate_limited": json_reply({"code": 42910000, "message": "rate limit exceeded"}, 429),
    "unauthorized": json_reply({"code": 40110000, "message": "request is not authorized"}, 401),
    "forbidden": json_reply({"message": "forbidden."}, 403),
    "day_trades": json_reply(
        {"code": 40310100, "message": "trade denied due to pattern day trading protection"}, 403
    ),
    "duplicate_after": json_reply(
        {"code": 40010001, "message": "client_order_id must be unique"}, 422
    ),
}
"""What goes wrong, by name. Those of `_AFTER` are carried out, and only the answer is spoilt."""

_AFTER = frozenset({
    "lost_response", "server_error_after", "truncated", "rate_limited_after", "duplicate_after",
})  # fmt: skip


@dataclass
class Fault:
    """A fault that strikes the next requests of a method whose path begins so."""

    name: str
    method: str
    path: str
    times: int


class FakeAlpaca:
    """The trading host, entered like a context.

    Attributes:
        ledger: The account's books, for tests to arrange and look at.
        shows_fills: False hides the activities of fills, as when they lag behind orders.
        hides_new_orders: How many look-ups by client id don't see an order yet.
        visible_after: How old an order must be to be seen by anybody who looks.
        hides_filled: Orders that have filled, in part too, are not shown to anybody who looks.
        answers_first: Orders are answered as ``pending_new`` and matched afterwards.
        confirms_cancels: False leaves cancelled orders in ``pending_cancel``.
        numbers: Decimals are written as JSON numbers instead of strings.
        unknown_status: Shown instead of every order's status.
        skew: Its clock less the test's.
        session: When its regular session opens and closes next, and whether it is on; None is what
            09:30 to 16:00 in New York say of its time.
        limit_ends_in: After a 429, how long nothing more is taken.
        contracts: Its listed options, see ``list_contract``.
        contracts_per_page: The most on one page, whatever is asked for.
        honest: Exchanges without a fault, which the published file must cover.
    """

    def __init__(self, clock: Any) -> None:
        self.clock = clock
        self.skew = timedelta(0)
        self.session: tuple[bool, datetime, datetime] | None = None
        self.limit_ends_in = timedelta(0)
        self.contracts: list[dict[str, Any]] = []
        self.contracts_per_page = 10_000
        self.ledger = Ledger(self.now)
        self.shows_fills = True
        self.hides_new_orders = 0
        self.visible_after = timedelta(0)
        self.hides_filled = False
        self.answers_first = False
        self.confirms_cancels = True
        self.numbers = False
        self.unknown_status: str | None = None
        self.requests_left = 199
        self.honest: list[tuple[Request, Reply]] = []
        self._faults: list[Fault] = []
        self._server = LocalServer(self.answer, self.now)
        self._client_ids = (f"made-{number}" for number in count(1))

    @property
    def environ(self) -> dict[str, str]:
        """The environment of a client."""
        return {
            "ALPACA_API_KEY": KEY_ID,
            "ALPACA_SECRET_KEY": KEY,
            "ALPACA_BASE_URL": self._server.url,
        }

    @property
    def requests(self) -> list[Request]:
        return self._server.requests

    @property
    def replies(self) -> list[Reply]:
        return self._server.replies

    def now(self) -> datetime:
        """Its own time."""
        return self.clock.now() + self.skew

    def list_contract(self, symbol: str, open_interest: int | None, as_of: date) -> None:
        """List an option."""
        self.contracts.append(contract_row(symbol, open_interest, as_of))

    def asked(self) -> list[tuple[str, str]]:
        """Method and path of every request so far."""
        return [(request.method, request.path) for request in self.requests]

    def fail(self, name: str, method: str = "POST", path: str = "/", times: int = 1) -> None:
        """Let a fault of ``FAULTS`` strike the next requests of that kind."""
        self._faults.append(Fault(name, method, path, times))

    def recover(self) -> None:
        """Let nothing strike any more."""
        self._faults.clear()

    def drain(self) -> None:
        """Wait until all that clients have sent, who are gone now, is done."""
        self._server.drain()

    def __enter__(self) -> "FakeAlpaca":
        self._server.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.__exit__(*error)

    def answer(self, request: Request) -> Reply:
        """What a request is answered with, over whatever it came."""
        fault = self._fault_for(request)
        if fault is None:
            reply = self._respond(request)
            if not (self.numbers or self.unknown_status):
                self.honest.append((request, reply))
            return self.limited(reply)
        reply = FAULTS[fault]
        if fault in _AFTER:
            done = self._respond(request)
            reply = Reply(body=done.body, headers=done.headers, cut=True) if reply.cut else reply
        return self.limited(reply)

    def _fault_for(self, request: Request) -> str | None:
        for fault in self._faults:
            hits = fault.method == request.method and request.path.startswith(fault.path)
            if hits and fault.times > 0:
                fault.times -= 1
                return fault.name
        return None

    def limited(self, reply: Reply) -> Reply:
        """Rate limits are on every answer; the window ends a minute from now."""
        left = 0 if reply.status == 429 else self.requests_left
        window = self.limit_ends_in if reply.status == 429 else timedelta(minutes=1)
        reset = int((self.now() + window).timestamp())
        limits = {
            "X-RateLimit-Limit": "200",
            "X-RateLimit-Remaining": str(left),
            "X-RateLimit-Reset": str(reset),
        }
        return Reply(**{**vars(reply), "headers": limits | dict(reply.headers)})

    def _respond(self, request: Request) -> Reply:
        given = (request.headers.get("apca-api-key-id"), request.headers.get("apca-api-secret-key"))
        if given != (KEY_ID, KEY):
            return FAULTS["unauthorized" if all(given) else "forbidden"]
        head, _, last = request.path.rpartition("/")
        endpoints: dict[tuple[str, str], Callable[[], Reply]] = {
            ("GET", "/v2/account"): lambda: json_reply(show_account()),
            ("GET", "/v2/clock"): self._clock,
            ("GET", "/v2/options/contracts"): lambda: self._contracts(request.query),
            ("GET", "/v2/positions"): self._positions,
            ("GET", "/v2/account/activities"): lambda: self._activities(request.query),
            ("GET", "/v2/orders:by_client_order_id"): lambda: self._find(request.query),
            ("GET", "/v2/orders"): lambda: self._orders(request.query),
            ("POST", "/v2/orders"): lambda: self._place(request.json),
            ("DELETE", "/v2/orders/"): lambda: self._cancel(last),
        }
        path = request.path if head != "/v2/orders" else "/v2/orders/"
        endpoint = endpoints.get((request.method, path))
        return endpoint() if endpoint else json_reply({"message": "endpoint not found."}, 404)

    def _clock(self) -> Reply:
        now = self.now().astimezone(NEW_YORK)
        is_open, opens, closes = self.session or _usual_session(now)
        return json_reply({
            "timestamp": f"{now:%Y-%m-%dT%H:%M:%S.%f}789{now.isoformat()[-6:]}",
            "is_open": is_open,
            "next_open": opens.astimezone(NEW_YORK).isoformat(),
            "next_close": closes.astimezone(NEW_YORK).isoformat(),
        })  # fmt: skip

    def _contracts(self, query: Mapping[str, str]) -> Reply:
        return json_reply(contract_page(self.contracts, query, self.contracts_per_page))

    def _positions(self) -> Reply:
        held = (show_position(self.ledger, symbol) for symbol in self.ledger.holdings)
        return json_reply([self._written(row) for row in held])

    def _show(self, order: Order) -> dict[str, Any]:
        return self._written(show_order(order, self.unknown_status))

    def _place(self, body: dict[str, Any]) -> Reply:
        body = {"client_order_id": next(self._client_ids)} | body
        try:
            order = self.ledger.place(body)
        except RefusedOrder as refused:
            status, code, message = refused.args
            return json_reply({"code": code, "message": message}, status)
        if not self.answers_first:
            return json_reply(self._show(order))
        new = Order(id=order.id, body=order.body, at=order.at, status="pending_new")
        return json_reply(self._show(new))

    def _find(self, query: Mapping[str, str]) -> Reply:
        if self.hides_new_orders:
            self.hides_new_orders -= 1
            return _NOT_FOUND
        for order in self._visible():
            if order.body["client_order_id"] == query["client_order_id"]:
                return json_reply(self._show(order))
        return _NOT_FOUND

    def _orders(self, query: Mapping[str, str]) -> Reply:
        wanted = query.get("status", "open")
        found = [
            order
            for order in self._visible()
            if wanted == "all" or order.is_open == (wanted == "open")
        ]
        if after := query.get("after_order_id"):
            ids = [order.id for order in found]
            found = found[ids.index(after) + 1 :]
        if query.get("direction", "desc") == "desc":
            found.reverse()
        return json_reply([self._show(order) for order in found[: int(query.get("limit", 50))]])

    def _visible(self) -> list[Order]:
        newest = self.clock.at - self.visible_after
        return [
            order
            for order in self.ledger.orders.values()
            if order.at <= newest and not (self.hides_filled and order.filled)
        ]

    def _cancel(self, order_id: str) -> Reply:
        order = self.ledger.orders.get(order_id)
        if order is None:
            return _NOT_FOUND
        if not order.is_open:
            message = f'order is already in "{order.status}" state'
            return json_reply({"code": 42210000, "message": message}, 422)
        if self.confirms_cancels:
            self.ledger.end(order, "canceled")
        else:
            order.status = "pending_cancel"
        return Reply(status=204)

    def _activities(self, query: Mapping[str, str]) -> Reply:
        kinds = query["activity_types"].split(",")
        after = datetime.fromisoformat(query["after"]) if "after" in query else None
        rows = [
            row
            for row in self.ledger.activities
            if row["activity_type"] in kinds
            and (self.shows_fills or row["activity_type"] != "FILL")
            and (after is None or made_at(row) > after)
        ]
        if query.get("direction", "desc") == "desc":
            rows.reverse()
        if token := query.get("page_token"):
            rows = rows[[row["id"] for row in rows].index(token) + 1 :]
        return json_reply([self._written(row) for row in rows[: int(query.get("page_size", 100))]])

    def _written(self, row: dict[str, Any]) -> dict[str, Any]:
        figures = ("qty", "filled_qty", "filled_avg_price", "price", "avg_entry_price", "cum_qty")
        if not self.numbers:
            return row
        return {k: float(v) if k in figures and v is not None else v for k, v in row.items()}


def _usual_session(now: datetime) -> tuple[bool, datetime, datetime]:
    opens = now.replace(hour=9, minute=30, second=0, microsecond=0)
    closes = now.replace(hour=16, minute=0, second=0, microsecond=0)
    next_open, next_close = (at if at > now else at + timedelta(days=1) for at in (opens, closes))
    return opens <= now < closes, next_open, next_close


_NOT_FOUND = json_reply({"code": 40410000, "message": "order not found"}, 404)
