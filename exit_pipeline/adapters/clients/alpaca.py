"""Alpaca's trading host: requests as the vendor documents them, and their plain answers.

Paths, parameters and limits are those of Alpaca's published OpenAPI file of the Trading API
(2026-06).
"""

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

import httpx

from exit_pipeline.adapters.clients.figures import read_instant
from exit_pipeline.adapters.clients.http import (
    Address,
    HttpClient,
    RateLimits,
    Refused,
    Retries,
)
from exit_pipeline.core.model.broker_time import BrokerTime
from exit_pipeline.core.model.errors import ConfigurationError, UnavailableError
from exit_pipeline.ports import Clock

HOSTS: Final = {"paper": "paper-api.alpaca.markets", "live": "api.alpaca.markets"}
"""By environment; each takes keys of its own."""

_ORDER_PAGE: Final = 500
"""Largest ``limit`` of orders; the default is 50."""

_ACTIVITY_PAGE: Final = 100
"""Largest ``page_size`` of account activities."""

_OF_THE_ORDER: Final = range(40310000, 40320000)
"""Codes of a 403 that is about the order, and not about who asks: 40310000 is quantity, buying
power or a restriction of the account, 40310100 protection from day trades."""

_ACCOUNT: Final = "/v2/account"
_ORDERS: Final = "/v2/orders"
_BY_CLIENT_ID: Final = "/v2/orders:by_client_order_id"
_POSITIONS: Final = "/v2/positions"
_ACTIVITIES: Final = "/v2/account/activities"
_CLOCK: Final = "/v2/clock"
_MOST_PAGES: Final = 200
"""A vendor that never stops paging is stopped."""

_LIMITS: Final = RateLimits(
    remaining="X-RateLimit-Remaining",
    reset="X-RateLimit-Reset",
    reset_unit="seconds",
    reserve=10,
)
"""200 requests a minute and account, reads, orders and cancels together (Alpaca support,
"usage limit of API calls"); ten of them are kept for cancels."""


class AlpacaTrading:
    """Requests to the trading host of one environment.

    Every read raises ``UnavailableError`` where no usable answer came, and ``ConfigurationError``
    where the keys are refused.

    Attributes:
        skew: What the answers tell of the vendor's clock.

    Args:
        environ: Holds ``ALPACA_API_KEY`` and ``ALPACA_SECRET_KEY``, and for tests
            ``ALPACA_BASE_URL``, a server on this machine.
        environment: ``paper`` or ``live``.
        clock: Tells when a rate limit has passed.
        timeout_seconds: Budget of one request with its retries.
        retries: How reads are tried again.
        transport: Carries the requests; by default the network does.
        monotonic: Seconds that only go forward, by which time budgets are kept.

    Raises:
        ConfigurationError: A key is missing, or the environment is another.
    """

    def __init__(  # noqa: PLR0913 - what tests may replace
        self,
        environ: Mapping[str, str],
        environment: str,
        clock: Clock,
        *,
        timeout_seconds: float = 10.0,
        retries: Retries = Retries(),  # noqa: B008 frozen
        transport: httpx.BaseTransport | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        host = HOSTS.get(environment)
        if host is None:
            message = f"Alpaca has the environments paper and live, not {environment!r}"
            raise ConfigurationError(message)
        self._environment: Final = environment
        self._http: Final = HttpClient(
            vendor="Alpaca",
            address=Address.of(host, environ, "ALPACA_BASE_URL"),
            headers={
                "APCA-API-KEY-ID": _key(environ, "ALPACA_API_KEY"),
                "APCA-API-SECRET-KEY": _key(environ, "ALPACA_SECRET_KEY"),
            },
            limits=_LIMITS,
            timeout_seconds=timeout_seconds,
            clock=clock,
            retries=retries,
            transport=transport,
            monotonic=monotonic,
        )
        self.skew: Final = self._http.skew

    def account_number(self) -> str:
        """The account that the keys belong to."""
        number = self.read(_ACCOUNT, {}, dict).get("account_number")
        if isinstance(number, str) and number:
            return number
        raise _unreadable(_ACCOUNT, "no account number")

    def place(self, order: Mapping[str, str], send_by: datetime | None = None) -> dict[str, Any]:
        """Send an order once, unless it is later than `send_by`; the order that came of it.

        Raises:
            RequestFailed: No usable answer: the order may or may not exist.
            Refused: There is no order.
            ConfigurationError: The keys are refused.
        """
        try:
            answer = self._http.request("POST", _ORDERS, json=dict(order), send_by=send_by)
        except Refused as refusal:
            error = self._refused_keys(refusal)
            if error is None:
                raise
        else:
            placed: dict[str, Any] = _checked(_ORDERS, answer.body, dict)
            return placed
        raise error

    def order(self, client_order_id: str, *, urgent: bool = False) -> dict[str, Any] | None:
        """The order with our id; None when the broker shows none."""
        params = {"client_order_id": client_order_id}
        found: dict[str, Any] | None = self.read(
            _BY_CLIENT_ID, params, dict, urgent=urgent, absent_is_none=True
        )
        if found is None or found.get("client_order_id") == client_order_id:
            return found
        raise _unreadable(_BY_CLIENT_ID, "another order than the one that was asked for")

    def cancel(self, order_id: str) -> bool:
        """Ask for a cancel; False when the order can no longer be cancelled, or isn't there."""
        path, template = f"{_ORDERS}/{quote(order_id, safe='')}", f"{_ORDERS}/{{order_id}}"
        try:
            self._http.request("DELETE", path, template=template, urgent=True)
        except Refused as refusal:
            if refusal.status in {404, 422}:
                return False
            error = self._refused_keys(refusal) or UnavailableError(str(refusal))
        else:
            return True
        raise error

    def open_orders(self) -> list[dict[str, Any]]:
        """All orders that may still fill, oldest first; multi-leg ones hold theirs in ``legs``."""
        found: list[dict[str, Any]] = []
        last: str | None = None
        for _ in range(_MOST_PAGES):
            params: dict[str, str | int | None] = {
                "status": "open",
                "limit": _ORDER_PAGE,
                "direction": "asc",
                "nested": True,
                "after_order_id": last,
            }
            page = _rows(_ORDERS, self.read(_ORDERS, params, list))
            found += page
            if len(page) < _ORDER_PAGE:
                return found
            last = str(page[-1].get("id"))
        raise _unreadable(_ORDERS, "more pages than any account has")

    def positions(self) -> list[dict[str, Any]]:
        """Everything that the account holds."""
        return _rows(_POSITIONS, self.read(_POSITIONS, {}, list))

    def activities(
        self, kinds: str, after: datetime, *, newest_first: bool = False
    ) -> Iterator[dict[str, Any]]:
        """Account activities, oldest first, each once; pages are read as they are needed.

        Args:
            kinds: Activity types separated by commas.
            after: Only those made known after this moment.
            newest_first: In the other order, for who looks back from now.
        """
        token: str | None = None
        seen: set[Any] = set()
        for _ in range(_MOST_PAGES):
            params: dict[str, str | int | None] = {
                "activity_types": kinds,
                "after": f"{after:%Y-%m-%dT%H:%M:%SZ}",
                "direction": "desc" if newest_first else "asc",
                "page_size": _ACTIVITY_PAGE,
                "page_token": token,
            }
            page = _rows(_ACTIVITIES, self.read(_ACTIVITIES, params, list))
            for row in page:
                if row.get("id") not in seen:
                    seen.add(row.get("id"))
                    yield row
            last = str(page[-1].get("id")) if page else None
            if len(page) < _ACTIVITY_PAGE or last == token:
                return
            token = last
        raise _unreadable(_ACTIVITIES, "more pages than any account has")

    def broker_time(self) -> BrokerTime:
        """The vendor's time, and the regular hours of US shares."""
        body = self.read(_CLOCK, {}, dict)
        at, is_open = read_instant(body.get("timestamp")), body.get("is_open")
        if at is None or not isinstance(is_open, bool):
            raise _unreadable(_CLOCK, "no time or no session")
        opens, closes = (read_instant(body.get(name)) for name in ("next_open", "next_close"))
        return BrokerTime(at=at, is_open=is_open, next_open=opens, next_close=closes)

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def read(
        self,
        path: str,
        params: Mapping[str, str | int | None],
        kind: type[Any],
        *,
        urgent: bool = False,
        absent_is_none: bool = False,
    ) -> Any:
        """The body of an answer.

        Args:
            path: Without values in it.
            params: The query.
            kind: ``dict`` or ``list``, as documented; another form is no usable answer.
            urgent: It may use the reserve.
            absent_is_none: Give None where the vendor says that there is no such thing.
        """
        try:
            answer = self._http.read(path, params=params, urgent=urgent)
        except Refused as refusal:
            # A 404 without a code of the vendor's is of a gateway that found no one to ask.
            if absent_is_none and refusal.status == 404 and refusal.code is not None:
                return None
            error = self._refused_keys(refusal) or UnavailableError(str(refusal))
        else:
            return _checked(path, answer.body, kind)
        raise error

    def _refused_keys(self, refusal: Refused) -> ConfigurationError | None:
        if refusal.status not in {401, 403} or refusal.code in _OF_THE_ORDER:
            return None
        return ConfigurationError(
            f"Alpaca refuses ALPACA_API_KEY and ALPACA_SECRET_KEY in its {self._environment} "
            f"environment with status {refusal.status}"
        )


def _key(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "").strip()
    if value:
        return value
    message = f"{name} is not set; Alpaca needs ALPACA_API_KEY and ALPACA_SECRET_KEY"
    raise ConfigurationError(message)


def _checked(path: str, body: Any, kind: type[Any]) -> Any:
    if isinstance(body, kind):
        return body
    raise _unreadable(path, "something of another form than documented")


def _rows(path: str, body: list[Any]) -> list[dict[str, Any]]:
    if all(isinstance(row, dict) for row in body):
        return body
    raise _unreadable(path, "something of another form than documented")


def _unreadable(path: str, what: str) -> UnavailableError:
    return UnavailableError(f"Alpaca answered {path} with {what}")
