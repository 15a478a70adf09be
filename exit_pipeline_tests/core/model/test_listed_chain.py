"""Chains by symbol become columns of contracts."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pytest

from exit_pipeline.core.model.contract import OptionContract
from exit_pipeline.core.model.instant import MINUTES, SECONDS, to_micros
from exit_pipeline.core.model.listed_chain import ListedChain
from exit_pipeline.core.model.price import UNKNOWN
from exit_pipeline.core.model.quote import Greeks, Quote

AT = datetime(2026, 3, 17, 15, tzinfo=UTC)
NOW = to_micros(AT)


def quoted(symbol: str) -> Quote:
    return Quote(
        symbol=symbol,
        bid=Decimal("1.10"),
        ask=None,
        quoted_at=AT,
        open_interest=7,
        greeks=Greeks(iv=0.25, gamma=0.01),
    )


def chain_of(*symbols: str, underlying: str = "SPX") -> ListedChain:
    rows = [quoted(symbol) for symbol in symbols]
    return ListedChain.of_quotes(rows, underlying=underlying, at=NOW, spot=6_500.5, source="test")


def settled_when(asked: list[str]) -> Callable[[OptionContract], int]:
    def settles(contract: OptionContract) -> int:
        asked.append(f"{contract.root}{contract.expiration:%y%m%d}")
        return to_micros(datetime.combine(contract.expiration, AT.timetz()))

    return settles


def test_a_symbol_is_read_into_strike_right_and_settlement() -> None:
    listed = chain_of("SPXW260320C06512500", "SPX260417P00012340")
    found = listed.to_chain(settled_when([]), 30 * MINUTES)
    assert found.strike.tolist() == [6_512.5, 12.34]
    assert found.right.tolist() == [1, -1]
    assert found.expires_at.tolist() == [
        to_micros(datetime(2026, 3, 20, 15, tzinfo=UTC)),
        to_micros(datetime(2026, 4, 17, 15, tzinfo=UTC)),
    ]
    assert (found.underlying, found.at, found.spot, found.source) == ("SPX", NOW, 6_500.5, "test")
    assert found.bid.tolist() == [1.1, 1.1]
    assert np.isnan(found.ask).all()
    assert found.open_interest.tolist() == [7, 7]
    assert (found.feed_iv.tolist(), found.feed_gamma.tolist()) == ([0.25, 0.25], [0.01, 0.01])


def test_a_settlement_is_asked_for_once_for_each_root_and_date() -> None:
    asked: list[str] = []
    symbols = [f"SPXW260320C{strike:08d}" for strike in range(1_000, 9_000, 1_000)]
    chain_of(*symbols, "SPX260320C00001000").to_chain(settled_when(asked), MINUTES)
    assert asked == ["SPXW260320", "SPX260320"]


@pytest.mark.parametrize(
    "symbol",
    [
        pytest.param("SPXW1260320C06512500", id="adjusted, of seven letters"),
        pytest.param("SPX1260320C06512500", id="adjusted"),
        pytest.param("GOOG260320C06512500", id="of another underlying"),
        pytest.param("SPXW260320X06512500", id="neither call nor put"),
        pytest.param("SPXW261320C06512500", id="a month 13"),
        pytest.param("SPXW26032OC06512500", id="a letter among the digits"),
        pytest.param("SPXW26０320C06512500", id="a digit of another script"),
        pytest.param("60320C06512500", id="no root"),
        pytest.param("", id="nothing"),
    ],
)
def test_what_names_no_contract_of_the_underlying_is_left_out(symbol: str) -> None:
    listed = chain_of(symbol, "SPXW260320C06512500", symbol)
    assert listed.to_chain(settled_when([]), MINUTES).strike.tolist() == [6_512.5]


def test_a_quote_that_is_too_old_is_not_known_and_one_without_a_time_is() -> None:
    listed = chain_of(*(f"SPXW260320C0650{n}000" for n in range(3)))
    times = np.array([NOW - 30 * MINUTES, NOW - 30 * MINUTES - SECONDS, UNKNOWN])
    found = replace(listed, quoted_at=times).to_chain(settled_when([]), 30 * MINUTES)
    assert found.bid.tolist()[0] == 1.1
    assert np.isnan(found.bid[1])
    assert found.bid[2] == 1.1
    assert found.open_interest.tolist() == [7, 7, 7]


def test_a_settlement_beyond_the_calendar_stays_unknown() -> None:
    found = chain_of("SPXW260320C06500000").to_chain(lambda _: UNKNOWN, MINUTES)
    assert found.expires_at.tolist() == [UNKNOWN]
    assert not found.is_listed.any()


def test_an_empty_chain_is_an_empty_chain() -> None:
    assert len(chain_of().to_chain(settled_when([]), MINUTES)) == 0
