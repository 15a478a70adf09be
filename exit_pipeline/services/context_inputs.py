"""What the context is judged from: volatility indices, and daily levels of earlier sessions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np

from exit_pipeline.core.context.realised_vol import RealisedVolSettings, realised_vol
from exit_pipeline.core.context.trend import TrendSettings, read_trend
from exit_pipeline.core.context.vix import VixInputs, VixSettings
from exit_pipeline.core.model.daily import DailyBars, DailyCloses
from exit_pipeline.core.model.quote import MarketSnapshot
from exit_pipeline.core.model.reading import Reading
from exit_pipeline.ports import Calendar, Database
from exit_pipeline.services.context_details import ContextMemory, DayFigures
from exit_pipeline.services.tick import OpenTick

VIX_SETTINGS: Final = VixSettings()
TREND_SETTINGS: Final = TrendSettings()
REALISED_SETTINGS: Final = RealisedVolSettings()

_HISTORY_DAYS: Final = 430
"""Calendar days of daily levels that are read: 290 sessions or so, where the average needs 200."""

_INDEX_AGE: Final = timedelta(minutes=5)
"""Least age limit of a volatility index, which Cboe computes every 15 seconds: a level of some
minutes ago is still context, where a quote of then would be no price."""

_NO_BARS: Final = DailyBars.of(())


@dataclass(frozen=True, slots=True, kw_only=True)
class DayInputs:
    """What daily levels tell in a session.

    Attributes:
        session: The session.
        previous_session: The one before.
        vix: Closes of the VIX.
        figures: Trend and realised volatility by underlying.
    """

    session: date
    previous_session: date
    vix: DailyCloses
    figures: Mapping[str, DayFigures]


def read_index(name: str, market: MarketSnapshot) -> Reading:
    """A volatility index as the snapshot has it, with its source's own age limit."""
    price = market.underlyings.get(name)
    source = (price.source if price else None) or market.source
    limit = (price.age_limit if price else None) or market.feed_age_limit
    return Reading(
        value=float(price.last) if price else None,
        at=price.quoted_at if price else None,
        source=source,
        age_limit=max(limit, _INDEX_AGE),
    )


def vix_inputs(tick: OpenTick, market: MarketSnapshot, days: DayInputs) -> VixInputs:
    """What is known of the VIX at a tick."""
    return VixInputs(
        moment=tick.at,
        session=days.session,
        previous_session=days.previous_session,
        vix=read_index("VIX", market),
        vix3m=read_index("VIX3M", market),
        vix9d=read_index("VIX9D", market),
        history=days.vix,
    )


def day_inputs(
    session: date,
    underlyings: Sequence[str],
    memory: ContextMemory,
    mode: str,
    *,
    database: Database,
    calendar: Calendar,
) -> DayInputs:
    """Read daily levels, in one statement; figures that hold all day are taken from the memory.

    Only a session's first tick, and one with an underlying that is new, reads more than the VIX.
    """
    before = calendar.session_on_or_before(session - timedelta(days=1)).day
    known = {ticker: one for ticker, one in memory.days.items() if one.session == session}
    lacking = [ticker for ticker in underlyings if ticker not in known]
    since = session - timedelta(days=_HISTORY_DAYS)
    bars = database.context.levels(mode, ["VIX", *lacking], since, session)
    judged = {
        ticker: _judge(bars.get(ticker, _NO_BARS), session, before, ticker) for ticker in lacking
    }
    return DayInputs(
        session=session,
        previous_session=before,
        vix=bars.get("VIX", _NO_BARS).closes,
        figures={ticker: known.get(ticker) or judged[ticker] for ticker in underlyings},
    )


def _judge(bars: DailyBars, session: date, before: date, ticker: str) -> DayFigures:
    trend = read_trend(bars, session, before, TREND_SETTINGS)
    realised = realised_vol(bars.closes, session, before, REALISED_SETTINGS)
    notes = [f"{ticker}: {note}" for note in (*trend.notes, realised.note) if note]
    # Of few bars both say the same; once is enough.
    return DayFigures(
        session=session,
        trend=trend.trend,
        bias=trend.bias,
        realised_vol=None if realised.value is None or np.isnan(realised.value) else realised.value,
        notes=tuple(dict.fromkeys(notes)),
    )
