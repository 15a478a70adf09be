"""Prices as integers of 1/10,000 dollar, so that a threshold met exactly counts as met.

Listed options quote in whole cents and brokers report average prices with four decimals; both fit
without loss. Example: 0.15 dollar is 1,500 units; the mid of 0.10 and 0.15 is 1,250 units, 0.125.
"""

from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Final

import numpy as np

from exit_pipeline.core.model.errors import InputError

UNITS_PER_DOLLAR: Final = 10_000
UNKNOWN: Final = int(np.iinfo(np.int64).min)
"""The integer that stands for "not known" in price and time columns; never zero."""

_UNIT: Final = Decimal(1).scaleb(-4)
_DOLLARS_MAX: Final = 10_000_000_000
"""The database keeps ten digits before the point."""


def to_units(price: Decimal | str | float) -> int:
    """Convert dollars per share to units of 1/10,000 dollar, rounding half to even.

    Args:
        price: Dollars per share. A float is read by its shortest decimal form, so 0.1 is 0.1000.

    Raises:
        InputError: The value is not a finite number, or too large for the database.

    Example: ``to_units("1.9")`` is 19,000.
    """
    try:
        value = Decimal(str(price))
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite():
        message = f"price {price!r} is not a finite number of dollars"
        raise InputError(message)
    if abs(value) >= _DOLLARS_MAX:
        message = f"price {price!r} is not below {_DOLLARS_MAX:,} dollars"
        raise InputError(message)
    return int(value.quantize(_UNIT, rounding=ROUND_HALF_EVEN) * UNITS_PER_DOLLAR)


def say_dollars(value: Decimal | None) -> str:
    """Dollars for a person: two decimals, or four where two would hide something; - if unknown.

    Example: ``say_dollars(Decimal("3.1000"))`` is ``3.10``, of 3.1250 it is ``3.1250``.
    """
    if value is None:
        return "-"
    return f"{value:.2f}" if value == round(value, 2) else f"{value:.4f}"


def to_dollars(units: int) -> Decimal | None:
    """Convert units of 1/10,000 dollar to dollars with four decimals; ``UNKNOWN`` is ``None``.

    Example: ``to_dollars(12_500)`` is ``Decimal("1.2500")``.
    """
    return None if units == UNKNOWN else Decimal(int(units)).scaleb(-4)
