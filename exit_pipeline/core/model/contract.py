"""Listed option contracts and their compact OCC symbol.

The symbol is root, expiration as yymmdd, C or P, and the strike in 1/1000 dollar with eight digits
(OCC, "Options Symbology Initiative", 2010), written without the padding blanks of the 21-character
form. Example: ``GOOG151224C00752500`` is the GOOG 752.50 call of 2015-12-24.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from exit_pipeline.core.model.errors import InputError

SHARES_PER_CONTRACT: Final = 100

MORNING_SETTLED_ROOTS: Final = frozenset(
    {"SPX", "NDX", "RUT", "VIX", "VIXW", "DJX", "MXEA", "MXEF"}
)
"""Roots whose settlement value is taken at the open of the expiration date, so that the last
trading day is the session before it (Cboe, product specifications of each index option)."""

_UNDERLYING_OF_ROOT: Final = {"SPXW": "SPX", "NDXP": "NDX", "RUTW": "RUT", "VIXW": "VIX"}
_SYMBOL: Final = re.compile(r"([A-Z][A-Z0-9.]{0,5})(\d{6})([CP])(\d{8})", re.ASCII)


class OptionRight(StrEnum):
    """The right that the contract gives: to buy (CALL) or to sell (PUT)."""

    CALL = "CALL"
    PUT = "PUT"


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionContract:
    """One listed option series.

    Attributes:
        root: OCC root, such as ``GOOG`` or ``SPXW``.
        expiration: The date that the symbol names.
        right: CALL or PUT.
        strike: Dollars per share.
    """

    root: str
    expiration: date
    right: OptionRight
    strike: Decimal

    @property
    def symbol(self) -> str:
        """The compact OCC symbol."""
        thousandths = int(self.strike * 1000)
        return f"{self.root}{self.expiration:%y%m%d}{self.right[0]}{thousandths:08d}"

    @property
    def underlying(self) -> str:
        """The ticker that the contract is written on: SPX for root SPXW, else the root's letters.

        A digit at the end of a root marks an adjusted series (``GOOG1``) of the same ticker.
        """
        return _UNDERLYING_OF_ROOT.get(self.root) or self.root.rstrip("0123456789")

    @property
    def is_adjusted(self) -> bool:
        """Whether a corporate action changed what one contract delivers."""
        return self.root[-1].isdigit()

    @property
    def settles_in_the_morning(self) -> bool:
        """Whether trading ends with the session before the expiration date."""
        return self.root in MORNING_SETTLED_ROOTS

    @property
    def latest_trading_day(self) -> date:
        """The date on which it trades last, or before which where the exchange is closed that day.

        Example: SPX options of Friday 2026-03-20 trade last on Thursday, SPXW ones on Friday.
        """
        return self.expiration - timedelta(days=1 if self.settles_in_the_morning else 0)

    def intrinsic(self, underlying_price: Decimal) -> Decimal:
        """Dollars per share that exercising at `underlying_price` would yield, at least 0.

        Example: a 750 call with the underlying at 752.50 is worth 2.50.
        """
        gain = underlying_price - self.strike
        return max(gain if self.right is OptionRight.CALL else -gain, Decimal(0))


def parse_contract(symbol: str) -> OptionContract:
    """Read a compact OCC symbol.

    Raises:
        InputError: The text is not one, or its date does not exist.
    """
    match = _SYMBOL.fullmatch(symbol)
    expected = "a compact OCC symbol such as GOOG151224C00752500"
    if match is None:
        message = f"option symbol {symbol!r} is not {expected}"
        raise InputError(message)
    root, yymmdd, letter, thousandths = match.groups()
    try:
        expiration = datetime.strptime(yymmdd, "%y%m%d").date()  # noqa: DTZ007 a date has no zone
    except ValueError as error:
        message = f"option symbol {symbol!r} names the date {yymmdd}, which does not exist"
        raise InputError(message) from error
    return OptionContract(
        root=root,
        expiration=expiration,
        right=OptionRight.CALL if letter == "C" else OptionRight.PUT,
        strike=Decimal(thousandths).scaleb(-3),
    )
