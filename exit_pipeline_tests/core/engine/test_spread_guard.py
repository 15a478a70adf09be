"""What a wide spread does to an exit that is due."""

from decimal import Decimal

import pytest

from exit_pipeline.core.engine.spread_guard import Guarding, guard_spread, spread_percent
from exit_pipeline.core.model.decision import Urgency

PATIENT, NORMAL, FAST, EMERGENCY = Urgency


def test_a_spread_is_measured_against_the_mid():
    assert spread_percent(Decimal("1.50"), Decimal("2.50")) == 50


@pytest.mark.parametrize(
    ("bid", "ask", "urgency", "limit", "guarding"),
    [
        pytest.param("1.50", "2.50", NORMAL, 49, Guarding.DELAYS, id="a target waits"),
        pytest.param("1.50", "2.50", PATIENT, 49, Guarding.DELAYS, id="a patient one too"),
        pytest.param("1.50", "2.50", FAST, 49, Guarding.PRESSES, id="a stop is pressed"),
        pytest.param("1.50", "2.50", EMERGENCY, 49, Guarding.PRESSES, id="an emergency too"),
        pytest.param("1.50", "2.50", NORMAL, 50, Guarding.NONE, id="exactly at the limit"),
        pytest.param("1.50", "2.50", NORMAL, None, Guarding.NONE, id="no guard"),
        pytest.param("0", "0.05", NORMAL, 50, Guarding.NONE, id="no bid"),
        pytest.param("0", "0", FAST, 50, Guarding.NONE, id="no market"),
    ],
)
def test_what_nothing_presses_waits_and_what_cant_wait_is_pressed(
    bid, ask, urgency, limit, guarding
):
    assert guard_spread(Decimal(bid), Decimal(ask), urgency, limit) is guarding
