"""IV_CRUSH."""

import numpy as np
import pytest

from exit_pipeline_tests.builders import decide_one

ON = "iv_crush=on"


@pytest.mark.parametrize(
    ("entry", "now", "outcome"),
    [
        pytest.param(0.4, 0.28, "FULL", id="exactly 30 % less"),
        pytest.param(0.4, 0.280001, "HOLD", id="a hair above"),
        pytest.param(0.1, 0.07, "FULL", id="exactly, where a float falls short"),
        pytest.param(0.4, 0.1, "FULL", id="far below"),
        pytest.param(0.4, 0.8, "HOLD", id="it rose"),
    ],
)
@pytest.mark.parametrize("side", [pytest.param(1, id="long"), pytest.param(-1, id="short")])
def test_a_position_leaves_when_its_volatility_has_gone(side, entry, now, outcome):
    one = decide_one(ON, entry_iv=entry, iv=now, side=side, bid=None)
    assert one.outcome == outcome
    assert one.reason == ("IV_CRUSH" if outcome == "FULL" else None)


@pytest.mark.parametrize(
    ("columns", "note"),
    [
        pytest.param({"iv": np.nan}, "implied volatility is not known", id="not known now"),
        pytest.param({"iv": 0.0}, "implied volatility is not known",
                     id="a feed's zero is no crush"),
        pytest.param({"entry_iv": np.nan}, "implied volatility at entry is not known",
                     id="not known at entry"),
        pytest.param({"entry_iv": 0.0}, "implied volatility at entry is not known",
                     id="a zero at entry"),
    ],
)  # fmt: skip
def test_what_is_not_known_is_not_judged(columns, note):
    one = decide_one(ON, **({"iv": 0.1, "entry_iv": 0.4} | columns))
    assert "IV_CRUSH" not in one.evaluable | one.fired
    assert one.lines["IV_CRUSH"].text == note


def test_the_trace_tells_the_fall():
    line = decide_one(ON, entry_iv=0.4, iv=0.34).lines["IV_CRUSH"]
    assert (line.observed, line.threshold) == (pytest.approx(15), 30)
    assert (line.distance, line.progress) == (pytest.approx(15), pytest.approx(0.5))
    assert line.text == "IV has fallen by +15.0 % since the entry against +30.0 %"
    assert decide_one(ON, entry_iv=0.4, iv=0.8).lines["IV_CRUSH"].progress == 0
