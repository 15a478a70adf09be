"""Alpaca's snapshots and index values as quotes, prices and levels."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from exit_pipeline.adapters.clients.figures import (
    read_count,
    read_instant,
    read_number,
    read_price,
)
from exit_pipeline.core.model.quote import Greeks, Quote, UnderlyingPrice

_WIDEST: Final = Decimal("0.02")
"""Spread of a share's quote, of its bid, up to which the mid is taken for its price."""


def to_quote(symbol: str, row: Any) -> Quote | None:
    """A contract's snapshot as a quote; None where it has no quote with a time.

    Example: ``{"latestQuote": {"t": ..., "bp": 4.15, "ap": 4.3}}`` is 4.15 bid and 4.30 ask.
    """
    quoted = _block(row, "latestQuote")
    quoted_at = read_instant(quoted.get("t"))
    if quoted_at is None:
        return None
    (bid, no_bid), (ask, no_ask) = read_price(quoted.get("bp")), read_price(quoted.get("ap"))
    return Quote(
        symbol=symbol,
        bid=bid,
        ask=ask,
        bid_size=read_count(quoted.get("bs")),
        ask_size=read_count(quoted.get("as")),
        quoted_at=quoted_at,
        nonfinite=no_bid or no_ask,
        greeks=to_greeks(row),
    )


def to_greeks(row: Any) -> Greeks | None:
    """Greeks and implied volatility of a contract's snapshot; either block may be absent."""
    greeks = _block(row, "greeks")
    figures = {name: read_number(greeks.get(name)) for name in ("delta", "gamma", "theta", "vega")}
    iv = read_number(row.get("impliedVolatility"))
    return Greeks(iv=iv, **figures) if greeks or iv is not None else None


def to_price(symbol: str, row: Any) -> UnderlyingPrice | None:
    """A share's snapshot as its price: of the last trade, or the mid of a later narrow quote.

    A share that trades once in minutes is not standing still while it is quoted.
    """
    trade, quoted = _block(row, "latestTrade"), _block(row, "latestQuote")
    traded_at, quoted_at = read_instant(trade.get("t")), read_instant(quoted.get("t"))
    price = read_price(trade.get("p"))[0] if traded_at else None
    mid = _mid(quoted) if quoted_at else None
    if mid and quoted_at and (not price or not traded_at or quoted_at > traded_at):
        return UnderlyingPrice(symbol=symbol, last=mid, quoted_at=quoted_at)
    if price and traded_at:
        return UnderlyingPrice(symbol=symbol, last=price, quoted_at=traded_at)
    return None


def to_level(symbol: str, row: Any) -> UnderlyingPrice | None:
    """An index value as a level; a level of zero is not known."""
    value = row if isinstance(row, dict) else {}
    level, at = read_price(value.get("v"))[0], read_instant(value.get("t"))
    return UnderlyingPrice(symbol=symbol, last=level, quoted_at=at) if level and at else None


def _mid(quoted: Mapping[str, Any]) -> Decimal | None:
    bid, ask = read_price(quoted.get("bp"))[0], read_price(quoted.get("ap"))[0]
    if not bid or not ask or not 0 <= ask - bid <= _WIDEST * bid:
        return None
    return read_price(str((bid + ask) / 2))[0]


def _block(row: Any, name: str) -> dict[str, Any]:
    block = row.get(name) if isinstance(row, dict) else None
    return block if isinstance(block, dict) else {}
