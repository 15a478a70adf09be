"""Build the market context of a tick and keep it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from exit_pipeline.core.context.regime import (
    RegimeContext,
    RegimeInputs,
    RegimeSettings,
    judge_regime,
)
from exit_pipeline.core.context.vix import VixContext, read_vix
from exit_pipeline.core.model.context import GexHistory, MarketContext, TrendView
from exit_pipeline.core.model.direction import Direction
from exit_pipeline.core.model.market_state import Trend
from exit_pipeline.ports import Calendar, Database, MarketData
from exit_pipeline.services.chains import chain_minutes, fetch_chains, gamma_age_limit
from exit_pipeline.services.context_details import (
    MARKET,
    ContextDetails,
    ContextMemory,
    DayFigures,
    UnderlyingContext,
)
from exit_pipeline.services.context_inputs import (
    VIX_SETTINGS,
    DayInputs,
    day_inputs,
    read_index,
    vix_inputs,
)
from exit_pipeline.services.gamma_figures import Chains
from exit_pipeline.services.keep_context import PROXIES, keep_context, own_signal
from exit_pipeline.services.tick import ContextTick, MarketTick, OpenTick

REGIME_SETTINGS: Final = RegimeSettings()

SIGNAL_MINUTES: Final = 240
"""How far back signals of strategies are read, as long as they may count."""

_TREND_AGE: Final = timedelta(days=4)
"""How old another program's trend may be: one of Friday still tells something on Tuesday, since a
long weekend has no bars."""


def build_context(
    seen: MarketTick,
    *,
    market_data: MarketData,
    database: Database,
    calendar: Calendar,
    every_minutes: int | None = None,
) -> ContextTick:
    """What is known of volatility, trend, gamma and regime at the tick's moment.

    Volatility indices come from the tick's snapshot, trend and realised volatility from the daily
    levels that earlier ticks kept, gamma exposure from chains, and what has to last before it is
    believed from the context of the tick before. Where our own trend is not known, the newest one
    that another program recorded stands in. Each input keeps its own time and source; one that is
    too old or missing is not known, and a note says why.

    Args:
        seen: The tick with its market.
        market_data: Asked for chains, where it tells them.
        database: What is kept.
        calendar: Tells the session before, and when contracts are settled.
        every_minutes: The setting of how often chains are asked for; None follows the source.
    """
    tick, market = seen.tick, seen.market
    if not tick.positions or tick.session is None:
        return ContextTick(tick=tick, market=market, context=MarketContext())
    identity = tick.identity
    kept = database.context.memory(identity.environment, identity.mode, identity.tick_at)
    memory = ContextMemory.of(kept)
    minutes = chain_minutes(every_minutes, market_data)
    chains = fetch_chains(tick, memory.gammas, minutes, market_data=market_data, calendar=calendar)
    days = day_inputs(
        tick.session.day,
        sorted({position.underlying for position in tick.positions}),
        memory,
        identity.mode,
        database=database,
        calendar=calendar,
    )
    others = _trend_of_others(tick, database)
    details = _details(seen, days, chains, memory, others, minutes)
    context = _context(seen, details, others, database)
    if not tick.request.dry_run:
        keep_context(tick, market, context, details, database)
    return ContextTick(tick=tick, market=market, context=context, details=details)


def _trend_of_others(tick: OpenTick, database: Database) -> TrendView:
    """The newest trend that another program recorded, where it is not too old."""
    found = database.signals.newest_trend(tick.at)
    if found is None or tick.at - found[1] > _TREND_AGE:
        return TrendView()
    return TrendView(trend=Trend[found[0]], source="another program", at=found[1])


def _details(
    seen: MarketTick,
    days: DayInputs,
    chains: Chains,
    memory: ContextMemory,
    others: TrendView,
    minutes: int,
) -> ContextDetails:
    tick, limit = seen.tick, gamma_age_limit(minutes)
    inputs = vix_inputs(tick, seen.market, days)
    vix = read_vix(inputs, VIX_SETTINGS, memory.band)
    signs = {ticker: one.sign(tick.at, limit) for ticker, one in chains.figures.items()}
    proxy = next((one for one in PROXIES if signs.get(one)), "")
    gammas = {f"gamma {name}": one.reading(limit) for name, one in chains.figures.items()}
    return ContextDetails(
        at=tick.at,
        vix=vix,
        readings={"VIX": inputs.vix, "VIX3M": inputs.vix3m, "VIX9D": inputs.vix9d, **gammas},
        market=_regime(MARKET, vix, None, (proxy, signs.get(proxy)), memory),
        underlyings={
            ticker: UnderlyingContext(
                days=of_days,
                trend=_trend(of_days, others),
                regime=_regime(ticker, vix, of_days, (proxy, signs.get(proxy or ticker)), memory),
                gamma=chains.figures.get(ticker),
                gamma_sign=signs.get(ticker),
            )
            for ticker, of_days in days.figures.items()
        },
        chains=chains,
        notes=(
            *vix.notes,
            *(note for one in days.figures.values() for note in one.notes),
            *chains.notes,
            *_stale(tick, chains, signs, limit),
        ),
    )


def _stale(
    tick: OpenTick, chains: Chains, signs: Mapping[str, int | None], limit: timedelta
) -> list[str]:
    """What figures of an earlier chain are too old for."""
    return [
        one.reading(limit).say_trouble(f"Gamma exposure of {ticker}", tick.at)
        for ticker, one in chains.figures.items()
        if one.direction and not signs[ticker]
    ]


def _trend(days: DayFigures, others: TrendView) -> TrendView:
    if days.trend is None:
        return others
    return TrendView(trend=days.trend, bias=days.bias, source="daily levels")


def _regime(
    name: str,
    vix: VixContext,
    days: DayFigures | None,
    gamma: tuple[str, int | None],
    memory: ContextMemory,
) -> RegimeContext:
    """One regime for each underlying: the market's VIX, its own movement, and the market's gamma.

    The gamma is that of SPX or SPY where one is among the underlyings, and else, without a name,
    the underlying's.
    """
    inputs = RegimeInputs(
        band=vix.band,
        term_structure=vix.term_structure,
        realised_vol=days.realised_vol if days else None,
        gamma_of=gamma[0],
        gamma_sign=gamma[1],
    )
    return judge_regime(inputs, REGIME_SETTINGS, memory.regimes.get(name))


def _context(
    seen: MarketTick, details: ContextDetails, others: TrendView, database: Database
) -> MarketContext:
    """The part of the context that decisions are made from."""
    tick, market = seen.tick, seen.market
    vix, vix3m = (market.underlyings.get(index) for index in ("VIX", "VIX3M"))
    known, mode, signals = details.underlyings, tick.identity.mode, database.signals
    tickers = sorted(known)
    history = _with_own(signals.gex_history(tickers, tick.at, mode), details.chains)
    entries = {
        one.id: (one.underlying, one.entry_time)
        for one in tick.positions
        if one.entry_gex is Direction.NONE
    }
    since = tick.at - timedelta(minutes=SIGNAL_MINUTES)
    events = database.context.next_events(tickers, tick.at)
    return MarketContext(
        vix=vix.last if vix else None,
        vix_at=vix.quoted_at if vix else None,
        vix_age_limit=read_index("VIX", market).age_limit,
        vix3m=vix3m.last if vix3m else None,
        vix_change=details.vix.change_percent,
        vix_ratio=details.vix.vix3m_ratio,
        trend=None if others.trend is None else others.trend.name,
        trend_at=others.at,
        trends={ticker: one.trend for ticker, one in known.items()},
        regimes={t: one.regime.regime for t, one in known.items() if one.regime.regime},
        gamma_signs=_gamma_signs(details, history),
        gex=history,
        gex_entry=signals.entry_directions(entries, tick.at, mode),
        signals=tuple(signals.recent_signals(tickers, since, tick.at)),
        events={(event.underlying, event.kind): event for event in events},
    )


def _with_own(history: Mapping[str, GexHistory], chains: Chains) -> dict[str, GexHistory]:
    """The signals that are kept, followed by those of this tick's own chains."""
    joined = dict(history)
    for ticker in chains.fresh:
        signal = own_signal(chains.figures[ticker])
        if signal is None:
            continue
        known = joined.get(ticker)
        joined[ticker] = (
            known.followed_by(signal) if known else GexHistory(newest=signal, is_own=True)
        )
    return joined


def _gamma_signs(details: ContextDetails, history: Mapping[str, GexHistory]) -> dict[str, int]:
    """Signs from chains, and where there is none from the newest signal of another program."""
    limit = gamma_age_limit(0)
    signs = {
        ticker: int(one.newest.direction)
        for ticker, one in history.items()
        if not one.is_own and details.at - one.newest.at <= limit
    }
    return signs | {
        ticker: one.gamma_sign for ticker, one in details.underlyings.items() if one.gamma_sign
    }
