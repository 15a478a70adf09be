"""Open interest of Alpaca's listed options, which its market data do not have."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from exit_pipeline.adapters.clients.alpaca import AlpacaTrading
from exit_pipeline.adapters.clients.figures import read_count
from exit_pipeline.adapters.clients.us_symbols import share_symbol
from exit_pipeline.core.model.errors import UnavailableError
from exit_pipeline.core.model.quote import OpenInterest

_CONTRACTS: Final = "/v2/options/contracts"
_PAGE: Final = 10_000
"""Largest ``limit`` of contracts; the default is 100."""

_MOST_PAGES: Final = 50
"""Half a million contracts, a third of all that are listed. A vendor that never stops paging is
stopped."""


def read_open_interest(
    api: AlpacaTrading, underlyings: Sequence[str], first: date, last: date
) -> list[OpenInterest]:
    """Open interest of every listed contract, by symbol, in one request for each 10,000.

    Args:
        api: The trading host, whose contracts alone tell it.
        underlyings: Tickers; what can be none is not asked for.
        first: First expiration.
        last: Last expiration. Without it the vendor lists those of this week alone.

    Raises:
        UnavailableError: No usable answer, to one page or all.
        ConfigurationError: The keys are refused.
    """
    names = sorted({name for one in underlyings if (name := share_symbol(one))})
    found: list[OpenInterest] = []
    token: str | None = None
    for _ in range(_MOST_PAGES if names else 0):
        params: dict[str, str | int | None] = {
            "underlying_symbols": ",".join(names),
            "status": "active",
            "expiration_date_gte": first.isoformat(),
            "expiration_date_lte": last.isoformat(),
            "limit": _PAGE,
            "page_token": token,
        }
        body = api.read(_CONTRACTS, params, dict)
        rows = body.get("option_contracts")
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            message = f"Alpaca answered {_CONTRACTS} with something of another form than documented"
            raise UnavailableError(message)
        found += [told for row in rows if (told := _told(row)) is not None]
        token = body.get("next_page_token")
        if not token:
            return found
    if names:
        message = f"Alpaca answered {_CONTRACTS} with more pages than there are contracts"
        raise UnavailableError(message)
    return found


def _told(row: Mapping[str, Any]) -> OpenInterest | None:
    """The figure of a contract; None where the vendor has none, or no day for it."""
    contracts, day = read_count(row.get("open_interest")), row.get("open_interest_date")
    try:
        as_of = date.fromisoformat(str(day))
    except ValueError:
        return None
    symbol = str(row.get("symbol"))
    if contracts is None:
        return None
    return OpenInterest(symbol=symbol, open_interest=contracts, as_of=as_of)
