"""Shares of a position in whole contracts."""

import numpy as np
import pytest

from exit_pipeline.core.model.share import contracts_of_share


@pytest.mark.parametrize(
    ("quantity", "percent", "contracts"),
    [
        pytest.param(10, 50, 5, id="half"),
        pytest.param(5, 50, 2, id="rounded down"),
        pytest.param(1, 50, 1, id="at least one"),
        pytest.param(3, 33.34, 1, id="just a third"),
        pytest.param(10, 100, 10, id="all"),
    ],
)
def test_a_share_is_rounded_down_to_whole_contracts_but_never_to_none(quantity, percent, contracts):
    found = contracts_of_share(np.array([quantity]), round(percent * 100))
    assert found.tolist() == [contracts]
