"""Hypothesis strategies for rows of a book, dense in the values at which decisions turn."""

from fractions import Fraction

from hypothesis import strategies as st

from exit_pipeline.core.model.instant import DAYS, MINUTES, SECONDS
from exit_pipeline.core.model.price import UNKNOWN
from exit_pipeline_tests.builders import a_row, micros

NOW = micros("14:30")
ENTRIES = (1, 3, 100, 1_000, 19_000, 20_000, 20_001, 133_700, 9_999_900)
RATIOS = ("0", "0.4", "0.5", "0.7", "0.72", "1", "1.28", "1.3", "1.45", "1.5", "1.52", "3")
SPREADS = (-100, 0, 1, 100, 200, 1_000, 1_001, 1_500, 1_501, 5_000, 60_000)
AGES = (-3 * DAYS, -6 * SECONDS, -5 * SECONDS - 1, -5 * SECONDS, 0, 30 * SECONDS, 30 * SECONDS + 1,
        120 * SECONDS, 120 * SECONDS + 1, 900 * SECONDS, 900 * SECONDS + 1, 3 * DAYS)  # fmt: skip
LEFT = (-DAYS, -1, 0, 1, 30, 30.5, 31, 60, 60.5, 90, 90.5, 390, 30 * 1_440)
GEX_AGES = (-1, 0, 1, 239, 239.9, 240, 300, 10_000)


@st.composite
def rows(draw):
    """One row of a book, in the core's units, often on the edge of a rule."""
    entry = draw(st.sampled_from(ENTRIES) | st.integers(1, 10**7))
    mid = int(entry * Fraction(draw(st.sampled_from(RATIOS)))) + draw(st.integers(-2, 2))
    spread = draw(st.sampled_from(SPREADS))
    bid, ask = mid - spread // 2, mid - spread // 2 + spread
    quantity = draw(st.integers(1, 12))
    exited = draw(st.integers(0, quantity))
    return a_row() | {
        "decided_at": NOW,
        "session_close": draw(later()),
        "last_trading_close": draw(later()),
        "side": draw(st.sampled_from((1, -1))),
        "right": draw(st.sampled_from((1, -1, 0))),
        "quantity": quantity,
        "open_quantity": quantity - exited,
        "profit_exited": draw(st.integers(0, exited)),
        "entry_price": entry,
        "entry_time": NOW - draw(st.sampled_from((0, 60, 20_000))) * MINUTES,
        "intraday": draw(st.booleans()),
        "force_close": draw(rarely(st.just(value=True), otherwise=False)),
        "bid": draw(rarely(st.sampled_from((UNKNOWN, 0, -100)), otherwise=bid)),
        "ask": draw(rarely(st.sampled_from((UNKNOWN, 0, -100)), otherwise=ask)),
        "bid_size": draw(st.sampled_from((10, 1, -1, 0))),
        "ask_size": draw(st.sampled_from((10, 1, -1))),
        "nonfinite": draw(rarely(st.just(value=True), otherwise=False)),
        "quoted_at": draw(ago()),
        "feed_at": draw(rarely(ago(), otherwise=NOW)),
        "previous_mid": draw(st.sampled_from((UNKNOWN, mid, mid + 100, 0, entry))),
        **draw(gamma()),
    }


def rarely(values, *, otherwise):
    """`otherwise`, and about one time in eight one of `values`."""
    return st.integers(0, 7).flatmap(lambda die: st.just(otherwise) if die else values)


def ago():
    """The time of a quote or feed: mostly fresh, or at an edge, or not known."""
    edge = st.sampled_from(AGES).map(lambda age: NOW - age)
    return st.just(NOW - SECONDS) | edge | rarely(st.just(UNKNOWN), otherwise=NOW - SECONDS)


def later():
    """A close, by the minutes until then, or not known."""
    close = st.sampled_from(LEFT).map(lambda left: NOW + int(left * MINUTES))
    return close | rarely(st.just(UNKNOWN), otherwise=NOW + 6 * 60 * MINUTES)


@st.composite
def gamma(draw):
    """The columns of the newest gamma signal and the one before it."""
    direction = draw(st.sampled_from((1, -1, 0)))
    at = NOW - int(draw(st.sampled_from(GEX_AGES)) * MINUTES)
    return {
        "gex_direction": direction,
        "gex_strength": draw(st.sampled_from((0.0, 0.29, 0.3, 1.0))) if direction else float("nan"),
        "gex_at": draw(rarely(st.just(UNKNOWN), otherwise=at)) if direction else UNKNOWN,
        "gex_previous": draw(st.sampled_from((1, -1, 0))) if direction else 0,
        "gex_latched": draw(st.booleans()),
    }
