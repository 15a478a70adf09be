"""Figures that a book derives from its columns."""

import pytest

from exit_pipeline.core.model.price import UNKNOWN
from exit_pipeline_tests.builders import a_book


@pytest.mark.parametrize(
    ("columns", "depth"),
    [
        pytest.param({"right": 1, "underlying_price": "752.00"}, 20_000, id="a call in the money"),
        pytest.param({"right": -1, "underlying_price": "752.00"}, -20_000, id="a put out of it"),
        pytest.param({"underlying_price": "750.00"}, 0, id="at the money"),
        pytest.param({"underlying_price": None}, UNKNOWN, id="no price"),
        pytest.param({"strike": None}, UNKNOWN, id="no strike"),
        pytest.param({"strike": None, "underlying_price": None}, UNKNOWN, id="neither"),
        pytest.param({"right": 0}, UNKNOWN, id="no contract"),
    ],
)
def test_depth_is_how_far_a_contract_is_in_the_money(columns, depth):
    book = a_book(**columns)
    before = book.underlying_price.copy()
    assert book.depth(slice(None)).tolist() == [depth]
    assert book.underlying_price.tolist() == before.tolist()
