"""Volatility and greeks of a position's own contract."""

import math
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from exit_pipeline.core.model.quote import MarketSnapshot, Quote, UnderlyingPrice
from exit_pipeline.services.contract_figures import contract_figures
from exit_pipeline_tests.fakes import FakeCalendar, new_york
from exit_pipeline_tests.services.test_assemble_book import a_position

CALL = "ACME260417C00100000"
AT = new_york(date(2026, 3, 18), 16)  # 30 days before the settlement


def figures(
    *, symbol: str | None = CALL, spot: str | None = "100", age: timedelta | None = None,
    spot_age: timedelta | None = None, **quote: Any,
) -> dict[str, float]:  # fmt: skip
    """The figures of one contract."""
    told = {"bid": Decimal("2.75"), "ask": Decimal("2.85")} | quote
    seen = Quote(symbol=symbol or "", quoted_at=AT - (age or timedelta(0)), **told)
    prices = {}
    if spot is not None:
        at = AT - (spot_age or timedelta(0))
        prices["ACME"] = UnderlyingPrice(symbol="ACME", last=Decimal(spot), quoted_at=at)
    market = MarketSnapshot(
        source="fake",
        feed_age_limit=timedelta(seconds=90),
        quotes={seen.symbol: seen},
        underlyings=prices,
    )
    found = contract_figures([a_position(symbol)], market, AT, FakeCalendar())
    return {name: float(column[0]) for name, column in found.items()}


def test_the_worked_case_in_the_units_of_a_book() -> None:
    expected = {"iv": 0.2448, "delta": 0.514, "gamma": 0.0568, "theta": -0.0466, "vega": 0.1143}
    assert figures() == pytest.approx(expected, abs=1e-4)


def test_a_put_has_a_delta_below_zero() -> None:
    put = figures(symbol="ACME260417P00100000")
    assert put["delta"] == pytest.approx(0.514 - 1, abs=1e-3)


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"symbol": None}, id="no contract"),
        pytest.param({"symbol": "ACME1260417C00100000"}, id="adjusted"),
        pytest.param({"spot": None}, id="no price of the underlying"),
        pytest.param({"spot": "0"}, id="a price of zero"),
        pytest.param({"bid": None}, id="no bid"),
        pytest.param({"bid": Decimal(0)}, id="a bid of zero"),
        pytest.param({"ask": Decimal("2.70")}, id="crossed"),
        pytest.param({"bid": Decimal("0.50"), "ask": Decimal("1.51")}, id="too wide"),
        pytest.param({"nonfinite": True}, id="a price that is none"),
        pytest.param({"contract_size": 10}, id="for 10 shares"),
        pytest.param({"age": timedelta(minutes=16)}, id="an old quote"),
        pytest.param({"spot_age": timedelta(minutes=16)}, id="an old price"),
        pytest.param({"symbol": "ACME260317C00100000"}, id="settled yesterday"),
        pytest.param({"spot": "103.5"}, id="below the intrinsic value"),
    ],
)
def test_what_is_not_known_is_nan_and_never_zero(given: dict[str, Any]) -> None:
    assert all(math.isnan(value) for value in figures(**given).values())


def test_a_settlement_beyond_the_calendar_is_not_known() -> None:
    calendar = FakeCalendar()
    calendar.last_day = date(2026, 4, 1)
    quote = Quote(symbol=CALL, bid=Decimal("2.75"), ask=Decimal("2.85"), quoted_at=AT)
    market = MarketSnapshot(
        source="fake",
        feed_age_limit=timedelta(seconds=90),
        quotes={CALL: quote},
        underlyings={"ACME": UnderlyingPrice(symbol="ACME", last=Decimal(100), quoted_at=AT)},
    )
    found = contract_figures([a_position(CALL)], market, AT, calendar)
    assert math.isnan(found["iv"][0])


def test_no_positions_are_no_figures() -> None:
    market = MarketSnapshot(source="fake", feed_age_limit=timedelta(seconds=90))
    found = contract_figures([], market, AT, FakeCalendar())
    assert [len(column) for column in found.values()] == [0] * 5
