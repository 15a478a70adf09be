"""The option chain."""

import numpy as np
import pytest

from exit_pipeline.core.model.chain import YEAR
from exit_pipeline.core.model.instant import DAYS, MINUTES
from exit_pipeline.core.model.price import UNKNOWN
from exit_pipeline_tests.core.context.chains import NOW, chain_of

ROW = [(100, 1, 10)]


@pytest.mark.parametrize(
    ("away", "years"),
    [
        pytest.param(YEAR, 1.0, id="365 days are a year"),
        pytest.param(DAYS, 1 / 365, id="a day"),
        pytest.param(MINUTES, 1 / 525_600, id="a minute"),
        pytest.param(1, 1 / (365 * 86_400e6), id="a microsecond"),
    ],
)
def test_time_to_expiration_is_calendar_time_over_365_days(away, years):
    assert chain_of(ROW, expires_at=[NOW + away]).years[0] == pytest.approx(years, rel=1e-15)


@pytest.mark.parametrize(
    ("strike", "right", "expires_at", "listed"),
    [
        pytest.param(100, 1, NOW + 1, True, id="a microsecond before settlement"),
        pytest.param(100, -1, NOW + 1, True, id="a put"),
        pytest.param(100, 1, NOW, False, id="at settlement"),
        pytest.param(100, 1, NOW - DAYS, False, id="expired"),
        pytest.param(100, 1, UNKNOWN, False, id="expiration not known"),
        pytest.param(0, 1, NOW + 1, False, id="strike zero"),
        pytest.param(-5, 1, NOW + 1, False, id="strike negative"),
        pytest.param(np.nan, 1, NOW + 1, False, id="strike not known"),
        pytest.param(np.inf, 1, NOW + 1, False, id="strike infinite"),
        pytest.param(100, 0, NOW + 1, False, id="right not known"),
        pytest.param(100, 2, NOW + 1, False, id="no right at all"),
    ],
)
def test_a_contract_is_listed_while_it_exists_and_names_one(strike, right, expires_at, listed):
    prices = {"bid": [1.0], "ask": [1.0], "feed_iv": [0.2], "feed_gamma": [0.1], "vol": 1.0}
    one = chain_of([(100, 1, 10)], **prices)
    columns = {
        "strike": np.array([strike], dtype=float),
        "right": np.array([right], dtype=np.int8),
        "expires_at": np.array([expires_at], dtype=np.int64),
    }
    kept = {name: getattr(one, name) for name in one.__slots__ if name not in columns}
    assert type(one)(**kept, **columns).is_listed.tolist() == [listed]


def test_rows_are_taken_with_all_that_belongs_to_the_chain():
    chain = chain_of([(90, -1, 1), (100, 1, 2), (110, 1, 3)])
    part = chain.take(np.array([False, True, True]))
    assert part.open_interest.tolist() == [2, 3]
    assert (part.underlying, part.at, part.spot, part.source) == ("XYZ", NOW, 100.0, "a test")


def test_columns_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match=r"one length, had \[1, 2\]"):
        chain_of(ROW, feed_iv=[0.2, 0.3])
