"""Alpaca's market-data host in small: snapshots, pages of chains, indices, plans, limits."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from exit_pipeline_tests.canaries import CANARIES
from exit_pipeline_tests.fake_brokers.server import LocalServer, Reply, Request, json_reply

KEY, HUSH = CANARIES["ALPACA_DATA_KEY"], CANARIES["ALPACA_DATA_SECRET"]
OPTIONS = "/v1beta1/options/snapshots"
STOCKS = "/v2/stocks/snapshots"
INDICES = "/v1beta1/indices/latest/values"

Fault = Callable[[Request], Reply | None]


def nanoseconds(at: datetime) -> str:
    """A time as the vendor writes it."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}208Z"


class FakeAlpacaData:
    """What the vendor would answer to keys of a plan; enter it to serve.

    Attributes:
        options: Snapshot by contract; likewise stocks and indices by ticker.
        feeds: Option feeds that the plan has.
        has_indices: Whether the plan has index data.
        refuses: Symbols that make it refuse the whole request, as malformed ones do.
        fault: What goes wrong with a request; None answers it as usual.
        left: Requests that the minute still takes.
    """

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.options: dict[str, Any] = {}
        self.stocks: dict[str, Any] = {}
        self.indices: dict[str, Any] = {}
        self.feeds = {"opra", "indicative"}
        self.has_indices = True
        self.refuses: set[str] = set()
        self.fault: Fault = lambda _request: None
        self.left = 200
        self.server = LocalServer(self._answer, lambda: self.now)

    def __enter__(self) -> "FakeAlpacaData":
        self.server.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.server.__exit__(*error)

    @property
    def environ(self) -> dict[str, str]:
        """What a source is built from to ask here."""
        return {
            "ALPACA_API_KEY": KEY,
            "ALPACA_SECRET_KEY": HUSH,
            "ALPACA_DATA_URL": self.server.url,
        }

    def quote_option(self, symbol: str, bid: Any, ask: Any, at: datetime, **blocks: Any) -> None:
        """Set a contract's quote."""
        quoted = {"t": nanoseconds(at), "bx": "C", "bp": bid, "bs": 16, "ax": "B", "ap": ask,
                  "as": 91, "c": "A"}  # fmt: skip
        self.options[symbol] = {"latestQuote": quoted} | blocks

    def trade_stock(self, ticker: str, price: Any, at: datetime, **blocks: Any) -> None:
        """Set a share's last trade."""
        trade = {"t": nanoseconds(at), "x": "Q", "p": price, "s": 160, "c": ["@"], "i": 1, "z": "C"}
        self.stocks[ticker] = {"latestTrade": trade} | blocks

    def set_index(self, symbol: str, level: Any, at: datetime) -> None:
        """Set an index's level."""
        self.indices[symbol] = {"t": nanoseconds(at), "v": level}

    def _answer(self, request: Request) -> Reply:
        if (fault := self.fault(request)) is not None:
            return fault
        if self.left == 0:
            return self._reply({"message": "too many requests."}, 429)
        self.left -= 1
        sent = request.headers.get("apca-api-key-id"), request.headers.get("apca-api-secret-key")
        if sent != (KEY, HUSH):
            return self._reply({"message": "request is not authorized"}, 401)
        symbols = [one for one in request.query.get("symbols", "").split(",") if one]
        return self._data(request, symbols)

    def _data(self, request: Request, symbols: list[str]) -> Reply:
        if bad := self.refuses.intersection(symbols):
            return self._reply({"message": f"invalid symbol: {sorted(bad)[0]}"}, 400)
        if request.path == STOCKS:
            return self._reply(_known(self.stocks, symbols))
        if request.path == INDICES:
            return self._index_values(symbols)
        if request.path.startswith(OPTIONS):
            return self._snapshots(request, symbols)
        return self._reply({"message": "Not Found"}, 404)

    def _index_values(self, symbols: list[str]) -> Reply:
        if not self.has_indices:
            return self._reply({"message": "forbidden."}, 403)
        return self._reply({"values": _known(self.indices, symbols)})

    def _snapshots(self, request: Request, symbols: list[str]) -> Reply:
        if request.query.get("feed", "opra") not in self.feeds:
            return self._reply({"code": 40310000, "message": "OPRA agreement is not signed"}, 403)
        if len(symbols) > 100:
            return self._reply({"message": "too many symbols"}, 400)
        if request.path != OPTIONS:
            underlying = request.path.removeprefix(f"{OPTIONS}/")
            symbols = sorted(one for one in self.options if one.startswith(underlying))
        limit, first = int(request.query.get("limit", 100)), int(request.query.get("page_token", 0))
        token = str(first + limit) if first + limit < len(symbols) else None
        page = _known(self.options, symbols[first : first + limit])
        return self._reply({"snapshots": page, "next_page_token": token})

    def _reply(self, body: Any, status: int = 200) -> Reply:
        return json_reply(
            body,
            status,
            X_RateLimit_Limit="200",
            X_RateLimit_Remaining=str(self.left),
            X_RateLimit_Reset=str(int(self.now.timestamp()) + 60),
        )


def _known(rows: dict[str, Any], symbols: list[str]) -> dict[str, Any]:
    return {symbol: rows[symbol] for symbol in symbols if symbol in rows}
