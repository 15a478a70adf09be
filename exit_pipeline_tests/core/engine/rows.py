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
LEFT = (-1_440, -1, 0, 1, 30, 30.5, 31, 60, 60.5, 90, 90.5, 390, 30 * 1_440)
NAN = float("nan")
AHEAD = (-DAYS, -1, 0, 1, DAYS, DAYS + 1, 3 * DAYS, 3 * DAYS + 1, 4 * DAYS, 4 * DAYS + 1)
EVENTS = st.sampled_from((UNKNOWN, *(NOW + left for left in AHEAD)))
CONTEXT = {
    "clock_minutes": st.sampled_from((UNKNOWN, 0, 869, 870, 944, 945, 1_439)),
    "days_in_trade": st.sampled_from((UNKNOWN, 0, 2, 29, 30, 400)),
    "vix": st.sampled_from((NAN, 17.0, 29.99, 30.0, 81.0)),
    "vix_change": st.sampled_from((NAN, -20.0, 0.0, 19.99, 20.0)),
    "vix_ratio": st.sampled_from((NAN, 0.9, 0.99, 1.0, 1.05)),
    "regime": st.integers(0, 3),
    "entry_regime": st.integers(0, 3),
    "confluence": st.sampled_from((NAN, 0.0, 0.69, 0.7, 1.0)),
    "next_earnings": EVENTS,
    "next_ex_dividend": EVENTS,
    "dividend": st.sampled_from((UNKNOWN, 0, 499, 500, 3_500)),
    "day_pnl": st.sampled_from((NAN, 500.0, -0.01, -999.99, -1_000.0, -1_000.01)),
    "drawdown": st.sampled_from((NAN, 0.0, 1_999.99, 2_000.0, 2_000.01)),
}
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
        "high_water": draw(
            st.sampled_from((UNKNOWN, mid, mid * 5 // 4, mid * 5 // 6, entry * 3 // 2))
        ),
        "quoted_at": draw(ago()),
        "feed_at": draw(rarely(ago(), otherwise=NOW)),
        "previous_mid": draw(st.sampled_from((UNKNOWN, mid, mid + 100, 0, entry))),
        **draw(gamma()),
        **draw(contract(mid, ask)),
        **draw(greeks(mid)),
        **draw(st.fixed_dictionaries(CONTEXT)),
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
        "gex_entry": draw(st.sampled_from((1, -1, 0))),
        "gex_latched": draw(st.booleans()),
    }


@st.composite
def contract(draw, mid, ask):
    """A strike, and an underlying in the money by all of the ask, by 2 %, 15 dollars or nothing."""
    days = draw(st.sampled_from((UNKNOWN, -1, 0, 1, 7, 8, 21, 22, 30)))
    # At this strike, the mid is exactly 10 % of it a year.
    ten_percent = max(mid * 3_650 // max(days, 1), 1)
    strike = draw(st.sampled_from((7_500_000, 1_000_000, 33_300, ten_percent)))
    depths = (0, strike // 50, 150_000, ask, ask - 500, ask - 3_500)
    depth = draw(st.sampled_from(depths)) + draw(st.integers(-1, 1))
    right = draw(st.sampled_from((1, -1, 0)))
    return {
        "right": right,
        "days_to_expiration": days,
        "strike": draw(rarely(st.just(UNKNOWN), otherwise=strike)),
        "underlying_price": draw(
            rarely(st.sampled_from((UNKNOWN, strike - depth)), otherwise=strike + right * depth)
        ),
    }


@st.composite
def greeks(draw, mid):
    """Delta, theta around 5 % of the mid, and implied volatility around 70 % of that at entry."""
    entry_iv = draw(st.sampled_from((NAN, 0.0, 0.4, 0.333333, 2.5)))
    iv = round(entry_iv * 0.7, 6) + draw(st.sampled_from((0.0, 1e-6, -1e-6, 0.1)))
    theta = -round(mid / 200_000, 6) + draw(st.sampled_from((0.0, 1e-6, -1e-6)))
    size = draw(st.sampled_from((NAN, 0.0, 0.05, 0.0501, 0.7999, 0.8, 1.0)))
    return {
        "delta": size * draw(st.sampled_from((1, -1))),
        "theta": draw(rarely(st.sampled_from((NAN, 0.0, 0.02)), otherwise=theta)),
        "iv": draw(rarely(st.sampled_from((NAN, 0.0)), otherwise=iv)),
        "entry_iv": entry_iv,
    }
