"""Alpaca's market-data host: snapshots, chains and index values, as the vendor writes them.

Paths, parameters and limits are those of Alpaca's published OpenAPI file of market data (2026-06).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from exit_pipeline.adapters.clients.http import Address, HttpClient, RateLimits, Retries
from exit_pipeline.core.model.errors import ConfigurationError, UnavailableError
from exit_pipeline.ports import Clock

HOST: Final = "data.alpaca.markets"
"""One host for paper and live accounts."""

MOST_OPTIONS: Final = 100
"""Option symbols that one request of snapshots may name."""

_OPTIONS: Final = "/v1beta1/options/snapshots"
_STOCKS: Final = "/v2/stocks/snapshots"
_INDICES: Final = "/v1beta1/indices/latest/values"
_PAGE: Final = 1_000
"""Largest ``limit`` of snapshots; it counts data points over the whole page, default 100."""

_MOST_PAGES: Final = 50
"""More than any chain has: 50,000 contracts. A vendor that never stops paging is stopped."""

_LIMITS: Final = RateLimits(
    remaining="X-RateLimit-Remaining", reset="X-RateLimit-Reset", reset_unit="seconds"
)


class AlpacaData:
    """Requests to the market-data host.

    Args:
        environ: Holds ``ALPACA_API_KEY`` and ``ALPACA_SECRET_KEY``; ``ALPACA_DATA_URL`` may name a
            server on this machine, for tests.
        clock: Tells when a rate limit has passed.
        timeout_seconds: Budget of one request with its retries.
        retries: How reads are tried again.

    Raises:
        ConfigurationError: A key is missing, or ``ALPACA_DATA_URL`` is no server on this machine.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        clock: Clock,
        *,
        timeout_seconds: float = 10.0,
        retries: Retries = Retries(),  # noqa: B008 frozen
    ) -> None:
        self._http = HttpClient(
            vendor="Alpaca market data",
            address=Address.of(HOST, environ, "ALPACA_DATA_URL"),
            headers={
                "APCA-API-KEY-ID": _key(environ, "ALPACA_API_KEY"),
                "APCA-API-SECRET-KEY": _key(environ, "ALPACA_SECRET_KEY"),
            },
            limits=_LIMITS,
            timeout_seconds=timeout_seconds,
            clock=clock,
            retries=retries,
        )

    def option_snapshots(self, symbols: Sequence[str], feed: str) -> dict[str, Any]:
        """Snapshots of at most ``MOST_OPTIONS`` contracts; unknown ones are absent.

        Raises:
            RequestFailed: No usable answer.
            Refused: A 4xx, such as 403 for a feed that the keys' plan lacks.
        """
        params: dict[str, str | int] = {"symbols": ",".join(symbols), "feed": feed, "limit": _PAGE}
        found: dict[str, Any] = {}
        for page in self._pages(_OPTIONS, _OPTIONS, params):
            found |= page
        return found

    def chain(self, underlying: str, feed: str) -> dict[str, Any]:
        """Snapshots of every contract of an underlying.

        Raises:
            RequestFailed: No usable answer.
            Refused: A 4xx.
        """
        path = f"{_OPTIONS}/{quote(underlying, safe='')}"
        found: dict[str, Any] = {}
        for page in self._pages(path, f"{_OPTIONS}/{{underlying}}", {"feed": feed, "limit": _PAGE}):
            found |= page
        return found

    def stock_snapshots(self, symbols: Sequence[str]) -> dict[str, Any]:
        """Snapshots of shares, of the best feed that the keys' plan has; unknown ones are absent.

        Raises:
            RequestFailed: No usable answer.
            Refused: A 4xx.
        """
        body = self._http.read(_STOCKS, params={"symbols": ",".join(symbols)}).body
        return _mapping(body, _STOCKS)

    def index_values(self, symbols: Sequence[str]) -> dict[str, Any]:
        """Levels of indices; unknown ones are absent.

        Raises:
            RequestFailed: No usable answer.
            Refused: A 4xx, such as 403 where the keys' plan has no index data.
        """
        body = self._http.read(_INDICES, params={"symbols": ",".join(symbols)}).body
        return _mapping(_mapping(body, _INDICES).get("values") or {}, _INDICES)

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def _pages(
        self, path: str, template: str, params: dict[str, str | int]
    ) -> Iterator[dict[str, Any]]:
        token: str | None = None
        for _ in range(_MOST_PAGES):
            asked = {**params, "page_token": token}
            body = _mapping(self._http.read(path, template=template, params=asked).body, template)
            yield _mapping(body.get("snapshots") or {}, template)
            token = body.get("next_page_token")
            if not token:
                return
        message = f"Alpaca market data: GET {template} goes on beyond {_MOST_PAGES} pages"
        raise UnavailableError(message)


def _mapping(body: Any, template: str) -> dict[str, Any]:
    if isinstance(body, dict):
        return body
    message = f"Alpaca market data: the answer to GET {template} is not of the published form"
    raise UnavailableError(message)


def _key(environ: Mapping[str, str], name: str) -> str:
    if key := environ.get(name, "").strip():
        return key
    message = f"{name} is not set, expected a key of the Alpaca account for its market data"
    raise ConfigurationError(message)
