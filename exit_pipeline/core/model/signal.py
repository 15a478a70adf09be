"""Signals that strategies and charts send about an underlying."""

from dataclasses import dataclass
from datetime import datetime

from exit_pipeline.core.model.direction import Direction


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One row of ``refactored_signals``.

    Attributes:
        symbol: Ticker.
        timeframe: Of the chart or strategy that it came of; None where not told.
        source: Who sent it, such as ``TRADINGVIEW``.
        direction: CALL or PUT.
        at: When it was made, aware.
    """

    symbol: str
    timeframe: str | None
    source: str
    direction: Direction
    at: datetime
