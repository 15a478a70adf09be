"""Quotes of options, shares and indices from Tradier.

One request answers for hundreds of symbols of all kinds. Every price keeps the time that the vendor
gives for it; age is judged elsewhere.

The sandbox's prices are delayed (docs.tradier.com, "Trading"), as it seems by 15 minutes, so there
the age limit of the feed is 20 minutes. Quotes older than ``usable_age_seconds_max`` of the policy,
900 seconds unless it says otherwise, are graded BAD: to try exits in the sandbox on its own quotes,
a policy has to allow 1,200.

Greeks are asked for with the quotes and come from ORATS, about once an hour.
"""

import math
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from exit_pipeline.adapters.clients.figures import read_count, read_number, read_price
from exit_pipeline.adapters.clients.gather import gather
from exit_pipeline.adapters.clients.tradier import TradierClient, connect, ticker
from exit_pipeline.adapters.clients.tradier_json import Json, unix_time, whole
from exit_pipeline.adapters.clients.us_symbols import contracts
from exit_pipeline.core.model.errors import (
    ConfigurationError,
    ExitPipelineError,
    UnavailableError,
)
from exit_pipeline.core.model.instant import to_micros
from exit_pipeline.core.model.listed_chain import ListedChain
from exit_pipeline.core.model.quote import (
    Greeks,
    MarketSnapshot,
    Quote,
    SourceNote,
    UnderlyingPrice,
)
from exit_pipeline.ports import Surroundings

FEED_AGE_LIMITS: Final = {"live": timedelta(seconds=30), "paper": timedelta(minutes=20)}
"""How old the newest price of an underlying may be, by environment."""

SYMBOLS_PER_REQUEST: Final = 400
"""The vendor publishes no limit; ``TRADIER_SYMBOLS_PER_REQUEST`` is another number."""

_BUDGET_SECONDS: Final = 14.0
"""For all requests of a call together; one of them has 10."""

_LEAST_IV, _MOST_IV = 0.001, 20.0
"""Implied volatilities of a year that are possible; 0 stands for one that was not computed."""


def build(around: Surroundings) -> "TradierMarketData":
    """Tradier's quotes, with the key in ``TRADIER_API_KEY``: live, or delayed from the sandbox.

    Raises:
        ConfigurationError: The key is missing, the environment is neither paper nor live, or the
            number of symbols is none.
    """
    name = "TRADIER_SYMBOLS_PER_REQUEST"
    text = around.environ.get(name) or str(SYMBOLS_PER_REQUEST)
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= 10_000):
        message = f"{name} is {text!r}; expected a whole number from 1 to 10000"
        raise ConfigurationError(message)
    return TradierMarketData(connect(around), FEED_AGE_LIMITS[around.environment], int(text))


class TradierMarketData:
    """A ``MarketData`` over Tradier's quotes.

    Attributes:
        source: ``tradier``.
        is_live: True: it answers with what is newest, whatever time is asked for.
        tells_chains_unasked: False: a chain takes a request for each of its expirations, dozens
            for a large underlying, out of the 60 to 120 a minute that quotes need.

    Args:
        client: Requests to the vendor.
        feed_age_limit: How old the newest price of an underlying may be.
        symbols_per_request: More symbols than these are asked for in several requests.
    """

    source = "tradier"
    is_live = True
    tells_chains_unasked = False

    def __init__(
        self,
        client: TradierClient,
        feed_age_limit: timedelta,
        symbols_per_request: int = SYMBOLS_PER_REQUEST,
    ) -> None:
        self._client: Final = client
        self._feed_age_limit: Final = feed_age_limit
        self._symbols_per_request: Final = symbols_per_request

    def snapshot(
        self,
        options: Sequence[str],
        underlyings: Sequence[str],
        at: datetime,  # noqa: ARG002 - a live source answers with what is newest
    ) -> MarketSnapshot:
        """The newest quotes of option symbols, and prices of underlyings and indices.

        What the vendor does not know, gives no time for, or quotes for contracts of other than 100
        shares, is left out.

        Raises:
            UnavailableError: No answer, or the rate limit leaves no room.
            ConfigurationError: The key is refused.
        """
        wanted = set(contracts(options))
        names = {own: name for own in underlyings if (name := ticker(own))}
        asked = sorted(wanted | set(names.values()))
        found = {str(row.get("symbol")): row for row in self._quotes(asked)}
        quotes = [quote_of(found[symbol]) for symbol in sorted(wanted & set(found))]
        prices = [price_of(found[name], own) for own, name in names.items() if name in found]
        known = {quote.symbol: quote for quote in quotes if quote}
        return MarketSnapshot(
            source=self.source,
            feed_age_limit=self._feed_age_limit,
            quotes=known,
            underlyings={price.symbol: price for price in prices if price},
            notes=SourceNote.of_missing(self.source, sorted(set(options) - set(known))),
        )

    def chain(self, underlying: str, at: datetime) -> Sequence[str]:  # noqa: ARG002 - as above
        """The option symbols listed on an underlying now, of all roots, sorted.

        Takes one request for the expirations and one for each of them.

        Raises:
            UnavailableError: No answer, or the rate limit leaves no room.
            ConfigurationError: The key is refused.
        """
        return list(contracts(str(row.get("symbol")) for row in self._listed(underlying)))

    def option_chain(self, underlying: str, at: datetime) -> ListedChain | None:
        """Every contract listed, with its quote and open interest, and the underlying's price.

        Takes one request for the price, one for the expirations and one for each of them.

        Raises:
            UnavailableError: No answer, or the rate limit leaves no room.
            ConfigurationError: The key is refused.
        """
        price = self.snapshot([], [underlying], at).underlyings.get(underlying)
        rows = self._listed(underlying) if price else []
        quotes = [quote for row in rows if (quote := quote_of(row))]
        if price is None or not quotes:
            return None
        return ListedChain.of_quotes(
            (quote for quote in quotes if quote.is_standard),
            underlying=underlying,
            at=to_micros(at),
            spot=float(price.last),
            source=self.source,
        )

    def _listed(self, underlying: str) -> list[Json]:
        name = ticker(underlying)
        if not name:
            return []
        dates = self._client.expirations(name)
        return _side_by_side([partial(self._client.chain, name, date) for date in dates])

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def _quotes(self, symbols: Sequence[str]) -> list[Json]:
        size = self._symbols_per_request
        chunks = [symbols[start : start + size] for start in range(0, len(symbols), size)]
        return _side_by_side([partial(self._client.quotes, chunk) for chunk in chunks])


def quote_of(row: Json) -> Quote | None:
    """The quote of an option; None where it has no time.

    A bid of 0 means that nothing is bid, which is known; an ask of 0 that nothing is offered, which
    is no price. Its time is the older one of bid and ask; the last trade's, which is older still or
    tells nothing newer, only where neither side has one. A contract size that can't be read spoils
    the prices, since it is not known what they are for.
    """
    told = row.get("contract_size")
    size = whole(told)
    times = [unix_time(row.get(name)) for name in ("bid_date", "ask_date")]
    quoted_at = min((time for time in times if time), default=unix_time(row.get("trade_date")))
    if quoted_at is None:
        return None
    (bid, bid_is_garbage), (ask, ask_is_garbage) = (
        read_price(row.get(name)) for name in ("bid", "ask")
    )
    return Quote(
        symbol=str(row.get("symbol")),
        bid=bid,
        ask=ask or None,
        bid_size=read_count(row.get("bidsize")),
        ask_size=read_count(row.get("asksize")),
        quoted_at=quoted_at,
        nonfinite=bid_is_garbage or ask_is_garbage or (told is not None and size is None),
        open_interest=read_count(row.get("open_interest")),
        greeks=_greeks(row.get("greeks")),
        contract_size=size,
    )


def price_of(row: Json, symbol: str) -> UnderlyingPrice | None:
    """The last price of an underlying or index, with the time of that trade; None without either.

    Args:
        row: As the vendor gives it.
        symbol: Our name for it.
    """
    (last, _), quoted_at = read_price(row.get("last")), unix_time(row.get("trade_date"))
    if not last or quoted_at is None:
        return None
    return UnderlyingPrice(symbol=symbol, last=last, quoted_at=quoted_at)


def _side_by_side(jobs: Sequence[Callable[[], list[Json]]]) -> list[Json]:
    """What all requests give, within one time budget, or none of it."""
    found: list[Json] = []
    for outcome in gather(jobs, seconds=_BUDGET_SECONDS):
        if isinstance(outcome, UnavailableError):
            message = f"Tradier gave no complete answer: {outcome}"
            raise UnavailableError(message)
        if isinstance(outcome, ExitPipelineError):
            raise outcome
        found += outcome
    return found


def _greeks(row: Any) -> Greeks | None:
    """Figures within what is possible: deep in the money the vendor's model gives absurd ones."""
    if not isinstance(row, dict):
        return None

    def within(name: str, least: float, most: float) -> float | None:
        value = read_number(row.get(name))
        return value if value is not None and least <= value <= most else None

    implied = within("mid_iv", _LEAST_IV, _MOST_IV)
    return Greeks(
        iv=implied if implied is not None else within("smv_vol", _LEAST_IV, _MOST_IV),
        delta=within("delta", -1, 1),
        gamma=within("gamma", 0, math.inf),
        theta=within("theta", -math.inf, math.inf),
        vega=within("vega", 0, math.inf),
    )
