"""Freshness of stored signals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exit_pipeline.core.context.freshness import freshness
from exit_pipeline.core.model.instant import MINUTES, SECONDS
from exit_pipeline.core.model.price import UNKNOWN

NOON = 1_773_835_200 * SECONDS
LIMIT = 240 * MINUTES


def of(at, decided_at=NOON, limit=LIMIT):
    return freshness(np.array([at]), np.array([decided_at]), limit)[0]


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        pytest.param(0, 1.0, id="new"),
        pytest.param(60 * MINUTES, 0.75, id="an hour of four"),
        pytest.param(LIMIT, 0.0, id="exactly as old as allowed"),
        pytest.param(9 * LIMIT, 0.0, id="older"),
        pytest.param(-5 * SECONDS, 1.0, id="five seconds ahead"),
    ],
)
def test_freshness_falls_from_one_to_zero_over_the_limit(age, expected):
    assert of(NOON - age) == expected


@pytest.mark.parametrize(
    ("at", "decided_at"),
    [
        pytest.param(UNKNOWN, NOON, id="a signal without a time"),
        pytest.param(NOON, UNKNOWN, id="a decision without a time"),
        pytest.param(UNKNOWN, UNKNOWN, id="neither"),
        pytest.param(NOON + 6 * SECONDS, NOON, id="a signal of the future"),
    ],
)
def test_freshness_is_not_known_without_an_age_that_can_be(at, decided_at):
    assert np.isnan(of(at, decided_at))


@given(st.integers(0, 10 * LIMIT), st.integers(0, 10 * LIMIT), st.integers(1, 10 * LIMIT))
def test_the_younger_signal_is_never_the_less_fresh(one, other, limit):
    young, old = sorted((one, other))
    assert 0 <= of(NOON - old, limit=limit) <= of(NOON - young, limit=limit) <= 1
