from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exit_pipeline.core.engine.spread_guard import Guarding, guard_spread
from exit_pipeline.core.model.decision import Urgency
from exit_pipeline.core.model.price import UNKNOWN, to_dollars
from exit_pipeline.core.model.quote import QuoteGrade
from exit_pipeline.core.replay.closable import can_close, closing_price, last_worth, waits
from exit_pipeline_tests.builders import a_book

GOOD, DEGRADED, BAD = (np.array([grade], np.int8) for grade in QuoteGrade)


@pytest.mark.parametrize(
    ("side", "bid", "ask", "grade", "price", "closable"),
    [
        (1, "1.90", "2.10", GOOD, 19_000, True),
        (-1, "1.90", "2.10", GOOD, 21_000, True),
        (1, "1.90", "2.10", DEGRADED, 19_000, True),
        (1, "1.90", "2.10", BAD, 19_000, False),
        (1, "0.00", "0.05", DEGRADED, 0, False),
        (-1, "0.00", "0.05", DEGRADED, 500, True),
        (1, None, "0.05", BAD, UNKNOWN, False),
    ],
    ids=["long", "short", "degraded", "bad", "worthless long", "worthless short", "no bid"],
)
def test_contracts_leave_at_the_side_that_closing_hits(side, bid, ask, grade, price, closable):
    book = a_book(side=side, bid=bid, ask=ask)
    assert closing_price(book).tolist() == [price]
    assert can_close(book, grade).tolist() == [closable]


def test_the_last_word_on_a_path_is_its_last_quote_that_is_not_bad():
    grade = np.array([0, 1, 2, 2, 2, 0], np.int8)
    assert last_worth(grade, np.array([0, 3, 5])).tolist() == [1, -1, 5]


@pytest.mark.parametrize("limit", [None, 5, 12.5, 33.3333, 200])
@given(
    bid=st.integers(0, 40_000),
    spread=st.integers(1, 40_000) | st.none(),
    urgency=st.sampled_from(Urgency),
)
def test_an_exit_waits_exactly_where_the_guard_of_real_orders_has_it_wait(
    limit, bid, spread, urgency
):
    if spread is None:  # exactly at the limit, where that is a price
        share = Fraction(str(limit or 1)) / 100
        spread = max(round(share * bid / (1 - share / 2)), 1) if share < 2 else 1
    book = a_book(bid=str(to_dollars(bid)), ask=str(to_dollars(bid + spread)))
    guarded = guard_spread(
        Decimal(bid).scaleb(-4), Decimal(bid + spread).scaleb(-4), urgency, limit
    )
    got = waits(book, np.array([urgency], np.int8), limit)
    assert got.tolist() == [guarded is Guarding.DELAYS]
