"""Pictures of the context in a run's metadata."""

from base64 import b64encode
from typing import Any, Final

import dagster as dg

from exit_pipeline.core.model.reading import ReadingState
from exit_pipeline.plots.gamma import gamma_by_strike, gamma_profile
from exit_pipeline.plots.small import as_markdown, small_gamma, small_vix
from exit_pipeline.plots.vix_term import vix_term
from exit_pipeline.services.context_details import ContextDetails
from exit_pipeline.services.context_inputs import VIX_SETTINGS
from exit_pipeline.services.tick import ContextTick

UNDERLYINGS_SHOWN: Final = 3
"""Underlyings whose gamma is drawn, those with the most first: a picture is 40 kB in the event log,
and drawing two takes a third of a second."""

_SMALL_SHOWN: Final = 2
"""Of the small ones: as many as leave room for the lines of a tick on the page of its run."""

_EVERY_MINUTES: Final = 15


def pictures(known: ContextTick) -> dict[str, Any]:
    """Pictures of a tick with a new chain, or on the quarter of an hour; none of the others.

    An empty answer where nothing is to be decided.
    """
    details = known.details
    if details is None:
        return {}
    if not details.chains.fresh and details.at.minute % _EVERY_MINUTES:
        return {}
    return {name: in_markdown(name, png) for name, png in draw(details, UNDERLYINGS_SHOWN).items()}


def draw(details: ContextDetails, most: int) -> dict[str, bytes]:
    """PNG pictures by name: the term structure, and gamma of this tick's chains."""
    figures = details.chains.figures
    fresh = sorted(details.chains.fresh, key=lambda one: -(figures[one].gross or 0.0))
    drawn = {"vix_term": vix_term(details.vix, details.readings, VIX_SETTINGS)}
    for ticker in fresh[:most]:
        context = details.chains.fresh[ticker]
        drawn[f"{ticker}_gamma_by_strike"] = gamma_by_strike(context)
        drawn[f"{ticker}_gamma_profile"] = gamma_profile(context)
    return {name: png for name, png in drawn.items() if png is not None}


def small_pictures(details: ContextDetails) -> dict[str, Any]:
    """Pictures that cost nothing, of every tick: the term structure, and gamma by its marks."""
    levels = {
        name: reading.value
        for name in ("VIX9D", "VIX", "VIX3M")
        if (reading := details.readings[name]).value is not None
        and reading.state(details.at) is ReadingState.FRESH
    }
    drawn = {"vix_term": small_vix(levels)}
    for ticker in most_gamma(details)[:_SMALL_SHOWN]:
        drawn[f"gamma_{ticker}"] = _small_gamma(ticker, details)
    return {
        name: dg.MetadataValue.md(as_markdown(name, svg))
        for name, svg in drawn.items()
        if svg is not None
    }


def most_gamma(details: ContextDetails) -> list[str]:
    """Underlyings whose gamma is known and fresh, those with the most first."""
    fresh = [
        (-(one.gamma.gross or 0.0), ticker)
        for ticker, one in details.underlyings.items()
        if one.gamma is not None
        and details.readings[f"gamma {ticker}"].state(details.at) is ReadingState.FRESH
    ]
    return [ticker for _, ticker in sorted(fresh)]


def _small_gamma(ticker: str, details: ContextDetails) -> str | None:
    figures, chain = details.underlyings[ticker].gamma, details.chains.fresh.get(ticker)
    if figures is None:
        return None
    marks = {
        "spot": figures.spot,
        "zero": figures.zero_gamma,
        "put": figures.put_wall,
        "call": figures.call_wall,
    }
    zero = chain.zero if chain is not None else None
    return small_gamma(marks, None if zero is None else (zero.prices, zero.net))


def in_markdown(name: str, png: bytes) -> Any:
    """A picture within the metadata itself, which needs no server of its own."""
    return dg.MetadataValue.md(f"![{name}](data:image/png;base64,{b64encode(png).decode()})")
