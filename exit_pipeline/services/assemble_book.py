"""Join positions, quotes and context into the columns of a book."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Protocol

import numpy as np

from exit_pipeline.core.engine.policy import Policy
from exit_pipeline.core.model.book import MOST_RULES, Book
from exit_pipeline.core.model.context import MarketContext
from exit_pipeline.core.model.contract import OptionContract, OptionRight
from exit_pipeline.core.model.direction import Direction
from exit_pipeline.core.model.event import EventKind
from exit_pipeline.core.model.instant import MICROSECOND, to_micros
from exit_pipeline.core.model.position import Position, PositionSide
from exit_pipeline.core.model.price import UNKNOWN, to_units
from exit_pipeline.core.model.quote import MarketSnapshot
from exit_pipeline.ports import Calendar
from exit_pipeline.services.contract_figures import contract_figures
from exit_pipeline.services.judge_context import JudgedContext
from exit_pipeline.services.last_close import last_trading_close
from exit_pipeline.services.tick import ContextTick


class Listed(Protocol):
    """What a snapshot may have a quote of."""

    @property
    def contract(self) -> OptionContract | None:
        """The contract; None where not known."""
        ...

    @property
    def underlying(self) -> str:
        """What it is written on."""
        ...


def assemble_book(
    known: ContextTick,
    positions: Sequence[Position],
    policies: Sequence[Policy],
    policy_of_row: Sequence[int],
    calendar: Calendar,
    judged: JudgedContext,
) -> Book:
    """One row per position; whatever is not known is UNKNOWN, never zero.

    Args:
        known: The tick, within a session, with its market and context.
        positions: The rows.
        policies: Those that rows are decided by.
        policy_of_row: Index of each row's policy among them.
        calendar: Tells when a contract trades last and when it is settled.
        judged: What the context says of each row.
    """
    tick, market, context = known.tick, known.market, known.context
    rows = len(positions)
    hashes = [policy.hash for policy in policies]
    decided_at = np.full(rows, to_micros(tick.at))
    here = tick.at.astimezone(calendar.zone)
    session_close = tick.session.closes_at if tick.session else None
    asked = {request.position_id for request in tick.asked_to_close}
    return Book.of(
        rows,
        policy=np.asarray(policy_of_row, np.int16),
        decided_at=decided_at,
        session_close=np.full(rows, to_micros(session_close)),
        feed_age_limit=np.full(rows, market.feed_age_limit // MICROSECOND),
        force_close=_flag(positions, lambda p: tick.request.force_close or p.id in asked),
        confluence=judged.confluence.against,
        clock_minutes=np.full(rows, 60 * here.hour + here.minute),
        last_trading_close=_last_trading_closes(positions, calendar),
        previous_mid=_previous_mids(positions, known),
        hits=_hits(positions, known, [hashes[index] for index in policy_of_row]),
        **_position_columns(positions),
        **_day_columns(positions, here.date(), calendar),
        **quote_columns(positions, market),
        **contract_figures(positions, market, tick.at, calendar),
        **_market_columns(positions, context, tick.at),
        **_gamma_columns(positions, context),
    )


def _position_columns(positions: Sequence[Position]) -> dict[str, np.ndarray]:
    return {
        "side": _small(positions, lambda p: 1 if p.side is PositionSide.LONG else -1),
        "right": _small(positions, _right),
        "quantity": _whole(positions, lambda p: p.quantity),
        "open_quantity": _whole(positions, lambda p: p.open_quantity),
        "profit_exited": _whole(positions, lambda p: p.profit_exited_quantity),
        "entry_price": _whole(positions, lambda p: to_units(p.entry_price)),
        "entry_time": _whole(positions, lambda p: to_micros(p.entry_time)),
        "high_water": _whole(positions, lambda p: _units(p.high_water_mark)),
        "strike": _whole(positions, lambda p: _units(p.contract.strike if p.contract else None)),
        "intraday": _flag(positions, lambda p: p.is_intraday),
        "entry_iv": _number(positions, lambda p: p.entry_iv),
        "entry_regime": _small(positions, lambda p: p.entry_regime or 0),
        "gex_latched": _flag(positions, lambda p: p.gex_latched),
    }


def _day_columns(
    positions: Sequence[Position], today: date, calendar: Calendar
) -> dict[str, np.ndarray]:
    """Calendar days between dates on the exchange's calendar."""

    def left(position: Position) -> int:
        contract = position.contract
        return UNKNOWN if contract is None else (contract.expiration - today).days

    def passed(position: Position) -> int:
        return (today - position.entry_time.astimezone(calendar.zone).date()).days

    return {
        "days_to_expiration": _whole(positions, left),
        "days_in_trade": _whole(positions, passed),
    }


def _hits(positions: Sequence[Position], known: ContextTick, hashes: Sequence[str]) -> np.ndarray:
    """Counts of the tick before, under the same policy and in today's session; else none."""
    hits = np.zeros((len(positions), MOST_RULES), np.uint8)
    session = known.tick.session
    for row, (position, of_policy) in enumerate(zip(positions, hashes, strict=True)):
        at = position.previous_mid_at
        is_recent = session is not None and at is not None and at >= session.opens_at
        if is_recent and position.rule_hits_policy == of_policy:
            hits[row, : len(position.rule_hits)] = position.rule_hits
    return hits


def _previous_mids(positions: Sequence[Position], known: ContextTick) -> np.ndarray:
    """Mids of the tick before, where that was in today's session: yesterday's confirms nothing."""
    session = known.tick.session
    if session is None:
        return np.full(len(positions), UNKNOWN)

    def mid(position: Position) -> int:
        at = position.previous_mid_at
        is_recent = at is not None and at >= session.opens_at
        return _units(position.previous_mid if is_recent else None)

    return _whole(positions, mid)


def quote_columns(positions: Sequence[Listed], market: MarketSnapshot) -> dict[str, np.ndarray]:
    """The columns of a book that a snapshot fills."""
    quotes = [market.quotes.get(p.contract.symbol) if p.contract else None for p in positions]
    prices = [market.underlyings.get(p.underlying) for p in positions]
    return {
        "bid": _whole(quotes, lambda q: _units(q.bid if q else None)),
        "ask": _whole(quotes, lambda q: _units(q.ask if q else None)),
        "bid_size": _whole(quotes, lambda q: _size(q.bid_size if q else None)),
        "ask_size": _whole(quotes, lambda q: _size(q.ask_size if q else None)),
        "nonfinite": _flag(quotes, lambda q: q is not None and q.nonfinite),
        "quoted_at": _whole(quotes, lambda q: to_micros(q.quoted_at if q else None)),
        "feed_at": _whole(prices, lambda u: to_micros(u.quoted_at if u else None)),
        "underlying_price": _whole(prices, lambda u: _units(u.last if u else None)),
    }


def _market_columns(
    positions: Sequence[Position], context: MarketContext, at: datetime
) -> dict[str, np.ndarray]:
    """Volatility of the market, and what is known of each underlying."""
    rows = len(positions)
    dividends = [context.events.get((p.underlying, EventKind.DIVIDEND)) for p in positions]
    reports = [context.events.get((p.underlying, EventKind.EARNINGS)) for p in positions]
    return {
        "vix": np.full(rows, _nan(context.fresh_vix(at))),
        "vix_at": np.full(rows, to_micros(context.vix_at)),
        "vix_change": np.full(rows, _nan(context.vix_change)),
        "vix_ratio": np.full(rows, _nan(context.vix_ratio)),
        "regime": _small(positions, lambda p: context.regimes.get(p.underlying, 0)),
        "gamma_sign": _small(positions, lambda p: context.gamma_signs.get(p.underlying, 0)),
        "next_earnings": _whole(reports, lambda e: to_micros(e.at if e else None)),
        "next_ex_dividend": _whole(dividends, lambda e: to_micros(e.at if e else None)),
        "dividend": _whole(dividends, lambda e: _units(e.amount if e else None)),
    }


def _gamma_columns(positions: Sequence[Position], context: MarketContext) -> dict[str, np.ndarray]:
    histories = [context.gex.get(p.underlying) for p in positions]
    return {
        "gex_direction": _small(histories, lambda h: h.newest.direction if h else Direction.NONE),
        "gex_strength": _number(histories, lambda h: h.newest.strength if h else None),
        "gex_at": _whole(histories, lambda h: to_micros(h.newest.at if h else None)),
        "gex_previous": _small(
            histories,
            lambda h: h.previous.direction if h and h.previous else Direction.NONE,
        ),
        "gex_entry": _small(
            positions,
            lambda p: p.entry_gex or context.gex_entry.get(p.id, Direction.NONE),
        ),
    }


def _last_trading_closes(positions: Sequence[Position], calendar: Calendar) -> np.ndarray:
    # A book holds many contracts of few expirations, and asking a calendar is slow.
    known: dict[date, int] = {}

    def close_of(contract: OptionContract | None) -> int:
        if contract is None:
            return UNKNOWN
        day = contract.latest_trading_day
        if day not in known:
            known[day] = to_micros(last_trading_close(contract, calendar))
        return known[day]

    return _whole(positions, lambda p: close_of(p.contract))


def _right(position: Position) -> int:
    if position.contract is None:
        return 0
    return 1 if position.contract.right is OptionRight.CALL else -1


def _nan(value: float | None) -> float:
    return np.nan if value is None else value


def _units(price: Decimal | None) -> int:
    return UNKNOWN if price is None else to_units(price)


def _size(size: int | None) -> int:
    return -1 if size is None else size


def _whole(rows: Sequence[Any], value: Callable[..., int]) -> np.ndarray:
    return np.fromiter((value(row) for row in rows), np.int64, len(rows))


def _number(rows: Sequence[Any], value: Callable[..., float | None]) -> np.ndarray:
    known = (value(row) for row in rows)
    return np.fromiter((np.nan if one is None else one for one in known), np.float64, len(rows))


def _small(rows: Sequence[Any], value: Callable[..., int]) -> np.ndarray:
    return np.fromiter((value(row) for row in rows), np.int8, len(rows))


def _flag(rows: Sequence[Any], value: Callable[..., bool]) -> np.ndarray:
    return np.fromiter((value(row) for row in rows), np.bool_, len(rows))
