"""Cboe's folder of delayed files in small."""

import gzip
import json
from collections.abc import Callable
from typing import Any

from exit_pipeline_tests.fake_brokers.server import LocalServer, Reply, Request

FOLDER = "/api/global/delayed_quotes"
ACCESS_DENIED = b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>AccessDenied</Code></Error>'
MADE_AT = "2026-07-10 14:31:12"
"""UTC; what the files tell of is of 10:15:04 New York time, a quarter of an hour before."""
TRADED_AT = "2026-07-10T10:15:04"


def option(symbol: str, bid: Any, ask: Any, **fields: Any) -> dict[str, Any]:
    """A row of a chain."""
    return {
        "option": symbol, "bid": bid, "bid_size": 12.0, "ask": ask, "ask_size": 10.0,
        "iv": 0.1721, "open_interest": 15230.0, "volume": 812.0, "delta": 0.5012,
        "gamma": 0.0011, "vega": 9.11, "theta": -1.92, "rho": 4.01, "theo": 118.7,
        "change": 6.6, "open": 112.3, "high": 118.9, "low": 112.3, "tick": "no_change",
        "last_trade_price": 118.9, "last_trade_time": "2026-07-10T10:14:40",
        "percent_change": 5.8771, "prev_day_close": 112.3000030517578,
    } | fields  # fmt: skip


class FakeCboe:
    """Serves the files that are put into it; enter it to serve.

    Attributes:
        files: Body by path.
        fault: What goes wrong with a request; None answers it as usual.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.fault: Callable[[Request], Reply | None] = lambda _request: None
        self.server = LocalServer(self._answer)

    def __enter__(self) -> "FakeCboe":
        self.server.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.server.__exit__(*error)

    @property
    def environ(self) -> dict[str, str]:
        """What a source is built from to ask here."""
        return {"CBOE_BASE_URL": self.server.url}

    @property
    def paths(self) -> list[str]:
        """What was asked for, without the folder."""
        return [request.path.removeprefix(f"{FOLDER}/") for request in self.server.requests]

    def put_level(self, name: str, level: Any, at: str | None = TRADED_AT, **fields: Any) -> None:
        """A quote's file, by its name there, such as ``_VIX``."""
        self._put("quotes", name, {"current_price": level, "last_trade_time": at} | fields)

    def put_chain(
        self, name: str, price: Any, *options: dict[str, Any], at: str | None = TRADED_AT
    ) -> None:
        """A chain's file."""
        data = {"options": list(options), "current_price": price, "last_trade_time": at}
        self._put("options", name, data)

    def _put(self, kind: str, name: str, data: dict[str, Any]) -> None:
        symbol = name.replace("_", "^")
        block = {"symbol": symbol, "security_type": "index", "prev_day_close": 1.0, "seqno": 7}
        body = {"timestamp": MADE_AT, "data": block | data, "symbol": name}
        self.files[f"{FOLDER}/{kind}/{name}.json"] = json.dumps(body).encode()

    def _answer(self, request: Request) -> Reply:
        if (fault := self.fault(request)) is not None:
            return fault
        body = self.files.get(request.path)
        if body is None:
            return Reply(
                status=403, body=ACCESS_DENIED, headers={"content-type": "application/xml"}
            )
        zipped = "gzip" in request.headers.get("accept-encoding", "")
        headers = {"content-type": "application/json"}
        if zipped:
            return Reply(body=gzip.compress(body), headers=headers | {"content-encoding": "gzip"})
        return Reply(body=body, headers=headers)
