"""Dates that matter to an underlying."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class EventKind(StrEnum):
    """EARNINGS is a report of earnings, DIVIDEND the first trading without the next dividend."""

    EARNINGS = "EARNINGS"
    DIVIDEND = "DIVIDEND"


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketEvent:
    """One event.

    Attributes:
        underlying: Ticker.
        kind: What happens.
        at: When, aware.
        amount: Dollars per share of a DIVIDEND, None of EARNINGS.
    """

    underlying: str
    kind: EventKind
    at: datetime
    amount: Decimal | None = None
