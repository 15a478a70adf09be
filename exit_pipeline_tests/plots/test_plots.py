"""Pictures of the context: there where there is something to draw, and the same again."""

from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from exit_pipeline.core.context.gamma_context import GammaContext, gamma_context
from exit_pipeline.core.context.vix import VixInputs, VixSettings, read_vix
from exit_pipeline.core.model.daily import DailyCloses
from exit_pipeline.core.model.instant import MINUTES
from exit_pipeline.core.model.reading import Reading
from exit_pipeline.plots.gamma import gamma_by_strike, gamma_profile
from exit_pipeline.plots.vix_term import vix_term
from exit_pipeline.services.settlement import settles_at
from exit_pipeline_tests.fakes import FakeCalendar, new_york
from exit_pipeline_tests.listed import listed_chain

DAY = date(2026, 3, 17)
AT = new_york(DAY, 10)
PNG = b"\x89PNG\r\n"
SETTINGS = VixSettings()


def context_of(at: datetime = AT, **chain: Any) -> GammaContext:
    listed = listed_chain(at, **chain)
    return gamma_context(listed.to_chain(lambda one: settles_at(one, FakeCalendar()), 30 * MINUTES))


@pytest.mark.parametrize("draw", [gamma_by_strike, gamma_profile])
@pytest.mark.parametrize(
    "chain",
    [
        pytest.param({}, id="a usual chain"),
        pytest.param({"interest": lambda _, right: float(right > 0)}, id="calls alone, no zero"),
        pytest.param({"strikes": (100, 105)}, id="two strikes"),
        pytest.param({"strikes": np.arange(50, 160, 0.5)}, id="many strikes"),
        pytest.param({"expirations": [date(2026, 4, 17)]}, id="one expiration"),
    ],
)
def test_gamma_that_is_known_is_drawn_the_same_each_time(draw: Any, chain: dict[str, Any]) -> None:
    context = context_of(**chain)
    picture = draw(context)
    assert picture.startswith(PNG)
    assert picture == draw(context)


@pytest.mark.parametrize("draw", [gamma_by_strike, gamma_profile])
def test_gamma_that_is_not_evaluable_is_not_drawn(draw: Any) -> None:
    assert draw(context_of(spot=500.0)) is None


def term(**levels: float | None) -> bytes | None:
    readings = {
        name: Reading(value=levels.get(name), at=AT, source="fake", age_limit=timedelta(minutes=5))
        for name in ("VIX", "VIX3M", "VIX9D")
    }
    inputs = VixInputs(
        moment=AT,
        session=DAY,
        previous_session=date(2026, 3, 16),
        vix=readings["VIX"],
        vix3m=readings["VIX3M"],
        vix9d=readings["VIX9D"],
        history=DailyCloses.of([(date(2026, 3, 16), 18.0)]),
    )
    return vix_term(read_vix(inputs, SETTINGS, None), readings, SETTINGS)


@pytest.mark.parametrize(
    "levels",
    [
        pytest.param({"VIX": 18.0, "VIX3M": 20.0, "VIX9D": 16.0}, id="all"),
        pytest.param({"VIX": 18.0}, id="the VIX alone"),
        pytest.param({"VIX3M": 9.0}, id="one that is very calm"),
        pytest.param({"VIX": 82.69, "VIX3M": 70.0}, id="a panic beyond all bands"),
    ],
)
def test_levels_that_are_known_are_drawn(levels: dict[str, float]) -> None:
    picture = term(**levels)
    assert picture is not None
    assert picture.startswith(PNG)


def test_no_level_is_no_picture() -> None:
    assert term() is None
