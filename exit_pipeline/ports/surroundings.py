"""What adapters are built from, and how they are let go of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from exit_pipeline.ports.market_data import MarketData
from exit_pipeline.ports.time import Calendar, Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What an adapter may be built from; each module of an adapter kind offers ``build`` of it.

    Attributes:
        environ: Environment variables, for an adapter's own settings and secrets.
        clock: The run's clock.
        calendar: The exchange's calendar.
        environment: ``paper``, ``live``, ``tape`` or ``simulated``.
        database_url: The project's database, for a broker that keeps its books there.
        market_data: The run's market data, for a broker that fills orders itself; None while
            market data itself is built.
        market_source: Builds another source of market data by its name, for a source that is
            made of others; None for everything else.
    """

    environ: Mapping[str, str]
    clock: Clock
    calendar: Calendar
    environment: str
    database_url: str
    market_data: MarketData | None = None
    market_source: Callable[[str], MarketData] | None = None


@runtime_checkable
class CanClose(Protocol):
    """Something that holds connections."""

    def close(self) -> None:
        """Let go of them."""
        ...
