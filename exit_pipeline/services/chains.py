"""Ask for the chains of a tick's underlyings, and draw gamma exposure from them."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import Final

from exit_pipeline.core.context.gamma_context import GammaContext, gamma_context
from exit_pipeline.core.model.errors import ExitPipelineError
from exit_pipeline.core.model.instant import MINUTES
from exit_pipeline.ports import Calendar, MarketData, TellsChains
from exit_pipeline.services.gamma_figures import Chains, GammaFigures
from exit_pipeline.services.settlement import settles_at
from exit_pipeline.services.tick import OpenTick

CHAIN_MINUTES: Final = 15
"""How often a chain is asked for where no setting says so: open interest changes once a day, and
Cboe's file is 15 minutes old by nature."""

_BUDGET_SECONDS: Final = 20.0
"""After this no further chain of a tick is asked for: exits wait for it."""

_QUOTE_AGE: Final = 30 * MINUTES
"""An older quote of a chain tells no volatility; its neighbours' is used instead."""

_EARLY: Final = timedelta(seconds=60)
"""Ticks come some seconds early or late, and a chain due at 10:15 should not wait until 10:20."""


def chain_minutes(setting: int | None, market_data: MarketData) -> int:
    """Every how many minutes chains are asked for; 0 is never.

    Without a setting a source is asked that costs no requests for it or is named for chains.
    """
    if not isinstance(market_data, TellsChains):
        return 0
    if setting is not None:
        return setting
    return CHAIN_MINUTES if market_data.tells_chains_unasked else 0


def gamma_age_limit(minutes: int) -> timedelta:
    """How old a chain may be: an hour, or half an hour beyond the time between two of them."""
    return timedelta(minutes=max(60, minutes + 30))


def fetch_chains(
    tick: OpenTick,
    kept: Mapping[str, GammaFigures],
    minutes: int,
    *,
    market_data: MarketData,
    calendar: Calendar,
) -> Chains:
    """Ask for the chains that are due, those not asked for the longest first.

    A chain that does not come, or can't be used, is a note and leaves its figures not known; it is
    asked for again when it is due. Nothing of it keeps a tick from deciding.

    Args:
        tick: The tick.
        kept: Figures of earlier ticks, by underlying.
        minutes: From ``chain_minutes``.
        market_data: Told the tick's quotes too.
        calendar: Tells when contracts are settled.
    """
    underlyings = sorted({position.underlying for position in tick.positions})
    kept = {ticker: kept[ticker] for ticker in underlyings if ticker in kept}
    if not (minutes and isinstance(market_data, TellsChains)) or _is_of_another_time(
        tick, market_data
    ):
        return Chains(figures=kept)
    due = [ticker for ticker in underlyings if _is_due(kept.get(ticker), tick.at, minutes)]
    due.sort(key=lambda ticker: _asked_at(kept.get(ticker)))
    figures, fresh, notes = dict(kept), {}, []
    started = monotonic()
    for asked, ticker in enumerate(due):
        if monotonic() - started > _BUDGET_SECONDS:
            notes.append(_out_of_time(due[asked:]))
            break
        context, reason = _ask(ticker, tick.at, market_data, calendar)
        if context is not None:
            figures[ticker], fresh[ticker] = GammaFigures.of(context, tick.at), context
            reason = context.reason
        else:
            figures[ticker] = GammaFigures(asked_at=tick.at, reason=reason)
        if reason:
            notes.append(f"Gamma exposure of {ticker} is not evaluable: {reason}.")
    return Chains(figures=figures, fresh=fresh, notes=tuple(notes))


def _ask(
    ticker: str, at: datetime, source: TellsChains, calendar: Calendar
) -> tuple[GammaContext | None, str | None]:
    """The context of a chain, or why there is none."""
    try:
        listed = source.option_chain(ticker, at)
    except ExitPipelineError as error:
        return None, str(error).rstrip(".")
    if listed is None:
        return None, "the source has no chain of it"
    chain = listed.to_chain(lambda contract: settles_at(contract, calendar), _QUOTE_AGE)
    return gamma_context(chain), None


def _is_of_another_time(tick: OpenTick, market_data: MarketData) -> bool:
    """A live source tells of now and not of the moment that a launch works at."""
    return bool(market_data.is_live and tick.request.as_of)


def _is_due(kept: GammaFigures | None, at: datetime, minutes: int) -> bool:
    every = timedelta(minutes=minutes)
    return kept is None or at - kept.asked_at >= max(every - _EARLY, every / 2)


def _asked_at(kept: GammaFigures | None) -> float:
    return kept.asked_at.timestamp() if kept else float("-inf")


def _out_of_time(waiting: Sequence[str]) -> str:
    return (
        f"{len(waiting)} chains were not asked for within {_BUDGET_SECONDS:g} seconds: "
        f"{', '.join(waiting[:8])}{', ...' if len(waiting) > 8 else ''}."
    )
