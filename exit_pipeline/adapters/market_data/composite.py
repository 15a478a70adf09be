"""Several sources as one, each for what it is best at, with fallbacks in a stated order.

``EXIT_MARKET_DATA=quotes:tradier|alpaca,chains:cboe,indices:cboe`` takes quotes of options and
prices of their underlyings from Tradier, what Tradier does not give from Alpaca, and chains and the
volatility indices from Cboe. Needs that are not named are served as ``quotes`` are.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import partial
from time import monotonic
from typing import Final, TypeVar

from exit_pipeline.adapters.clients.gather import gather
from exit_pipeline.adapters.clients.market_needs import parse_needs
from exit_pipeline.core.model.contract import parse_contract
from exit_pipeline.core.model.errors import (
    ConfigurationError,
    ExitPipelineError,
    InputError,
    UnavailableError,
)
from exit_pipeline.core.model.listed_chain import ListedChain
from exit_pipeline.core.model.quote import (
    MarketSnapshot,
    OpenInterest,
    Quote,
    SourceNote,
    UnderlyingPrice,
)
from exit_pipeline.ports import (
    CanClose,
    IsDelayed,
    MarketData,
    Surroundings,
    TellsChains,
    TellsOpenInterest,
)

Answer = TypeVar("Answer", ListedChain, Sequence[str])

_LEVELS: Final = frozenset({"SKEW", "VIX", "VIX1D", "VIX3M", "VIX6M", "VIX9D", "VVIX"})
"""Volatility indices, which are context; one that an option asked for is written on is a price."""

_BUDGET_SECONDS: Final = 30.0
"""For all sources of a call, whichever answer."""

_RANK_SECONDS: Final = 15.0
"""For the sources of one rank, so that a hanging one leaves time for its fallback; each source has
a budget of its own below this."""


def build(around: Surroundings) -> "CompositeMarketData":
    """The sources that ``EXIT_MARKET_DATA`` names, each built once.

    Raises:
        ConfigurationError: The setting can't be read, or a source can't serve a need.
    """
    if around.market_source is None:
        message = "a composite is made of sources, not of composites"
        raise ConfigurationError(message)
    needs = parse_needs(around.environ.get("EXIT_MARKET_DATA", ""))
    names = dict.fromkeys(name for sources in needs.values() for name in sources)
    built = {name: around.market_source(name) for name in names}
    return CompositeMarketData(
        {need: [built[name] for name in sources] for need, sources in needs.items()}
    )


@dataclass(slots=True)
class _Open:
    """What one need still lacks."""

    need: str
    sources: Sequence[MarketData]
    options: list[str]
    underlyings: list[str]
    quotes: dict[str, Quote] = field(default_factory=dict)
    prices: dict[str, UnderlyingPrice] = field(default_factory=dict)
    gave: list[str] = field(default_factory=list)
    age_limits: list[timedelta] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def wanted_of(self, rank: int) -> MarketData | None:
        """The source of a rank, where anything is still to be asked."""
        more = rank < len(self.sources) and bool(self.options or self.underlyings)
        return self.sources[rank] if more else None

    def take(self, answer: MarketSnapshot | ExitPipelineError, source: str) -> int:
        """Take over what was lacking; returns how many symbols."""
        if isinstance(answer, ExitPipelineError):
            self.errors.append(f"{source}: {answer}")
            return 0
        quotes = {s: answer.quotes[s] for s in self.options if s in answer.quotes}
        # A level of another source keeps that one's name and age limit, not those of the quotes.
        prices = {
            symbol: replace(
                answer.underlyings[symbol], source=answer.source, age_limit=answer.feed_age_limit
            )
            for symbol in self.underlyings
            if symbol in answer.underlyings
        }
        self.quotes |= quotes
        self.prices |= prices
        self.options = [symbol for symbol in self.options if symbol not in quotes]
        self.underlyings = [symbol for symbol in self.underlyings if symbol not in prices]
        self.age_limits.append(answer.feed_age_limit)
        if quotes or prices:
            self.gave.append(answer.source)
        return len(quotes) + len(prices)

    @property
    def label(self) -> str:
        """The need and the sources that gave something; empty where none did."""
        return f"{self.need}:{'+'.join(self.gave)}" if self.gave else ""


class CompositeMarketData:
    """Sources by need as one source of market data; implements the ``MarketData`` port.

    Attributes:
        source: The sources by need, as the setting writes them.
        is_live: Whether all sources of quotes are.
        tells_chains_unasked: Whether a source of chains is named apart from those of quotes, or
            costs no requests.

    Args:
        sources: By need, in the order in which they are asked.

    Raises:
        ConfigurationError: A source of quotes is not of now, or another one is not of the real
            market.
    """

    def __init__(self, sources: Mapping[str, Sequence[MarketData]]) -> None:
        for need, given in sources.items():
            for source in given:
                _check(need, source)
        self.source = ",".join(
            f"{need}:{'|'.join(source.source for source in given)}"
            for need, given in sources.items()
        )
        self.is_live = all(source.is_live for source in sources["quotes"])
        of_chains, of_quotes = list(sources["chains"]), list(sources["quotes"])
        self.tells_chains_unasked = of_chains != of_quotes or all(
            isinstance(one, TellsChains) and one.tells_chains_unasked for one in of_chains
        )
        self._sources = sources
        self._told: list[SourceNote] = []

    def snapshot(
        self, options: Sequence[str], underlyings: Sequence[str], at: datetime
    ) -> MarketSnapshot:
        """The newest quotes and prices: each source is asked once for all that it is needed for.

        What a source does not give is asked of the next one of its need, and a note says so. The
        answer's ``source`` names those that gave something.

        Raises:
            UnavailableError: No source of quotes answered.
        """
        levels = _levels(options, underlyings)
        prices = [one for one in dict.fromkeys(underlyings) if one not in levels]
        quotes = _Open("quotes", self._sources["quotes"], list(dict.fromkeys(options)), prices)
        indices = _Open("indices", self._sources["indices"], [], levels)
        notes, self._told = self._told, []
        deadline = monotonic() + _BUDGET_SECONDS
        for rank in range(max(len(one.sources) for one in (quotes, indices))):
            seconds = min(_RANK_SECONDS, deadline - monotonic())
            notes += _ask(rank, [quotes, indices], at, seconds)
        if quotes.errors and not quotes.age_limits:
            raise UnavailableError(f"no source of quotes answered: {'; '.join(quotes.errors)}")
        return MarketSnapshot(
            source=",".join(filter(None, (quotes.label, indices.label))) or self.source,
            feed_age_limit=min(quotes.age_limits, default=timedelta(0)),
            quotes=quotes.quotes,
            underlyings=quotes.prices | indices.prices,
            notes=tuple(dict.fromkeys(notes)),
        )

    def chain(self, underlying: str, at: datetime) -> Sequence[str]:
        """The option symbols listed on an underlying, of the first source that knows any.

        A fallback that is used is noted on the next snapshot.

        Raises:
            UnavailableError: No source of chains answered.
        """
        return self._first_chain(underlying, lambda source: source.chain(underlying, at)) or ()

    def option_chain(self, underlying: str, at: datetime) -> ListedChain | None:
        """The whole chain, of the first source of chains that has it; None where none has.

        Raises:
            UnavailableError: No source of chains answered.
        """

        def ask(source: MarketData) -> ListedChain | None:
            return source.option_chain(underlying, at) if isinstance(source, TellsChains) else None

        return self._first_chain(underlying, ask)

    def _first_chain(
        self, underlying: str, ask: Callable[[MarketData], Answer | None]
    ) -> Answer | None:
        """The answer of the first source of chains that has one; a fallback is noted."""
        errors: list[str] = []
        sources = self._sources["chains"]
        for rank, source in enumerate(sources):
            try:
                answer = ask(source)
            except (UnavailableError, InputError) as error:
                errors.append(f"{source.source}: {error}")
                continue
            if rank and answer:
                why = "; ".join(errors) or f"{sources[0].source} has none"
                self._told.append(_fallback("chains", source.source, f"of {underlying}", why))
            if answer or rank == len(sources) - 1:
                return answer
        raise UnavailableError(f"no source of chains answered: {'; '.join(errors)}")

    def open_contracts(
        self, underlyings: Sequence[str], first_expiration: date, last_expiration: date
    ) -> Sequence[OpenInterest] | None:
        """What the first source of quotes that tells open interest apart from them tells.

        Raises:
            UnavailableError: It did not answer.
            ConfigurationError: Its credentials are refused.
        """
        for source in self._sources["quotes"]:
            if isinstance(source, TellsOpenInterest):
                return source.open_contracts(underlyings, first_expiration, last_expiration)
        return None

    def close(self) -> None:
        """Close every source that holds connections."""
        for source in {id(one): one for given in self._sources.values() for one in given}.values():
            if isinstance(source, CanClose):
                source.close()


def _check(need: str, source: MarketData) -> None:
    if source.is_live or (need != "quotes" and isinstance(source, IsDelayed)):
        return
    kind = "a source of the market of now" if need == "quotes" else "a source of the real market"
    message = f"EXIT_MARKET_DATA takes {need} from {source.source}; expected {kind}"
    raise ConfigurationError(message)


def _levels(options: Sequence[str], underlyings: Sequence[str]) -> list[str]:
    """The volatility indices among the underlyings, but for those of the options themselves."""
    held = set()
    for symbol in options:
        try:
            held.add(parse_contract(symbol).underlying)
        except InputError:
            continue
    return [one for one in dict.fromkeys(underlyings) if one in _LEVELS - held]


def _ask(rank: int, needs: Sequence[_Open], at: datetime, seconds: float) -> list[SourceNote]:
    """Ask the sources of a rank side by side, each once for all of its needs."""
    asked: dict[int, tuple[MarketData, list[_Open]]] = {}
    for one in needs:
        source = one.wanted_of(rank)
        if source is not None:
            asked.setdefault(id(source), (source, []))[1].append(one)
    jobs: list[Callable[[], MarketSnapshot]] = [
        partial(
            source.snapshot,
            [symbol for one in of for symbol in one.options],
            [symbol for one in of for symbol in one.underlyings],
            at,
        )
        for source, of in asked.values()
    ]
    notes: list[SourceNote] = []
    answers = gather(jobs, seconds=max(seconds, 0))
    for (source, of), answer in zip(asked.values(), answers, strict=True):
        if isinstance(answer, ExitPipelineError):
            subject = source.source
            notes.append(
                SourceNote(cause="NOT_ANSWERED", subject=subject, message=f"{subject}: {answer}")
            )
        else:
            notes += answer.notes
        for one in of:
            why = "; ".join(one.errors) or f"{one.sources[0].source} did not give them"
            if (count := one.take(answer, source.source)) and rank:
                notes.append(_fallback(one.need, source.source, f"of {count} symbols", why))
    return notes


def _fallback(need: str, source: str, what: str, why: str) -> SourceNote:
    message = f"{need} {what} came from the fallback {source}: {why}"
    return SourceNote(cause="FALLBACK_USED", subject=f"{need}:{source}", message=message)
