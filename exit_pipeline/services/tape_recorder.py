"""Keep what live ticks saw of the market on a tape, so that the day can be run again.

The work is done in a thread of its own: a slow disk or a store that hangs delays no tick, and what
goes wrong is told by an alert.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from threading import Thread
from typing import Any, Final

from exit_pipeline.core.model.errors import ExitPipelineError
from exit_pipeline.core.model.listed_chain import ListedChain
from exit_pipeline.core.model.quote import Greeks, MarketSnapshot, OpenInterest, Quote
from exit_pipeline.ports import CanClose, MarketData, TapeWriter, TellsChains, TellsOpenInterest

log = logging.getLogger(__name__)

Columns = Mapping[str, Sequence[Any]]

PATIENCE_SECONDS: Final = 10.0
"""How long the end of a run, when all is decided and sent, waits for its tape: a local write takes
well below a second, an object store a few."""

_UNUSABLE: Final = float("inf")
"""Stands on a tape for a price that was negative, infinite, absurd, or of a contract for other than
100 shares; no cell says "no price"."""


class TapeRecorder:
    """A live source that keeps what ticks saw; implements ``MarketData`` and ``KeepsTape``.

    It tells open interest and chains where the source does. Chains are not kept on the tape: they
    are hundreds of times what a tick needs of quotes, and their figures are in the database.

    Attributes:
        source: The source's name.
        is_live: Whether it tells of the real market of now.
        tells_chains_unasked: As the source does.

    Args:
        market: The source.
        writer: Where the tape is.
        patience_seconds: How long ``close`` waits for what is still being written.
    """

    def __init__(
        self, market: MarketData, writer: TapeWriter, patience_seconds: float = PATIENCE_SECONDS
    ) -> None:
        self.source = market.source
        self.is_live = market.is_live
        self.tells_chains_unasked = isinstance(market, TellsChains) and market.tells_chains_unasked
        self._market = market
        self._writer = writer
        self._patience_seconds = patience_seconds
        self._pending: list[tuple[Thread, Callable[[str], None]]] = []

    def snapshot(
        self, options: Sequence[str], underlyings: Sequence[str], at: datetime
    ) -> MarketSnapshot:
        """What the source answers."""
        return self._market.snapshot(options, underlyings, at)

    def chain(self, underlying: str, at: datetime) -> Sequence[str]:
        """What the source answers."""
        return self._market.chain(underlying, at)

    def option_chain(self, underlying: str, at: datetime) -> ListedChain | None:
        """What the source tells, where it tells chains."""
        if isinstance(self._market, TellsChains):
            return self._market.option_chain(underlying, at)
        return None

    def open_contracts(
        self, underlyings: Sequence[str], first_expiration: date, last_expiration: date
    ) -> Sequence[OpenInterest] | None:
        """What the source tells, where it tells open interest."""
        if isinstance(self._market, TellsOpenInterest):
            return self._market.open_contracts(underlyings, first_expiration, last_expiration)
        return None

    def keep(
        self, seen: MarketSnapshot, tick_at: datetime, on_failure: Callable[[str], None]
    ) -> None:
        """Start writing what a tick saw; what goes wrong is told to `on_failure`, never raised."""

        def write() -> None:
            try:
                self._writer.append(
                    tick_at, option_columns(seen, tick_at), price_columns(seen, tick_at)
                )
            except ExitPipelineError as error:
                _tell(on_failure, str(error))
            except Exception as error:  # a tape may cost no tick
                _tell(on_failure, f"the tape can't be written: {type(error).__name__}")

        thread = Thread(target=write, name="tape", daemon=True)
        self._pending.append((thread, on_failure))
        thread.start()

    def close(self) -> None:
        """Wait a little for what is still being written, say what is not, and close the source."""
        for thread, on_failure in self._pending:
            thread.join(self._patience_seconds)
            if thread.is_alive():
                _tell(
                    on_failure,
                    f"the tape was not written within {self._patience_seconds:g} seconds of the "
                    f"tick's end",
                )
        self._pending.clear()
        if isinstance(self._market, CanClose):
            self._market.close()


def option_columns(seen: MarketSnapshot, tick_at: datetime) -> Columns:
    """The rows of ``options.parquet``.

    A quote that came after the tick's scheduled time, while the run was starting, is stamped with
    that time, so that the tick sees it again when the day is run from the tape; its own time is in
    ``source_time``.
    """
    quotes = [seen.quotes[symbol] for symbol in sorted(seen.quotes)]
    greeks = [quote.greeks or Greeks() for quote in quotes]
    return {
        "quoted_at": [min(quote.quoted_at, tick_at) for quote in quotes],
        "symbol": [quote.symbol for quote in quotes],
        "bid": [_price(quote, quote.bid) for quote in quotes],
        "ask": [_price(quote, quote.ask) for quote in quotes],
        "bid_size": [quote.bid_size for quote in quotes],
        "ask_size": [quote.ask_size for quote in quotes],
        "open_interest": [quote.open_interest for quote in quotes],
        **{
            name: [getattr(one, name) for one in greeks]
            for name in ("iv", "delta", "gamma", "theta", "vega")
        },
        "source_time": [quote.quoted_at for quote in quotes],
        "source": [seen.source] * len(quotes),
    }


def price_columns(seen: MarketSnapshot, tick_at: datetime) -> Columns:
    """The rows of ``underlyings.parquet``, stamped likewise."""
    prices = [seen.underlyings[symbol] for symbol in sorted(seen.underlyings)]
    return {
        "quoted_at": [min(price.quoted_at, tick_at) for price in prices],
        "symbol": [price.symbol for price in prices],
        "last": [float(price.last) for price in prices],
        "source_time": [price.quoted_at for price in prices],
        "source": [seen.source] * len(prices),
    }


def _price(quote: Quote, price: Any) -> float | None:
    if not quote.is_standard or (price is None and quote.nonfinite):
        return _UNUSABLE
    return None if price is None else float(price)


def _tell(on_failure: Callable[[str], None], sentence: str) -> None:
    try:
        on_failure(sentence)
    except Exception:
        # The one place that the alert would be kept in is out of reach as well.
        log.exception("ExitWorker: %s", sentence)
