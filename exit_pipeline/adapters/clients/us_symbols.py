"""What vendors of the US market agree on about symbols."""

import re
from collections.abc import Iterable
from typing import Final

from exit_pipeline.core.model.contract import OptionContract, parse_contract
from exit_pipeline.core.model.errors import InputError

INDICES: Final = frozenset({
    "DJX", "MRUT", "MXEA", "MXEF", "NDX", "OEX", "RUT", "SKEW", "SPX", "VIX", "VIX1D", "VIX3M",
    "VIX6M", "VIX9D", "VVIX", "XEO", "XND", "XSP",
})  # fmt: skip
"""Indices with listed options and the volatility indices of Cboe: vendors give their levels by
another request, or another name, than shares."""

_CLASS_SHARES: Final = {"BFA": "BF.A", "BFB": "BF.B", "BRKA": "BRK.A", "BRKB": "BRK.B"}
"""Option roots have no point, so the ticker of a share class is not its options' root (OCC)."""

_TICKER: Final = re.compile(r"[A-Z][A-Z0-9]{0,5}(\.[A-Z])?", re.ASCII)


def share_symbol(ticker: str) -> str | None:
    """A ticker as Alpaca and Cboe write it; None for what can be no ticker.

    Example: ``BRKB``, the root of its options, is ``BRK.B``.
    """
    name = _CLASS_SHARES.get(ticker, ticker)
    return name if _TICKER.fullmatch(name) else None


def contracts(symbols: Iterable[str]) -> dict[str, OptionContract]:
    """The contracts that symbols name, in the order of the symbols; what is none is left out."""
    known = {}
    for symbol in sorted(set(symbols)):
        try:
            known[symbol] = parse_contract(symbol)
        except InputError:
            continue
    return known
