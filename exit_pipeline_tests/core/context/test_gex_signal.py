"""The direction drawn from gamma."""

from dataclasses import replace

import pytest

from exit_pipeline.core.context.gamma_context import gamma_context
from exit_pipeline.core.context.gex_signal import CONVENTION, gex_signal
from exit_pipeline.core.model.direction import Direction
from exit_pipeline_tests.core.context.chains import chain_of

WHOLE = gamma_context(chain_of([(90, -1, 1_000), (110, 1, 1_000)]))


def signal(calls, puts, at_spot):
    exposure = replace(WHOLE.exposure, calls=calls, puts=puts)
    return gex_signal(exposure, replace(WHOLE.zero, at_spot=at_spot))


@pytest.mark.parametrize(
    ("calls", "puts", "at_spot", "direction", "strength"),
    [
        pytest.param(30.0, -10.0, 20.0, Direction.CALL, 0.5, id="positive"),
        pytest.param(10.0, -30.0, -20.0, Direction.PUT, 0.5, id="negative"),
        pytest.param(30.0, 0.0, 30.0, Direction.CALL, 1.0, id="calls alone"),
        pytest.param(0.0, -30.0, -30.0, Direction.PUT, 1.0, id="puts alone"),
    ],
)
def test_the_sign_at_the_spot_is_the_direction_and_its_part_of_the_gross_the_strength(
    calls, puts, at_spot, direction, strength
):
    one = signal(calls, puts, at_spot)
    assert (one.direction, one.strength, one.reason) == (direction, strength, None)


@pytest.mark.parametrize(
    ("calls", "puts", "at_spot", "reason"),
    [
        pytest.param(0.0, 0.0, 0.0, "there is no gamma at the spot", id="no gamma"),
        pytest.param(10.0, -10.0, 0.0, "calls and puts have the same gamma at the spot",
                     id="equal"),
        pytest.param(1e9, -1e9 + 1e-6, -1e-6, "calls and puts have the same gamma at the spot",
                     id="equal but for rounding"),
        pytest.param(30.0, -10.0, -5.0, "the source's gammas and its volatilities disagree on the "
                     "sign at the spot", id="the profile says the opposite"),
    ],
)  # fmt: skip
def test_what_gives_no_sign_gives_no_signal_but_a_reason(calls, puts, at_spot, reason):
    one = signal(calls, puts, at_spot)
    assert (one.direction, one.strength, one.reason) == (Direction.NONE, None, reason)


@pytest.mark.parametrize(
    ("spot", "direction"),
    [
        pytest.param(98.6, Direction.CALL, id="just above zero gamma"),
        pytest.param(98.4, Direction.PUT, id="just below it"),
    ],
)
def test_where_gamma_rises_through_its_zero_the_side_of_the_spot_decides(spot, direction):
    whole = gamma_context(chain_of([(90, -1, 1_000), (110, 1, 1_000)], spot=spot))
    assert whole.zero.nearest.price == pytest.approx(98.5087, abs=1e-4)
    assert whole.signal.direction is direction


def test_where_gamma_falls_through_its_zero_the_gamma_decides_and_not_the_side():
    rows = [(90, 1, 1_000), (90, -1, 0), (110, -1, 1_000), (110, 1, 0)]
    whole = gamma_context(chain_of(rows, spot=98.6))
    assert whole.zero.nearest.above == -1
    assert whole.signal.direction is Direction.PUT


def test_without_a_zero_the_sign_at_the_spot_is_all_there_is():
    whole = gamma_context(chain_of([(90, 1, 10), (110, 1, 10)]))
    assert whole.zero.nearest is None
    assert (whole.signal.direction, whole.signal.strength) == (Direction.CALL, 1.0)


def test_the_text_beside_a_direction_calls_it_a_convention_and_no_forecast():
    assert "convention" in CONVENTION
    assert "no forecast" in CONVENTION
