"""One picture: its size, its words, and its bytes."""

from io import BytesIO
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE: Final = (9.0, 4.2)
DOTS: Final = 90
"""Inches, and dots of each: 810 x 378 pixels, which a page shows whole in about 30 kB."""

GREEN, RED, BLUE, GREY, PURPLE = "#2e7d32", "#c62828", "#1565c0", "#757575", "#6a1b9a"
CONVENTION: Final = "calls plus, puts minus: a convention about who holds what, no forecast"


def picture(
    title: str, across: str, upwards: str, size: tuple[float, float] = SIZE
) -> "tuple[Figure, Axes]":
    """An empty picture with its words.

    Args:
        title: What it shows, and of when.
        across: Name and unit of the horizontal axis.
        upwards: Name and unit of the vertical one.
        size: Width and height, inches.
    """
    # The figure alone: pyplot keeps every picture for ever, and looks for a screen.
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, dpi=DOTS, layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title, loc="left", fontsize=11, fontweight="bold")
    axes.set_xlabel(across)
    axes.set_ylabel(upwards)
    axes.grid(visible=True, color="#e0e0e0", linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return figure, axes


def to_png(figure: "Figure") -> bytes:
    """The bytes of a picture; the same picture has the same bytes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    out = BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()


def see_through(figure: "Figure", *, with_grid: bool = True) -> None:
    """Make a picture readable on a light and on a dark page: no ground, and words in a grey."""
    figure.patch.set_alpha(0)
    for axes in figure.axes:
        axes.patch.set_alpha(0)
        axes.set_title(axes.get_title(loc="left"), loc="left", color=GREY, fontsize=11)
        axes.tick_params(colors=GREY)
        if with_grid:
            axes.grid(visible=True, color=GREY, alpha=0.25, linewidth=0.6)
        else:
            axes.grid(visible=False)
        for words in (axes.xaxis.label, axes.yaxis.label):
            words.set_color(GREY)
        for side in ("left", "bottom"):
            axes.spines[side].set_color(GREY)
        shown = axes.get_legend()
        for words in shown.get_texts() if shown else ():
            words.set_color(GREY)


def mark(axes: "Axes", at: float, label: str, color: str, style: str = "--") -> None:
    """A vertical line with its name and number in the legend."""
    axes.axvline(at, color=color, linestyle=style, linewidth=1.4, label=f"{label} {at:,.2f}")


def legend(axes: "Axes") -> None:
    """The names of lines, beside the picture, so that they cover nothing."""
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=8.5)
