"""What is shown of the market, right or wrong: a ``MarketData`` over the true prices."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from exit_pipeline.core.model.contract import parse_contract
from exit_pipeline.core.model.errors import UnavailableError
from exit_pipeline.core.model.quote import MarketSnapshot, Quote, UnderlyingPrice
from exit_pipeline_tests.simulation.market import SimMarket
from exit_pipeline_tests.simulation.timeline import Timeline

FEED_AGE_LIMIT: Final = timedelta(seconds=30)

Spoil = Callable[[Quote, datetime], Quote | None]


def _wide(quote: Quote, _: datetime) -> Quote:
    return replace(quote, bid=Decimal("0.05"), ask=(quote.ask or Decimal(0)) * 2)


def _jump(quote: Quote, _: datetime) -> Quote:
    # Twice a price on a legal tick is one again.
    bid, ask = quote.bid or Decimal(0), quote.ask or Decimal(0)
    return replace(quote, bid=bid * 2, ask=ask * 2)


QUOTE_FAULTS: Final[Mapping[str, Spoil]] = {
    "quote_missing": lambda _quote, _at: None,
    "quote_one_side": lambda quote, _at: replace(quote, bid=None),
    "quote_nonfinite": lambda quote, _at: replace(quote, bid=None, ask=None, nonfinite=True),
    "quote_crossed": lambda quote, _at: replace(quote, bid=quote.ask, ask=quote.bid),
    "quote_locked": lambda quote, _at: replace(quote, bid=quote.ask),
    "quote_zero_bid": lambda quote, _at: replace(quote, bid=Decimal(0)),
    "quote_worthless": lambda quote, _at: replace(quote, bid=Decimal(0), ask=Decimal("0.05")),
    "quote_stale": lambda quote, at: replace(quote, quoted_at=at - timedelta(minutes=6)),
    "quote_expired": lambda quote, at: replace(quote, quoted_at=at - timedelta(minutes=40)),
    "quote_future": lambda quote, at: replace(quote, quoted_at=at + timedelta(seconds=90)),
    "quote_wide": _wide,
    "quote_jump": _jump,
    "quote_no_size": lambda quote, _at: replace(quote, bid_size=0, ask_size=0),
}
"""What a source may do to one quote (reliability, 3.1), by the fault's name."""


class SimFeed:
    """A live source of market data that may be wrong.

    Args:
        market: The true prices.
        timeline: Tells now.
        age: How old its prices are.

    Attributes:
        spoiled: Symbols of options that a quote fault strikes, by its name.
        is_down: The source does not answer.
        stands_still: Underlyings whose feed has stopped.
        lacks: Underlyings and indices that are not told.
    """

    source = "simulated-feed"
    is_live = True

    def __init__(
        self, market: SimMarket, timeline: Timeline, age: timedelta = timedelta(0)
    ) -> None:
        self._age = age
        self._market = market
        self._timeline = timeline
        self.spoiled: dict[str, frozenset[str]] = {}
        self.is_down = False
        self.stands_still: set[str] = set()
        self.lacks: set[str] = set()

    def snapshot(
        self,
        options: Sequence[str],
        underlyings: Sequence[str],
        at: datetime,  # noqa: ARG002 a live source tells what is newest
    ) -> MarketSnapshot:
        if self.is_down:
            message = "the feed does not answer"
            raise UnavailableError(message)
        now = self._timeline.at
        quotes = {symbol: self._quote(symbol, now) for symbol in options}
        prices = {name: self._price(name, now) for name in underlyings if name not in self.lacks}
        return MarketSnapshot(
            source=self.source,
            feed_age_limit=FEED_AGE_LIMIT,
            quotes={symbol: quote for symbol, quote in quotes.items() if quote is not None},
            underlyings={name: price for name, price in prices.items() if price is not None},
        )

    def chain(self, underlying: str, at: datetime) -> Sequence[str]:  # noqa: ARG002
        return ()

    def _quote(self, symbol: str, now: datetime) -> Quote | None:
        if parse_contract(symbol).is_adjusted:
            return None
        level = self._market.level(symbol, now - self._age)
        quote: Quote | None = Quote(
            symbol=symbol,
            bid=level.bid,
            ask=level.ask,
            bid_size=level.bid_size,
            ask_size=level.ask_size,
            quoted_at=now - self._age,
        )
        for fault, symbols in self.spoiled.items():
            if quote is not None and symbol in symbols:
                quote = QUOTE_FAULTS[fault](quote, now)
        return quote

    def _price(self, name: str, now: datetime) -> UnderlyingPrice | None:
        at = now - (timedelta(minutes=10) if name in self.stands_still else self._age)
        if name.startswith("VIX"):
            return UnderlyingPrice(symbol=name, last=self._market.vix(now), quoted_at=at)
        try:
            last = self._market.price(name, now)
        except KeyError:
            return None
        return UnderlyingPrice(symbol=name, last=last, quoted_at=at)
