"""Cboe's delayed quotes: chains and volatility indices as context, about 15 minutes old.

Not live: beside a broker other than paper it may only give chains and indices to a composite.
"""

from collections.abc import Callable, Sequence, Set
from datetime import datetime, timedelta
from functools import partial
from threading import Lock
from typing import Final, TypeVar

import numpy as np

from exit_pipeline.adapters.clients.cboe import CboeFiles, Chain, Level
from exit_pipeline.adapters.clients.gather import gather
from exit_pipeline.adapters.clients.http import RequestFailed
from exit_pipeline.adapters.clients.us_symbols import contracts, share_symbol
from exit_pipeline.core.model.errors import ExitPipelineError, UnavailableError
from exit_pipeline.core.model.instant import to_micros
from exit_pipeline.core.model.listed_chain import ListedChain
from exit_pipeline.core.model.quote import MarketSnapshot, Quote, SourceNote, UnderlyingPrice
from exit_pipeline.ports import Clock, Surroundings

T = TypeVar("T", Chain, Level)

_FEED_AGE_LIMIT: Final = timedelta(minutes=30)
"""The files are 15 and a half minutes old by nature."""

_FRESH: Final = timedelta(seconds=60)
"""How long a file is not asked for again: its contents change slowly, and it is 13 MB."""

_BUDGET_SECONDS: Final = 30.0
_LEVELS_SECONDS: Final = 12.0
"""For the files of a call, and for those of a few hundred bytes alone."""

_WORKERS: Final = 4
_NO_SUCH_FILE: Final = frozenset({403, 404})


def build(around: Surroundings) -> "CboeMarketData":
    """Needs no key."""
    return CboeMarketData(CboeFiles(around.environ, around.clock), around.clock)


class CboeMarketData:
    """Cboe's files as a source of market data; implements the ``MarketData`` port.

    Attributes:
        source: ``cboe``.
        is_live: False, since it tells of a market of 15 minutes ago.
        is_delayed: True.
        tells_chains_unasked: True: a chain is one file, which its quotes come from too.

    Args:
        files: Requests for the files.
        clock: Tells when a file is asked for anew.
        budget_seconds: For all files of one call together.
    """

    source = "cboe"
    is_live = False
    is_delayed = True
    tells_chains_unasked = True

    def __init__(
        self, files: CboeFiles, clock: Clock, *, budget_seconds: float = _BUDGET_SECONDS
    ) -> None:
        self._files = files
        self._clock = clock
        self._budget_seconds = budget_seconds
        self._chains: dict[str, tuple[datetime, Chain]] = {}
        self._lock = Lock()

    def snapshot(
        self,
        options: Sequence[str],
        underlyings: Sequence[str],
        at: datetime,  # noqa: ARG002 what is newest
    ) -> MarketSnapshot:
        """Delayed quotes and prices: one file for each underlying of the options or index.

        Args:
            options: Compact OCC symbols; what is none is not asked for.
            underlyings: Tickers and indices; likewise.
            at: Not looked at.

        Raises:
            UnavailableError: No file was answered.
        """
        wanted = contracts(options)
        answers = self._files_of({one.underlying for one in wanted.values()}, underlyings)
        failed = [one for one in answers.values() if isinstance(one, ExitPipelineError)]
        if failed and len(failed) == len(answers):
            raise UnavailableError(str(failed[0]))
        quotes = {
            symbol: quote
            for symbol, contract in wanted.items()
            if (quote := _quote(answers[contract.underlying], symbol)) is not None
        }
        told = {ticker: _price(ticker, answers.get(ticker)) for ticker in underlyings}
        missing = [symbol for symbol in wanted if symbol not in quotes]
        return MarketSnapshot(
            source=self.source,
            feed_age_limit=_FEED_AGE_LIMIT,
            quotes=quotes,
            underlyings={ticker: price for ticker, price in told.items() if price is not None},
            notes=(
                *SourceNote.of_unanswered(self.source, answers),
                *SourceNote.of_missing(self.source, missing),
            ),
        )

    def chain(self, underlying: str, at: datetime) -> Sequence[str]:  # noqa: ARG002
        """The option symbols listed on an underlying, sorted; none where Cboe has no such file.

        Raises:
            UnavailableError: It was not answered.
        """
        found = self._answered(underlying)
        return list(contracts(found.symbols)) if found else []

    def option_chain(self, underlying: str, at: datetime) -> ListedChain | None:  # noqa: ARG002
        """The whole chain, as old as the underlying's price; None where Cboe has no such file.

        Raises:
            UnavailableError: It was not answered.
        """
        found = self._answered(underlying)
        if found is None or found.underlying.at is None:
            return None
        at_of_file = to_micros(found.underlying.at)
        spot, column = found.underlying.last, found.columns
        return ListedChain(
            underlying=underlying,
            at=at_of_file,
            spot=float("nan") if spot is None else float(spot),
            source=self.source,
            symbols=found.symbols,
            bid=column["bid"],
            ask=column["ask"],
            open_interest=column["open_interest"],
            feed_iv=column["iv"],
            feed_gamma=column["gamma"],
            quoted_at=np.full(len(found.symbols), at_of_file),
        )

    def _answered(self, underlying: str) -> Chain | None:
        (found,) = gather([partial(self._chain, underlying)], seconds=self._budget_seconds)
        if isinstance(found, ExitPipelineError):
            raise UnavailableError(str(found))
        return found

    def close(self) -> None:
        """Give the connections back."""
        self._files.close()

    def _files_of(
        self, chains: Set[str], underlyings: Sequence[str]
    ) -> dict[str, Chain | Level | ExitPipelineError | None]:
        """The file of each chain, which has the underlying's price too, and of each other one."""
        singles = {ticker for ticker in underlyings if share_symbol(ticker)}.difference(chains)
        names = [*sorted(chains), *sorted(singles)]
        jobs: list[Callable[[], Chain | Level | None]] = [
            partial(self._chain, name)
            if name in chains
            else partial(_existing, self._files.level, name)
            for name in names
        ]
        seconds = min(self._budget_seconds, _BUDGET_SECONDS if chains else _LEVELS_SECONDS)
        return dict(zip(names, gather(jobs, seconds=seconds, workers=_WORKERS), strict=True))

    def _chain(self, underlying: str) -> Chain | None:
        with self._lock:
            known = self._chains.get(underlying)
        now = self._clock.now()
        if known and now - known[0] < _FRESH:
            return known[1]
        if share_symbol(underlying) is None:
            return None
        chain = _existing(self._files.chain, underlying)
        if chain is not None:
            with self._lock:
                self._chains[underlying] = now, chain
        return chain


def _existing(read: Callable[[str], T], ticker: str) -> T | None:
    """A file, or None where Cboe says that it has none, which it does as "access denied"."""
    try:
        return read(share_symbol(ticker) or ticker)
    except RequestFailed as error:
        if error.status in _NO_SUCH_FILE:
            return None
        raise


def _quote(answer: Chain | Level | ExitPipelineError | None, symbol: str) -> Quote | None:
    return answer.quote(symbol) if isinstance(answer, Chain) else None


def _price(ticker: str, answer: Chain | Level | ExitPipelineError | None) -> UnderlyingPrice | None:
    level = answer.underlying if isinstance(answer, Chain) else answer
    if not isinstance(level, Level) or level.last is None or level.at is None:
        return None
    return UnderlyingPrice(symbol=ticker, last=level.last, quoted_at=level.at)
