"""Figures as a page says them."""

from datetime import datetime, tzinfo
from decimal import Decimal

from exit_pipeline.core.model.contract import parse_contract
from exit_pipeline.core.model.errors import InputError

UNKNOWN = "not known"
"""What is not known is said so, and is never a zero."""


def say_money(dollars: Decimal | None) -> str:
    """Dollars with their sign, such as "-1,055.20"; a minus is one of typography."""
    return UNKNOWN if dollars is None else f"{dollars:+,.2f}".replace("-", "\u2212")


def say_percent(percent: float | None) -> str:
    """A share with its sign, such as "+50.1 %"."""
    return UNKNOWN if percent is None else f"{percent:+.1f} %".replace("-", "\u2212")


def say_time(at: datetime, zone: tzinfo) -> str:
    """A time of day on the exchange's clock, such as "10:05"."""
    return f"{at.astimezone(zone):%H:%M}"


def say_contract(symbol: str | None) -> str:
    """A contract as a trader says it.

    Example: ``GOOG151224C00752500`` is "GOOG 752.5 call, 24 Dec 2015".
    """
    if symbol is None:
        return "contract not known"
    try:
        contract = parse_contract(symbol)
    except InputError:
        return symbol
    strike = f"{contract.strike:f}"
    strike = strike.rstrip("0").rstrip(".") if "." in strike else strike
    expires = f"{contract.expiration:%d %b %Y}".lstrip("0")
    return f"{contract.root} {strike} {contract.right.lower()}, {expires}"


def say_count(number: int, what: str) -> str:
    """How many of what, such as "1 contract" and "1,200 contracts"."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def tone(dollars: Decimal | float | None) -> str:
    """The class of a gain or a loss; none of what is zero or not known."""
    if not dollars:
        return ""
    return "good" if dollars > 0 else "bad"
