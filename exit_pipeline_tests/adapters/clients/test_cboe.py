import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exit_pipeline.adapters.clients.cboe import COLUMNS, parse_chain, parse_level
from exit_pipeline.core.model.errors import UnavailableError
from exit_pipeline_tests.fake_brokers.cboe import TRADED_AT, option

EXAMPLES = Path(__file__).parents[4] / "shared/reference/examples/cboe-examples.json"
CALL = "SPX260821C07400000"


def chain_file(*options: dict[str, Any]) -> bytes:
    data = {"options": options, "current_price": 7383.46, "last_trade_time": TRADED_AT}
    return json.dumps({"timestamp": "2026-07-10 14:31:12", "data": data}).encode()


FIGURE = st.none() | st.floats(0, 1e6, allow_nan=False) | st.integers(0, 10**6)
ROWS = st.lists(st.fixed_dictionaries(dict.fromkeys(COLUMNS, FIGURE)), min_size=1, max_size=8)


@given(ROWS)
def test_columns_are_those_that_json_and_a_dataframe_give(rows):
    chain = parse_chain(chain_file(*(option(CALL, 1, 2) | row for row in rows)))
    frame = pd.DataFrame(rows)

    assert chain.symbols == (CALL,) * len(rows)
    for name in COLUMNS:
        expected = frame[name].astype("float64").to_numpy()
        np.testing.assert_array_equal(chain.columns[name], expected)


def test_a_file_without_contracts_is_an_empty_chain():
    chain = parse_chain(chain_file())

    assert chain.symbols == ()
    assert {name: len(column) for name, column in chain.columns.items()} == dict.fromkeys(
        COLUMNS, 0
    )


def test_a_missing_field_is_not_known_and_not_zero():
    chain = parse_chain(chain_file({"option": CALL, "bid": 1.0, "ask": 1.5}))
    quote = chain.quote(CALL)

    assert quote is not None
    assert (quote.bid, quote.bid_size, quote.open_interest) == (Decimal(1), None, None)
    assert quote.greeks is None


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", "broken off or no JSON"),
        (b"<html>", "HTML"),
        (b'{"data": {"options": [', "broken off"),
        (b'{"data": {"options": [{"bid": 1}]}}', "not of the known form"),
        (b'{"data": {"options": {}}}', "not of the known form"),
        (b"[]", "not of the known form"),
    ],
)
def test_another_form_is_one_sentence(body, expected):
    with pytest.raises(UnavailableError, match=expected) as caught:
        parse_chain(body)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(not EXAMPLES.exists(), reason="the example bodies are not at hand")
def test_the_example_bodies_are_read():
    examples = json.loads(EXAMPLES.read_text(encoding="utf-8"))
    chain = parse_chain(json.dumps(examples["chain"]).encode())
    level = parse_level(json.dumps(examples["quote"]).encode())

    assert chain.symbols == tuple(row["option"] for row in examples["chain"]["data"]["options"])
    assert level.last == Decimal("18.45")
    assert level.at == chain.underlying.at == datetime(2026, 7, 10, 14, 15, 4, tzinfo=UTC)
