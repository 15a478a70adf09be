"""The outermost layer: rates, the access log, and the last word on whatever goes wrong."""

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil
from time import perf_counter
from typing import Any, Final

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exit_pipeline.redaction import redact
from exit_pipeline.web.guard import Guard
from exit_pipeline.web.rates import ASKING, GUESSING, Buckets

log = logging.getLogger(__name__)

_QUIET: Final = frozenset({b"/health", b"/metrics"})
"""Asked for every few seconds; what goes well with them is no news."""

_HEADERS: Final = [
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """How often callers may ask, and how often with a wrong token."""

    asking: Buckets = field(default_factory=lambda: Buckets(ASKING))
    guessing: Buckets = field(default_factory=lambda: Buckets(GUESSING))


def failure(status: int, sentence: str, **details: Any) -> Response:
    """An answer that says in one sentence what is wrong, without secrets."""
    answer = JSONResponse({"error": sentence, **details}, status)
    body = redact(bytes(answer.body).decode())
    return Response(body, status, media_type="application/json")


class Boundary:
    """Wraps an application, so that every request is counted, answered, and told of in the log.

    Whoever has the token is counted apart from everybody else at the same address: behind a proxy
    all callers have the proxy's, and a stranger who floods or guesses there must not take away
    ``POST /halt``.

    Args:
        app: The application.
        guard: Knows who has the token.
        rates: How often callers may ask.
        reference: Makes the reference of an error that nobody expected.
    """

    def __init__(
        self,
        app: ASGIApp,
        guard: Guard,
        rates: Rates,
        reference: Callable[[], str] = lambda: secrets.token_hex(8),
    ) -> None:
        self._app = app
        self._guard = guard
        self._rates = rates
        self._reference = reference

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = perf_counter()
        watched = _Watched(send)
        caller = caller_of(scope)
        is_known = self._guard.knows(Headers(scope=scope).getlist("authorization"))
        counted = f"{caller} with the token" if is_known else caller
        wait = max(self._rates.asking.wait(counted), self._rates.guessing.wait(counted))
        if wait > 0:
            await _too_many(wait)(scope, receive, watched)
        else:
            self._rates.asking.take(counted)
            await self._answer(scope, receive, watched)
        if watched.status == 401:
            self._rates.guessing.take(counted)
        _tell(scope, caller, watched.status, perf_counter() - began)

    async def _answer(self, scope: Scope, receive: Receive, watched: "_Watched") -> None:
        try:
            await self._app(scope, receive, watched)
        except Exception:
            reference = self._reference()
            log.exception("HTTP error %s", reference)
            if watched.status is None:
                sentence = "an error that nobody expected; the program's log has the reference"
                await failure(500, sentence, reference=reference)(scope, receive, watched)


class _Watched:
    """Passes an answer on, with the headers that every one has, and remembers its status."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status: int | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message = {**message, "headers": [*message.get("headers", ()), *_HEADERS]}
        await self._send(message)


def caller_of(scope: Scope) -> str:
    """The address of whoever asks; behind a proxy, the proxy's."""
    client = scope.get("client")
    return str(client[0]) if client else "unknown"


def _too_many(wait: float) -> Response:
    answer = failure(429, f"too many requests; expected none for {ceil(wait)} seconds")
    answer.headers["retry-after"] = str(ceil(wait))
    return answer


def _tell(scope: Scope, caller: str, status: int | None, took: float) -> None:
    """One line for a request: never its query or headers, which may hold what they should not."""
    path: bytes = scope.get("raw_path") or b"/"
    is_news = path not in _QUIET or status is None or status >= 400
    level = logging.INFO if is_news else logging.DEBUG
    # As it was sent, in which no sign can end the line.
    shown = path.partition(b"?")[0][:200].decode("ascii", "backslashreplace")
    method = scope["method"][:10]
    log.log(level, "HTTP %s %s %s %s %.0f ms", caller, method, shown, status, took * 1_000)
