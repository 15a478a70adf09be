"""Pictures of the context in a run's metadata."""

from base64 import b64encode
from typing import Any, Final

import dagster as dg

from exit_pipeline.plots.gamma import gamma_by_strike, gamma_profile
from exit_pipeline.plots.vix_term import vix_term
from exit_pipeline.services.context_details import ContextDetails
from exit_pipeline.services.context_inputs import VIX_SETTINGS
from exit_pipeline.services.tick import ContextTick

UNDERLYINGS_SHOWN: Final = 3
"""Underlyings whose gamma is drawn, those with the most first: a picture is 40 kB in the event log,
and drawing two takes a third of a second."""

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


def in_markdown(name: str, png: bytes) -> Any:
    """A picture within the metadata itself, which needs no server of its own."""
    return dg.MetadataValue.md(f"![{name}](data:image/png;base64,{b64encode(png).decode()})")
