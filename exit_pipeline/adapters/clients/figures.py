"""Read the figures that vendors write: numbers or strings, null, zero times, nanoseconds.

Every function is total: what can't be read is None, never zero.
"""

import math
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any, Final
from zoneinfo import ZoneInfo

LARGEST_PRICE: Final = Decimal(10_000_000)
"""Dollars per share above which a number is a fault of the source: ten times the dearest share
listed (Berkshire Hathaway A, below 1,000,000)."""

_UNIT: Final = Decimal(1).scaleb(-4)
_FIRST_YEAR: Final = 1990
"""Options have been quoted electronically for less long; feeds write "never" as year 1 or 1970."""


def read_price(value: Any) -> tuple[Decimal | None, bool]:
    """A price in dollars with at most four decimals, and whether it is no price at all.

    Negative, infinite and absurd values are (None, True); null, and what is no number, is
    (None, False). Example: ``4.15`` and ``"4.15"`` are both 4.15.
    """
    if value is None or isinstance(value, bool) or not isinstance(value, int | float | str):
        return None, False
    try:
        price = Decimal(str(value).strip())
    except InvalidOperation:
        return None, False
    if not price.is_finite() or not 0 <= price <= LARGEST_PRICE:
        return None, True
    return price.quantize(_UNIT, ROUND_HALF_EVEN), False


def read_number(value: Any) -> float | None:
    """A finite number, such as a greek."""
    if value is None or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def read_count(value: Any) -> int | None:
    """A whole number of contracts or shares, at least 0; feeds write some as ``103.0``."""
    number = read_number(value)
    return None if number is None or number < 0 else int(number)


def read_instant(text: Any, zone: ZoneInfo | None = None) -> datetime | None:
    """An ISO 8601 time as aware UTC, cut to microseconds.

    Args:
        text: Such as ``2024-04-22T19:59:59.992734208Z``.
        zone: Zone of a time that names none; without it such a time is not known.
    """
    try:
        at = datetime.fromisoformat(text)
        at = at if at.tzinfo or zone is None else at.replace(tzinfo=zone)
        if at.tzinfo is None or at.year < _FIRST_YEAR:
            return None
        return at.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None
