"""Quotes and prices, tapes, and what only some sources can tell."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Protocol, runtime_checkable

from exit_pipeline.core.model.listed_chain import ListedChain
from exit_pipeline.core.model.quote import MarketSnapshot, OpenInterest


@runtime_checkable
class MarketData(Protocol):
    """Quotes and prices, each with its own time.

    Attributes:
        source: Name of the source, shown and stored wherever its prices are.
        is_live: Whether it tells of the real market of now; recorded and simulated sources do not.
    """

    source: str
    is_live: bool

    def snapshot(
        self, options: Sequence[str], underlyings: Sequence[str], at: datetime
    ) -> MarketSnapshot:
        """The newest quotes of option symbols, and prices of underlyings and indices.

        Args:
            options: Compact OCC symbols.
            underlyings: Tickers and indices.
            at: Time of the tick. A source with a past answers as of then, never with anything
                later; a live one answers with what is newest.

        Raises:
            UnavailableError: The source did not answer. A symbol that it does not know is absent
                from the answer instead.
        """
        ...

    def chain(self, underlying: str, at: datetime) -> Sequence[str]:
        """The option symbols listed on an underlying that the source has quoted by `at`."""
        ...


@runtime_checkable
class IsDelayed(Protocol):
    """A source that tells of the real market, but minutes late by nature.

    It gives context, such as chains and volatility indices, and never the price of an order; as
    market data of its own it is not live.

    Attributes:
        is_delayed: True.
    """

    is_delayed: bool


@runtime_checkable
class TellsOpenInterest(Protocol):
    """A source that tells open interest apart from its quotes."""

    def open_contracts(
        self, underlyings: Sequence[str], first_expiration: date, last_expiration: date
    ) -> Sequence[OpenInterest] | None:
        """Open interest of every contract on underlyings, each once; one that has none is absent.

        Args:
            underlyings: Tickers.
            first_expiration: Contracts that expire earlier are left out.
            last_expiration: Contracts that expire later are left out.

        Returns:
            None where there is nobody to be asked, which is no answer.

        Raises:
            UnavailableError: No answer, or not the whole of it.
            ConfigurationError: The credentials are refused.
        """
        ...


@runtime_checkable
class TellsChains(Protocol):
    """A source that can give all contracts of an underlying with quotes and open interest.

    Attributes:
        tells_chains_unasked: Whether ticks ask it without a setting that says so: not where a
            chain costs many requests of the limit that quotes and orders live on.
    """

    tells_chains_unasked: bool

    def option_chain(self, underlying: str, at: datetime) -> ListedChain | None:
        """The whole chain as of `at`, or what is newest of a live source; None where it has none.

        Args:
            underlying: Ticker or index.
            at: Time of the tick.

        Raises:
            UnavailableError: No answer, or not the whole of it.
            ConfigurationError: The credentials are refused.
            InputError: The source has no such day.
        """
        ...


class Tape(Protocol):
    """Quotes and prices of past days."""

    def days(self) -> Sequence[date]:
        """The trading days that it has, ascending."""
        ...

    def snapshot(
        self, options: Sequence[str], underlyings: Sequence[str], at: datetime
    ) -> MarketSnapshot:
        """The newest quotes and prices by `at`; see ``MarketData.snapshot``.

        Raises:
            InputError: It has no such day, or that is not readable.
        """
        ...


@runtime_checkable
class KeepsTape(Protocol):
    """A source that keeps on a tape what ticks saw of it."""

    def keep(
        self, seen: MarketSnapshot, tick_at: datetime, on_failure: Callable[[str], None]
    ) -> None:
        """Keep what a tick saw, without delay and without ever raising.

        Args:
            seen: The tick's snapshot.
            tick_at: The tick's scheduled time.
            on_failure: Called with one sentence, perhaps later and from another thread.
        """
        ...


class TapeWriter(Protocol):
    """Where a tape is written."""

    def append(
        self,
        tick_at: datetime,
        options: Mapping[str, Sequence[Any]],
        underlyings: Mapping[str, Sequence[Any]],
    ) -> None:
        """Add a tick's rows, as columns by name, to its day; again for the same tick replaces them.

        Raises:
            ExitPipelineError: It can't be written; the day stands as it did before.
        """
        ...
