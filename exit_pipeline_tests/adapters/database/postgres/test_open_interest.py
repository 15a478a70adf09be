from datetime import date

import pytest
from sqlalchemy.exc import IntegrityError

from exit_pipeline.core.model.quote import OpenInterest

MONDAY, TUESDAY, WEDNESDAY = (date(2026, 3, day) for day in (16, 17, 18))
CALL, PUT, OTHER = "ACME260417C00100000", "ACME260417P00100000", "OTHR260417C00100000"


def told(symbol: str, contracts: int, as_of: date = MONDAY) -> OpenInterest:
    return OpenInterest(symbol=symbol, open_interest=contracts, as_of=as_of)


def test_what_was_told_on_a_day_is_read_back_and_what_was_not_asked_is_absent(database):
    store = database.open_interest
    store.record("alpaca", TUESDAY, [told(CALL, 237)], [PUT])
    assert store.told_on(TUESDAY, [CALL, PUT, OTHER]) == {CALL: 237, PUT: None}
    assert store.told_on(WEDNESDAY, [CALL, PUT, OTHER]) == {}


def test_a_figure_that_is_told_again_on_the_next_day_is_of_that_day_too(database):
    """A vendor may be late with its new figures: asked on two days, it tells the same one."""
    store = database.open_interest
    store.record("alpaca", TUESDAY, [told(CALL, 237)])
    store.record("alpaca", WEDNESDAY, [told(CALL, 240)])
    assert store.told_on(WEDNESDAY, [CALL]) == {CALL: 240}


def test_a_later_figure_of_a_day_counts_and_none_takes_nothing_away(database, sql):
    store = database.open_interest
    store.record("alpaca", TUESDAY, [], [CALL])
    store.record("alpaca", TUESDAY, [told(CALL, 237), told(PUT, 5, TUESDAY)])
    store.record("alpaca", TUESDAY, [], [PUT])
    assert store.told_on(TUESDAY, [CALL, PUT]) == {CALL: 237, PUT: 5}
    assert sql("SELECT DISTINCT source FROM open_interest") == [{"source": "alpaca"}]


def test_nothing_told_is_nothing_kept(database, statements):
    database.open_interest.record("alpaca", TUESDAY, [])
    assert statements == []


def test_a_thousand_contracts_are_one_statement_each_way(database, statements):
    symbols = [f"ACME260417C{strike:08d}" for strike in range(1_000)]
    database.open_interest.record("alpaca", TUESDAY, [told(one, 1) for one in symbols])
    assert len(database.open_interest.told_on(TUESDAY, symbols)) == 1_000
    assert sum("open_interest" in one for one in statements) == 2


def test_a_negative_figure_is_refused(database):
    with pytest.raises(IntegrityError, match="open_interest_check"):
        database.open_interest.record("alpaca", TUESDAY, [told(CALL, -1)])
