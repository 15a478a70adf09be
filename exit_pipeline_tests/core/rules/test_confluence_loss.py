"""CONFLUENCE_LOSS."""

import numpy as np
import pytest

from exit_pipeline_tests.builders import decide_one

ON = "confluence_loss=on"


@pytest.mark.parametrize(
    ("policy", "against", "outcome"),
    [
        pytest.param(ON, 0.0, "HOLD", id="nothing against it"),
        pytest.param(ON, 0.69, "HOLD", id="a hair below"),
        pytest.param(ON, 0.7, "FULL", id="exactly"),
        pytest.param(ON, 1.0, "FULL", id="all against it"),
        pytest.param("confluence_loss.against_min=0.5", 0.5, "FULL", id="a threshold of its own"),
    ],
)
def test_a_position_leaves_when_enough_speaks_against_it(policy, against, outcome):
    one = decide_one(policy, confluence=against, bid=None)
    assert one.outcome == outcome
    assert one.reason == ("CONFLUENCE_LOSS" if outcome == "FULL" else None)


def test_a_context_that_is_not_known_is_not_judged():
    one = decide_one(ON, confluence=np.nan)
    assert "CONFLUENCE_LOSS" not in one.evaluable
    assert one.lines["CONFLUENCE_LOSS"].text == "too little of the context is known"


def test_the_trace_tells_the_agreement_against_it():
    line = decide_one(ON, confluence=0.35).lines["CONFLUENCE_LOSS"]
    assert (line.observed, line.threshold, line.distance) == (0.35, 0.7, pytest.approx(0.35))
    assert line.progress == pytest.approx(0.5)
    assert line.text == "the context is 0.35 against the position, the limit 0.70"
