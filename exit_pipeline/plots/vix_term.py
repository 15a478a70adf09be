"""The term structure of the VIX among its bands."""

from collections.abc import Mapping
from typing import Final

from exit_pipeline.core.context.vix import VixContext, VixSettings
from exit_pipeline.core.model.market_state import VixBand
from exit_pipeline.core.model.reading import Reading
from exit_pipeline.plots.canvas import BLUE, GREY, picture, to_png

_DAYS: Final = {"VIX9D": 9, "VIX": 30, "VIX3M": 93}
"""Calendar days that each index looks ahead (Cboe, "Volatility index methodology")."""

_SHADES: Final = {
    VixBand.CALM: "#e8f5e9",
    VixBand.NORMAL: "#f1f8e9",
    VixBand.ELEVATED: "#fff8e1",
    VixBand.STRESSED: "#ffe0b2",
    VixBand.PANIC: "#ffcdd2",
}


def vix_term(
    vix: VixContext, readings: Mapping[str, Reading], settings: VixSettings
) -> bytes | None:
    """Levels by their days ahead; None where no level is there at all.

    Args:
        vix: What follows from them.
        readings: ``VIX9D``, ``VIX`` and ``VIX3M``.
        settings: Edges of the bands.
    """
    known = {
        days: (name, reading.value)
        for name, days in _DAYS.items()
        if (reading := readings[name]).value is not None
    }
    if not known:
        return None
    figure, axes = picture(f"VIX term structure\n{_said(vix)}", "days ahead", "index points")
    levels = [value for _, value in known.values() if value is not None]
    top = max(max(levels) * 1.15, settings.edges[2])
    low = min(min(levels) * 0.85, settings.edges[0] - 5)
    edges = [low, *settings.edges, max(top, settings.edges[-1] + 10)]
    for band in VixBand:
        axes.axhspan(edges[band], edges[band + 1], color=_SHADES[band], zorder=0)
        if edges[band] < top:
            middle = (max(edges[band], low) + min(edges[band + 1], top)) / 2
            axes.text(99, middle, band.name, color=GREY, fontsize=8.5, va="center", ha="right")
    axes.plot(list(known), levels, color=BLUE, linewidth=1.8, marker="o", markersize=7)
    for days, (name, value) in known.items():
        axes.annotate(
            f"{name} {value:.2f}",
            (days, value),
            xytext=(0, 10),
            textcoords="offset points",
            ha="center",
            fontsize=9,
        )
    axes.set_xlim(0, 100)
    axes.set_ylim(low, top)
    axes.grid(visible=False)
    return to_png(figure)


def _said(vix: VixContext) -> str:
    band = "band not known" if vix.band is None else vix.band.name
    term = "term structure not known"
    if vix.term_structure is not None and vix.vix3m_ratio is not None:
        term = f"{vix.term_structure.name}, VIX / VIX3M {vix.vix3m_ratio:.3f}"
    change = "" if vix.change_percent is None else f", {vix.change_percent:+.1f} % since yesterday"
    return f"{band}, {term}{change}, {vix.state.value}"
