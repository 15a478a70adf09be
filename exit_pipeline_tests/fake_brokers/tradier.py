"""A Tradier that runs here: a stateful HTTP server with the vendor's personality and its faults."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import RLock
from typing import Any
from urllib.parse import unquote

from exit_pipeline_tests.canaries import CANARIES
from exit_pipeline_tests.fake_brokers.server import LocalServer, Reply, Request, json_reply
from exit_pipeline_tests.fake_brokers.tradier_ledger import WORKING, Ledger, position_rows, stamp
from exit_pipeline_tests.fakes import NEW_YORK, FixedClock

KEY = CANARIES["TRADIER_API_KEY"]
ACCOUNT = "VA00099887"
TAG = re.compile(r"[A-Za-z0-9-]{1,255}")
JSON, FORM = "application/json", "application/x-www-form-urlencoded"
OVER_LIMIT = "Rate limit quota violation. Quota limit exceeded."


def plain(text: str, status: int = 400) -> Reply:
    return Reply(status=status, body=text.encode(), headers={"content-type": "text/plain"})


def html(text: str, status: int = 200) -> Reply:
    return Reply(status=status, body=text.encode(), headers={"content-type": "text/html"})


def fault(text: str, status: int = 401) -> Reply:
    return json_reply({"fault": {"faultstring": text, "detail": {"errorcode": "x"}}}, status)


def refusal(words: list[str]) -> Reply:
    return json_reply({"errors": {"error": one_or_many(words)}})


HTML = html("<html><body>maintenance</body></html>")
HUGE = html("<html>" + "x" * 5_000_000, 500)
BROKEN = Reply(body=b'{"orders": {"order": [{"id": 1', headers={"content-type": JSON})
CUT = replace(json_reply({"orders": {"order": []}}), cut=True)
EMPTY = Reply()
DOWN = fault("Datastore Error", 500)
NOT_FOUND = plain("not found", 404)
TOO_MANY = fault(OVER_LIMIT, 429)
TOO_MANY_BY_ANOTHER = html("<html><body>Slow down</body></html>", 429)
LOST = Reply(lost=True)


@dataclass
class Fault:
    """What goes wrong with the next requests of a kind.

    `path` is a pattern. `before` answers instead of doing what was asked; otherwise it is done, and
    then answered so.
    """

    method: str
    path: str
    reply: Reply
    before: bool
    times: int


class FakeTradier:
    """The server's state; tests set it, and read back what was `asked`.

    Attributes:
        allowed: Requests per minute, by bucket.
        nothing: How it says "none": the text "null", as the vendor may, or null.
        hidden: For so many listings, an order is not listed yet.
        visible_after: How old an order must be to be shown to anybody who looks.
        hides_filled: Orders that have filled, in part too, are not shown to anybody who looks.
        page_size: The most orders on one page, whatever is asked for.
        strings: Figures of orders are written as texts.
        counts_pages: Whether a page tells how many there are.
        skew: Its clock less the test's.
        market: State, next change and next state of its session.
        uncounted: So many orders are counted and on no page.
        on_request: Called with each request before it is answered.
        honest: Requests and answers without those that a fault made, for the file of the API.
    """

    def __init__(self, clock: FixedClock) -> None:
        self.clock, self.ledger = clock, Ledger(clock)
        self.quotes: dict[str, dict[str, Any]] = {}
        self.allowed = {"standard": 120, "markets": 120, "trading": 60}
        self.nothing: Any = "null"
        self.strings = False
        self.hidden, self.page_size, self.counts_pages, self.uncounted = 0, 1500, True, 0
        self.on_request: Callable[[Request], None] = lambda _request: None
        self.honest: list[tuple[Request, Reply]] = []
        self.skew = timedelta(0)
        self.market = ("open", "16:00", "postmarket")
        self.accounts = [ACCOUNT]
        self.visible_after = timedelta(0)
        self.hides_filled = False
        self.server: LocalServer
        self.lock = RLock()
        self._faults: list[Fault] = []
        self._used: Counter[str] = Counter()
        self._window = clock.at

    def fail(
        self, method: str, path: str, reply: Reply, *, before: bool = True, times: int = 1
    ) -> None:
        self._faults.append(Fault(method, path, reply, before, times))

    @property
    def url(self) -> str:
        return self.server.url

    def now(self) -> datetime:
        """Its own time."""
        return self.clock.now() + self.skew

    def asked(self, method: str, path: str = "") -> list[Request]:
        """What was asked with this method, of paths that end so."""
        return [
            one for one in self.server.requests if one.method == method and one.path.endswith(path)
        ]

    def answer(self, request: Request) -> Reply:
        with self.lock:
            self.on_request(request)
            limits, over = self._limit(request.method, request.path)
            reply = fault(OVER_LIMIT, 429) if over else self._outcome(request)
            return replace(reply, headers=limits | dict(reply.headers))

    def _outcome(self, request: Request) -> Reply:
        wrong = self._take_fault(request.method, request.path)
        if wrong and wrong.before:
            return wrong.reply
        reply = _why_refused(request) or self._route(request)
        self.honest.append((request, reply))
        return wrong.reply if wrong else reply

    def _limit(self, method: str, path: str) -> tuple[dict[str, str], bool]:
        if self.clock.at >= self._window + timedelta(minutes=1):
            self._window = self.clock.at
            self._used.clear()
        is_order = path.rsplit("/", 1)[0].endswith("orders") or path.endswith("orders")
        bucket = "trading" if is_order and method != "GET" else "standard"
        bucket = "markets" if path.startswith("/v1/markets") else bucket
        over = self._used[bucket] >= self.allowed[bucket]
        self._used[bucket] += not over
        ends = int((self._window + self.skew + timedelta(minutes=1)).timestamp() * 1000)
        return {
            "X-Ratelimit-Allowed": str(self.allowed[bucket]),
            "X-Ratelimit-Used": str(self._used[bucket]),
            "X-Ratelimit-Available": str(self.allowed[bucket] - self._used[bucket]),
            "X-Ratelimit-Expiry": str(ends),
        }, over

    def _take_fault(self, method: str, path: str) -> Fault | None:
        for one in self._faults:
            if one.times and one.method == method and re.search(one.path, path):
                one.times -= 1
                return one
        return None

    def _route(self, request: Request) -> Reply:
        area, _, rest = request.path.removeprefix("/v1/").partition("/")
        if area == "user":
            return json_reply({"profile": {"account": one_or_many(self._account_rows())}})
        if area == "markets":
            return self._markets(rest, request)
        account, _, rest = rest.partition("/")
        if unquote(account) not in self.accounts:
            return fault("Unauthorized Account")
        if rest == "positions":
            return self._list("positions", "position", position_rows(self.ledger))
        return self._orders_area(request, rest.removeprefix("orders").lstrip("/"))

    def _orders_area(self, request: Request, order_id: str) -> Reply:
        if request.method == "POST":
            return self._place(request.form)
        if not order_id:
            return self._orders(request.query)
        known = [*self.ledger.past, *self._visible()]
        found = [order for order in known if str(order["id"]) == order_id]
        if not found or self.hidden:
            return NOT_FOUND
        if request.method == "DELETE":
            return self._cancel(found[0])
        return json_reply({"order": self._shown(found[0], request.query)})

    def _orders(self, query: dict[str, str]) -> Reply:
        size = min(int(query.get("limit", 25)), self.page_size)
        page = int(query.get("page", 1))
        orders = [] if self.hidden else self._visible()
        self.hidden = max(0, self.hidden - 1)
        rows = [self._shown(order, query) for order in orders[(page - 1) * size : page * size]]
        if not rows:
            return json_reply({"orders": self.nothing})
        body: dict[str, Any] = {"order": one_or_many(rows)}
        if self.counts_pages:
            body |= {"page": page, "total_pages": -(-len(orders) // size)}
            body |= {"total_orders": len(orders) + self.uncounted}
        return json_reply({"orders": body})

    def _visible(self) -> list[dict[str, Any]]:
        newest = stamp(self.clock.at - self.visible_after)
        return [
            order
            for order in self.ledger.orders
            if order["create_date"] <= newest and not (self.hides_filled and order["exec_quantity"])
        ]

    def _shown(self, order: dict[str, Any], query: dict[str, str]) -> dict[str, Any]:
        shown = self.ledger.shown(order)
        if query.get("includeTags") != "true":
            shown.pop("tag", None)
        if self.strings:
            return {k: str(v) if isinstance(v, float) else v for k, v in shown.items()}
        return shown

    def _place(self, form: dict[str, str]) -> Reply:
        needed = ("class", "symbol", "option_symbol", "side", "quantity", "type", "duration")
        missing = [name for name in needed if name not in form]
        if missing or not TAG.fullmatch(form.get("tag", "x")):
            return plain(f"Invalid parameter, {(missing or ['tag'])[0]}: is not valid.")
        if words := self.ledger.why_refused(form):
            return refusal(words)
        if form.get("preview") == "true":
            return json_reply({"order": {"status": "ok", "result": True, "commission": 0.35}})
        order = self.ledger.place(form)
        return json_reply({"order": {"id": order["id"], "status": "ok", "partner_id": "p"}})

    def _cancel(self, order: dict[str, Any]) -> Reply:
        if order["status"] not in WORKING:
            return plain(f"order already in finalized state: {order['status']}")
        self.ledger.cancel(order)
        return json_reply({"order": {"id": order["id"], "status": "ok"}})

    def _markets(self, rest: str, request: Request) -> Reply:
        query = request.query
        if rest == "clock":
            return self._clock()
        options = [row for row in self.quotes.values() if row["type"] == "option"]
        options = [row for row in options if row["underlying"] == query.get("symbol")]
        if rest == "options/expirations":
            dates = sorted({row["expiration_date"] for row in options})
            return self._list("expirations", "date", dates)
        if rest == "options/chains":
            day = query["expiration"]
            options = [row for row in options if row["expiration_date"] == day]
            return self._list("options", "option", options)
        asked = request.form["symbols"].split(",")
        known = [self.quotes[symbol] for symbol in asked if symbol in self.quotes]
        missing = [symbol for symbol in asked if symbol not in self.quotes]
        body: dict[str, Any] = {"quote": one_or_many(known)} if known else {}
        if missing:
            body["unmatched_symbols"] = {"symbol": one_or_many(missing)}
        return json_reply({"quotes": body})

    def _clock(self) -> Reply:
        state, changes_at, follows = self.market
        clock = {
            "date": f"{self.now().astimezone(NEW_YORK):%Y-%m-%d}",
            "description": f"Market is {state}",
            "state": state,
            "timestamp": int(self.now().timestamp()),
            "next_change": changes_at,
            "next_state": follows,
        }
        return json_reply({"clock": clock})

    def _account_rows(self) -> list[dict[str, str]]:
        return [{"account_number": number, "status": "active"} for number in self.accounts]

    def _list(self, outer: str, inner: str, rows: list[Any]) -> Reply:
        return json_reply({outer: {inner: one_or_many(rows)} if rows else self.nothing})


@contextmanager
def fake_tradier(clock: FixedClock) -> Iterator[FakeTradier]:
    """A server on a free port of this machine, with one account and no quotes."""
    fake = FakeTradier(clock)
    with LocalServer(fake.answer, fake.now) as server:
        fake.server = server
        yield fake


def one_or_many(rows: list[Any]) -> Any:
    return rows[0] if len(rows) == 1 else rows


def _why_refused(request: Request) -> Reply | None:
    headers = request.headers
    if headers.get("authorization") != f"Bearer {KEY}":
        return fault("Invalid Access Token")
    if headers.get("accept") != JSON:
        return Reply(body=b"<xml/>", headers={"content-type": "application/xml"})
    if request.method == "POST" and headers.get("content-type") != FORM:
        return plain("Invalid content type")
    return None
