"""Tradier's brokerage API: hosts, credentials, limits and requests.

Paths, parameters and limits are those of docs.tradier.com and documentation.tradier.com. The
default format is XML, so JSON has to be asked for; bodies are form-encoded; a rate limit's window
ends at a time in milliseconds.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import quote

import httpx

from exit_pipeline.adapters.clients.http import Address, HttpClient, RateLimits, Retries
from exit_pipeline.adapters.clients.tradier_clock import to_broker_time
from exit_pipeline.adapters.clients.tradier_json import (
    ORDERS_PER_PAGE,
    Json,
    every_page,
    items,
    rows,
)
from exit_pipeline.adapters.clients.tradier_wire import MARKETS, TradierWire
from exit_pipeline.adapters.clients.us_symbols import share_symbol
from exit_pipeline.core.model.broker_time import BrokerTime
from exit_pipeline.core.model.errors import ConfigurationError, UnavailableError
from exit_pipeline.ports import Surroundings

HOSTS: Final = {"paper": "sandbox.tradier.com", "live": "api.tradier.com"}
"""Host of each environment (docs.tradier.com, "Trading"); each has keys and accounts of its own."""

_CANCEL_RESERVE: Final = 10
"""Requests of each minute that only cancels and what they read may use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """What the vendor says of an order that was sent.

    Attributes:
        order_id: Its key for the order; empty where it gives none, as for a preview.
        refusal: Why it was not taken; empty when it was received, which is not yet accepted.
    """

    order_id: str = ""
    refusal: str = ""


def connect(
    around: Surroundings,
    *,
    timeout_seconds: float = 10.0,
    retries: Retries = Retries(),  # noqa: B008 frozen
    transport: httpx.BaseTransport | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> "TradierClient":
    """A client for the host of the environment, with the key in ``TRADIER_API_KEY``.

    Args:
        around: ``TRADIER_BASE_URL`` of its environment variables may name a server on this machine
            instead, and nothing else.
        timeout_seconds: Budget of one request with its retries.
        retries: How reads are tried again.
        transport: Carries the requests; by default the network does.
        monotonic: Seconds that only go forward, by which time budgets are kept.

    Raises:
        ConfigurationError: The key is missing, or the environment or the address can't be used.
    """
    host = HOSTS.get(around.environment)
    if host is None:
        message = f"Tradier has no environment {around.environment!r}; expected paper or live"
        raise ConfigurationError(message)
    key = (around.environ.get("TRADIER_API_KEY") or "").strip()
    if not key:
        message = f"TRADIER_API_KEY is not set; expected the access token for {host}"
        raise ConfigurationError(message)
    http = HttpClient(
        vendor="Tradier",
        address=Address.of(host, around.environ, "TRADIER_BASE_URL"),
        headers={"Authorization": f"Bearer {key}", "Accept": "application/json"},
        limits=RateLimits(
            remaining="X-Ratelimit-Available",
            reset="X-Ratelimit-Expiry",
            reset_unit="milliseconds",
            reserve=_CANCEL_RESERVE,
        ),
        timeout_seconds=timeout_seconds,
        clock=around.clock,
        retries=retries,
        transport=transport,
        monotonic=monotonic,
    )
    return TradierClient(TradierWire(http, key))


class TradierClient:
    """The requests that a broker and a source of market data need.

    Every method raises ``UnavailableError`` where no usable answer came, and ``ConfigurationError``
    where the vendor refuses the key.

    Attributes:
        skew: What the answers tell of the vendor's clock.

    Args:
        wire: Carries them.
    """

    def __init__(self, wire: TradierWire) -> None:
        self.skew: Final = wire.skew
        self._wire: Final = wire

    def close(self) -> None:
        """Give the connections back."""
        self._wire.close()

    def account_numbers(self) -> list[str]:
        """The accounts that the key belongs to."""
        path = "/v1/user/profile"
        body = self._wire.read(path, path)
        numbers = [row.get("account_number") for row in rows(body, "profile", "account")]
        return [str(number) for number in numbers if number]

    def orders(self, account: str, *, urgent: bool = False) -> list[Json]:
        """Every order of the current session, with tags, over all pages.

        Raises:
            UnavailableError: Also where the pages do not add up to what the vendor counts, since
                an order that is left out of a listing would read as never placed.
        """
        path, template = _order_path(account)

        def page(number: int) -> Json:
            params: dict[str, str | int] = {"includeTags": "true", "limit": ORDERS_PER_PAGE}
            return self._wire.read(path, template, params=params | {"page": number}, urgent=urgent)

        return every_page(page)

    def order(self, account: str, order_id: str) -> Json | None:
        """One order, asked for once; None where the vendor shows none, maybe for a moment only."""
        path, template = _order_path(account, order_id)
        params = {"includeTags": "true"}
        body = self._wire.read(
            path, template, params=params, is_repeated=False, absent_is_empty=True
        )
        found = body.get("order")
        return found if isinstance(found, dict) else None

    def place(
        self, account: str, form: Mapping[str, str], send_by: datetime | None = None
    ) -> Placed:
        """Send an order once, unless it is later than `send_by`.

        Where the form says ``preview`` it is only checked.
        """
        path, template = _order_path(account)
        body, refusal = self._wire.write("POST", path, template, form=form, send_by=send_by)
        if refusal:
            return Placed(refusal=refusal)
        order = body.get("order")
        order = order if isinstance(order, dict) else {}
        is_checked = form.get("preview") == "true" and order.get("status") == "ok"
        if not (order.get("id") or is_checked):
            message = f"Tradier: POST {template} failed: neither an order nor a refusal came"
            raise UnavailableError(message)
        return Placed(order_id=str(order.get("id") or ""))

    def cancel(self, account: str, order_id: str) -> str:
        """Ask for an order to be cancelled; returns why not, or nothing when it was received."""
        path, template = _order_path(account, order_id)
        _, refusal = self._wire.write("DELETE", path, template, urgent=True)
        return refusal

    def positions(self, account: str) -> list[Json]:
        """What the account holds of everything."""
        template = "/v1/accounts/{account_id}/positions"
        body = self._wire.read(f"/v1/accounts/{quote(account, safe='')}/positions", template)
        return rows(body, "positions", "position")

    def broker_time(self) -> BrokerTime:
        """The vendor's time, to the second, and its session."""
        path = "/v1/markets/clock"
        return to_broker_time(self._wire.read(path, path, bucket=MARKETS))

    def quotes(self, symbols: Sequence[str]) -> list[Json]:
        """Quotes of options, shares and indices in one request; what is not known is left out."""
        path = "/v1/markets/quotes"
        form = {"symbols": ",".join(symbols), "greeks": "true"}
        return rows(self._wire.read(path, path, form=form, bucket=MARKETS), "quotes", "quote")

    def expirations(self, underlying: str) -> list[str]:
        """The dates at which options on an underlying expire, of all roots."""
        path = "/v1/markets/options/expirations"
        params = {"symbol": underlying, "includeAllRoots": "true"}
        body = self._wire.read(path, path, params=params, bucket=MARKETS)
        return [str(date) for date in items(body, "expirations", "date")]

    def chain(self, underlying: str, expiration: str) -> list[Json]:
        """The options on an underlying that expire on a date."""
        path = "/v1/markets/options/chains"
        params = {"symbol": underlying, "expiration": expiration, "greeks": "false"}
        return rows(self._wire.read(path, path, params=params, bucket=MARKETS), "options", "option")


def ticker(underlying: str) -> str | None:
    """The vendor's name of an underlying, such as ``BRK/B``; None for what can be no ticker."""
    name = share_symbol(underlying)
    return name and name.replace(".", "/")


def _order_path(account: str, order_id: str = "") -> tuple[str, str]:
    path, template = f"/v1/accounts/{quote(account, safe='')}/orders", "/v1/accounts/{id}/orders"
    if not order_id:
        return path, template
    return f"{path}/{quote(order_id, safe='')}", f"{template}/{{order_id}}"
