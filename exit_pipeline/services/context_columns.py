"""What decisions keep of the context beside their inputs: confidence, and what it came of."""

from collections.abc import Sequence
from typing import Any

from exit_pipeline.core.model.position import Position
from exit_pipeline.services.gamma_figures import GammaFigures
from exit_pipeline.services.judge_context import JudgedContext
from exit_pipeline.services.tick import ContextTick


def context_columns(
    known: ContextTick, positions: Sequence[Position], judged: JudgedContext
) -> dict[str, list[Any]]:
    """Columns ``confidence``, ``calculations``, ``context_data`` and ``gex_data`` of decisions.

    ``calculations`` has the points of each part of the confidence, ``context_data`` the weights of
    what was heard and what opposes, ``gex_data`` the newest signal and the chain's main figures.
    The rest is kept once, with the signal and in the run's snapshot.
    """
    figures = {ticker: _gex_data(known, ticker) for ticker in {p.underlying for p in positions}}
    around = {ticker: _around(known, ticker) for ticker in figures}
    return {
        "confidence": judged.confidences(),
        "calculations": judged.calculations(),
        "context_data": [
            around[position.underlying] | {"confluence": voices}
            for position, voices in zip(positions, judged.voices(), strict=True)
        ],
        "gex_data": [figures[position.underlying] for position in positions],
    }


def _around(known: ContextTick, ticker: str) -> dict[str, Any]:
    """Trend and its source; why the regime is what it is stands in the run's snapshot, once."""
    view = known.context.trends.get(ticker)
    of = known.details.underlyings.get(ticker) if known.details else None
    return {
        "trend": None if view is None or view.trend is None else view.trend.name,
        "trend_source": view.source if view else None,
        "bias": view.bias if view else None,
        "realised_vol": of.days.realised_vol if of else None,
    }


def _gex_data(known: ContextTick, ticker: str) -> dict[str, Any] | None:
    history = known.context.gex.get(ticker)
    of = known.details.underlyings.get(ticker) if known.details else None
    if history is None and (of is None or of.gamma is None):
        return None
    newest = history.newest if history else None
    strength = newest.strength if newest else None
    return {
        "direction": newest.direction.name if newest else None,
        # What was not recorded is NaN, which JSON has no word for.
        "strength": strength if strength == strength else None,  # noqa: PLR0124
        "at": newest.at.isoformat() if newest else None,
        "is_own": history.is_own if history else None,
        **_figures(of.gamma if of else None),
    }


def _figures(gamma: GammaFigures | None) -> dict[str, Any]:
    if gamma is None:
        return {}
    if gamma.net is None:
        return {"reason": gamma.reason}
    names = ("source", "spot", "net", "gross", "zero_gamma", "call_wall", "put_wall")
    return {name: getattr(gamma, name) for name in names} | {
        "chain_at": gamma.at and gamma.at.isoformat()
    }
