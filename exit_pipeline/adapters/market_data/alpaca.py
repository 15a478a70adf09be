"""Alpaca's market data: option snapshots in hundreds, shares and indices in one request each.

The requests of a tick go out side by side. What is refused or not answered costs only the symbols
that it was asked for; a note on the snapshot says so.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, Final, TypeAlias, TypeVar

from exit_pipeline.adapters.clients.alpaca import HOSTS, AlpacaTrading
from exit_pipeline.adapters.clients.alpaca_contracts import read_open_interest
from exit_pipeline.adapters.clients.alpaca_data import MOST_OPTIONS, AlpacaData
from exit_pipeline.adapters.clients.alpaca_feed import PLAN, is_alpaca_paper, options_feed
from exit_pipeline.adapters.clients.alpaca_refused import without_refused
from exit_pipeline.adapters.clients.alpaca_snapshots import to_level, to_price, to_quote
from exit_pipeline.adapters.clients.gather import gather
from exit_pipeline.adapters.clients.http import Refused
from exit_pipeline.adapters.clients.us_symbols import INDICES, contracts, share_symbol
from exit_pipeline.core.model.errors import (
    ExitPipelineError,
    UnavailableError,
)
from exit_pipeline.core.model.instant import to_micros
from exit_pipeline.core.model.listed_chain import ListedChain
from exit_pipeline.core.model.quote import (
    MarketSnapshot,
    OpenInterest,
    Quote,
    SourceNote,
    UnderlyingPrice,
)
from exit_pipeline.ports import Surroundings

Row = TypeVar("Row", Quote, UnderlyingPrice)
Rows: TypeAlias = dict[str, Any]
Job: TypeAlias = Callable[[], Rows]

_FEED_AGE_LIMIT: Final = timedelta(seconds=30)
_BUDGET_SECONDS: Final = 12.0
"""For all requests of a tick together; each has 10 seconds with its retries."""

_OPEN_INTEREST_SECONDS: Final = 8.0
"""For all pages of open interest, which the day's first tick waits for with its quotes in hand."""

_NOT_IN_PLAN: Final = frozenset({403, 404})
"""How index values are refused to a plan without them; the vendor doesn't say which plan has."""


def build(around: Surroundings) -> "AlpacaMarketData":
    """The feed that ``ALPACA_OPTIONS_FEED`` names, with the account's keys.

    Raises:
        ConfigurationError: A key is missing, or the feed is not to be used here.
    """
    feed = options_feed(around)
    client = AlpacaData(around.environ, around.clock)
    return AlpacaMarketData(
        client, feed, trading=_trading(around), may_be_indicative=is_alpaca_paper(around)
    )


def _trading(around: Surroundings) -> AlpacaTrading | None:
    """The trading host of the environment, if it has one.

    A test that lets a server of its own stand for the data alone never asks the vendor's.
    """
    is_test_of_data = around.environ.get("ALPACA_DATA_URL") and not around.environ.get(
        "ALPACA_BASE_URL"
    )
    if around.environment not in HOSTS or is_test_of_data:
        return None
    return AlpacaTrading(around.environ, around.environment, around.clock)


class AlpacaMarketData:
    """Alpaca as a source of market data; implements ``MarketData`` and ``TellsOpenInterest``.

    Attributes:
        source: ``alpaca``, or ``alpaca-indicative`` for the free feed of modified quotes.
        is_live: True.
        tells_chains_unasked: False: a chain takes a request for each thousand contracts, and its
            open interest one for each ten thousand that counts for the limit of orders.

    Args:
        client: Requests to the vendor.
        feed: ``opra`` or ``indicative``.
        trading: Tells open interest; None tells none.
        may_be_indicative: Whether a sentence about a missing plan may name the free feed.
        budget_seconds: For all requests of one call together.
    """

    is_live = True
    tells_chains_unasked = False

    def __init__(
        self,
        client: AlpacaData,
        feed: str = "opra",
        *,
        trading: AlpacaTrading | None = None,
        may_be_indicative: bool = False,
        budget_seconds: float = _BUDGET_SECONDS,
    ) -> None:
        self.source = "alpaca" if feed == "opra" else f"alpaca-{feed}"
        self._client = client
        self._feed = feed
        self._trading = trading
        self._may_be_indicative = may_be_indicative
        self._budget_seconds = budget_seconds

    def snapshot(
        self,
        options: Sequence[str],
        underlyings: Sequence[str],
        at: datetime,  # noqa: ARG002 what is newest
    ) -> MarketSnapshot:
        """The newest quotes and prices, in ``ceil(options / 100) + 2`` requests at most.

        Args:
            options: Compact OCC symbols; what is none is not asked for.
            underlyings: Tickers and indices; likewise.
            at: Not looked at.

        Raises:
            UnavailableError: No request for options, or none at all, was answered.
        """
        wanted = list(contracts(options))
        jobs = self._option_jobs(wanted) | self._price_jobs(underlyings)
        told = gather(list(jobs.values()), seconds=self._budget_seconds)
        answers = dict(zip(jobs, told, strict=True))
        of_options = [answers[what] for what in self._option_jobs(wanted)]
        self._raise_if_none(of_options or list(answers.values()))
        found = _together(answers.values())
        quotes = {symbol: found[symbol] for symbol in wanted if symbol in found}
        missing = [symbol for symbol in wanted if symbol not in quotes]
        return MarketSnapshot(
            source=self.source,
            feed_age_limit=_FEED_AGE_LIMIT,
            quotes=quotes,
            underlyings={symbol: row for symbol, row in found.items() if symbol not in quotes},
            notes=(
                *SourceNote.of_unanswered(self.source, answers),
                *SourceNote.of_missing(self.source, missing),
            ),
        )

    def chain(self, underlying: str, at: datetime) -> Sequence[str]:  # noqa: ARG002
        """The option symbols listed on an underlying, sorted; one request for each thousand.

        Raises:
            UnavailableError: It was not answered, or refused.
        """
        return list(contracts(self._listed(underlying)))

    def option_chain(self, underlying: str, at: datetime) -> ListedChain | None:
        """Every contract listed, with its quote, open interest and the underlying's price.

        Open interest comes from the trading host; without that it is not known.

        Raises:
            UnavailableError: It was not answered, or refused.
            ConfigurationError: The keys are refused.
        """
        price = self.snapshot([], [underlying], at).underlyings.get(underlying)
        found = _mapped(to_quote, self._listed(underlying)) if price else {}
        days = [one.expiration for one in contracts(found).values()]
        if price is None or not days:
            return None
        told = self.open_contracts([underlying], min(days), max(days)) or ()
        interest = {one.symbol: one.open_interest for one in told}
        return ListedChain.of_quotes(
            (replace(row, open_interest=interest.get(row.symbol)) for row in found.values()),
            underlying=underlying,
            at=to_micros(at),
            spot=float(price.last),
            source=self.source,
        )

    def _listed(self, underlying: str) -> Rows:
        """The vendor's snapshots of all contracts, by symbol."""
        (answer,) = gather(
            [partial(self._client.chain, underlying, self._feed)], seconds=self._budget_seconds
        )
        self._raise_if_none([answer])
        return _together([answer])

    def open_contracts(
        self, underlyings: Sequence[str], first_expiration: date, last_expiration: date
    ) -> Sequence[OpenInterest] | None:
        """Open interest of the day before, of every contract listed; a request for each 10,000.

        It comes from the trading host and counts for the limit of orders. None without that host.

        Raises:
            UnavailableError: It was not answered in full.
            ConfigurationError: The keys are refused there, as live ones are by the paper host.
        """
        if self._trading is None:
            return None
        job = partial(
            read_open_interest, self._trading, underlyings, first_expiration, last_expiration
        )
        (answer,) = gather([job], seconds=min(self._budget_seconds, _OPEN_INTEREST_SECONDS))
        if isinstance(answer, ExitPipelineError):
            raise answer
        return answer

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()
        if self._trading is not None:
            self._trading.close()

    def _option_jobs(self, symbols: Sequence[str]) -> dict[str, Job]:
        """A request for each hundred, by what it is about."""
        return {
            f"options {first + 1} to {min(first + MOST_OPTIONS, len(symbols))}": partial(
                self._options, symbols[first : first + MOST_OPTIONS]
            )
            for first in range(0, len(symbols), MOST_OPTIONS)
        }

    def _price_jobs(self, underlyings: Sequence[str]) -> dict[str, Job]:
        shares = {ticker: name for ticker in underlyings if (name := _share(ticker))}
        indices = sorted(INDICES.intersection(underlyings))
        jobs: dict[str, Job] = {}
        if shares:
            jobs["shares"] = partial(self._shares, shares)
        if indices:
            jobs["indices"] = partial(self._indices, indices)
        return jobs

    def _options(self, symbols: Sequence[str]) -> Rows:
        ask = partial(self._client.option_snapshots, feed=self._feed)
        return _mapped(to_quote, without_refused(ask, symbols))

    def _shares(self, name_of: Mapping[str, str]) -> Rows:
        found = without_refused(self._client.stock_snapshots, sorted(set(name_of.values())))
        known = {ticker: found[name] for ticker, name in name_of.items() if name in found}
        return _mapped(to_price, known)

    def _indices(self, symbols: Sequence[str]) -> Rows:
        try:
            return _mapped(to_level, without_refused(self._client.index_values, symbols))
        except Refused as error:
            if error.status not in _NOT_IN_PLAN:
                raise
            message = f"{error}; indices:cboe in EXIT_MARKET_DATA takes them from elsewhere"
            raise UnavailableError(message) from None

    def _raise_if_none(self, answers: Sequence[Rows | ExitPipelineError]) -> None:
        errors = [answer for answer in answers if isinstance(answer, ExitPipelineError)]
        if errors and len(errors) == len(answers):
            raise UnavailableError(self._sentence(errors[0])) from None

    def _sentence(self, error: ExitPipelineError) -> str:
        if not isinstance(error, Refused) or error.status not in {401, 403}:
            return str(error)
        if error.status == 401:
            return f"{error}; ALPACA_API_KEY and ALPACA_SECRET_KEY are not accepted"
        free = "; ALPACA_OPTIONS_FEED=indicative is free" if self._may_be_indicative else ""
        return f"{error}; the feed {self._feed} needs {PLAN}{free}"


def _share(ticker: str) -> str | None:
    return None if ticker in INDICES else share_symbol(ticker)


def _mapped(mapping: Callable[[str, Any], Row | None], found: Mapping[str, Any]) -> dict[str, Row]:
    rows = ((symbol, mapping(symbol, row)) for symbol, row in sorted(found.items()))
    return {symbol: row for symbol, row in rows if row is not None}


def _together(answers: Iterable[Rows | ExitPipelineError]) -> Rows:
    found: Rows = {}
    for answer in answers:
        if not isinstance(answer, ExitPipelineError):
            found |= answer
    return found
