"""What the context says of positions: against them, and for holding them."""

import math
from datetime import timedelta
from typing import Any

import pytest

from exit_pipeline.core.model.context import GexHistory, GexSignal, MarketContext, TrendView
from exit_pipeline.core.model.direction import Direction
from exit_pipeline.core.model.market_state import Regime, Trend
from exit_pipeline.core.model.quote import MarketSnapshot
from exit_pipeline.core.model.record import TickIdentity
from exit_pipeline.core.model.signal import Signal
from exit_pipeline.services.context_columns import context_columns
from exit_pipeline.services.judge_context import JudgedContext, judge_context
from exit_pipeline.services.tick import ContextTick, OpenTick, TickRequest
from exit_pipeline_tests.services.test_assemble_book import AT, CALENDAR, TUESDAY, a_position


def tick_of(**context: Any) -> ContextTick:
    tick = OpenTick(
        request=TickRequest(run_key="run"),
        identity=TickIdentity(
            environment="paper", broker="paper", tick_at=AT, mode="fake", dry_run=False
        ),
        at=AT,
        session=CALENDAR.session(TUESDAY),
        runs=(),
        positions=(),
        opened_at=AT,
    )
    market = MarketSnapshot(source="fake", feed_age_limit=timedelta(seconds=90))
    return ContextTick(tick=tick, market=market, context=MarketContext(**context))


def gamma(direction: Direction, strength: float, hours: int = 1) -> dict[str, GexHistory]:
    signal = GexSignal(direction=direction, strength=strength, at=AT - timedelta(hours=hours))
    return {"ACME": GexHistory(newest=signal)}


def judged(known: ContextTick, **position: Any) -> JudgedContext:
    return judge_context(known, [a_position(**position)])


BEARISH = {
    "trends": {"ACME": TrendView(trend=Trend.BEARISH, bias=-0.4, source="daily levels")},
    "regimes": {"ACME": Regime.NORMAL},
    "gex": gamma(Direction.PUT, 0.8),
    "signals": (
        Signal(
            symbol="ACME",
            timeframe="15",
            source="TRADINGVIEW",
            direction=Direction.PUT,
            at=AT - timedelta(minutes=20),
        ),
    ),
}


def test_all_that_is_known_adds_up_as_in_the_worked_cases() -> None:
    """Trend 1.0, bias 0.5, gamma 1.0 and the signal 1.0 oppose, of those and the regime's 0.5."""
    found = judged(tick_of(**BEARISH), timeframe="15m")
    assert found.confluence.against.tolist() == [pytest.approx(3.5 / 4.0)]
    # 50, trend -20, gamma -15 x 0.8 x 0.75 = -9, confluence -10
    assert found.confidences() == [11]
    assert found.calculations()[0]["confidence"]["gamma"] == pytest.approx(-9)
    assert found.voices()[0]["against"] == {"trend": 1, "bias": 0.5, "gamma": 1, "signals": 1}


def test_what_is_against_a_call_is_with_a_put() -> None:
    found = judged(tick_of(**BEARISH), symbol="ACME260417P00100000", timeframe="15m")
    assert found.confluence.against.tolist() == [0]
    assert found.confidences() == [69]


def test_nothing_known_is_no_confidence_and_no_confluence() -> None:
    found = judged(tick_of())
    assert found.confidences() == [None]
    assert math.isnan(found.confluence.against[0])
    assert "no data: " in found.voices()[0]["note"]


def test_a_gamma_signal_that_is_too_old_is_not_known() -> None:
    found = judged(tick_of(gex=gamma(Direction.PUT, 0.8, hours=4)))
    assert found.confidences() == [None]


def test_a_strength_that_was_not_recorded_is_kept_as_null() -> None:
    """JSON has no NaN, so that a decision with one could not be recorded."""
    known = tick_of(gex=gamma(Direction.PUT, math.nan))
    positions = [a_position()]
    columns = context_columns(known, positions, judge_context(known, positions))
    assert columns["gex_data"][0]["strength"] is None
    assert columns["gex_data"][0]["direction"] == "PUT"


def test_no_positions_are_no_rows() -> None:
    known = tick_of(**BEARISH)
    columns = context_columns(known, [], judge_context(known, []))
    assert list(columns.values()) == [[], [], [], []]
