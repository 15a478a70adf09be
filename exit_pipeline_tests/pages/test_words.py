"""Figures as a page says them."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from exit_pipeline.pages.words import (
    say_contract,
    say_count,
    say_money,
    say_percent,
    say_time,
    tone,
)
from exit_pipeline_tests.fakes import NEW_YORK


@pytest.mark.parametrize(
    ("symbol", "said"),
    [
        ("GOOG151224C00752500", "GOOG 752.5 call, 24 Dec 2015"),
        ("SPXW260302P06000000", "SPXW 6000 put, 2 Mar 2026"),
        ("ACME260417C00000500", "ACME 0.5 call, 17 Apr 2026"),
        ("anything else", "anything else"),
        (None, "contract not known"),
    ],
)
def test_a_contract_is_said_as_a_trader_says_it(symbol: str | None, said: str) -> None:
    assert say_contract(symbol) == said


@pytest.mark.parametrize(
    ("dollars", "said", "colour"),
    [
        (Decimal("1055.2"), "+1,055.20", "good"),
        (Decimal("-0.5"), "\u22120.50", "bad"),
        (Decimal(0), "+0.00", ""),
        (None, "not known", ""),
    ],
    ids=["a gain", "a loss", "nothing", "not known"],
)
def test_money_has_its_sign_and_what_is_not_known_is_no_zero(
    dollars: Decimal | None, said: str, colour: str
) -> None:
    assert (say_money(dollars), tone(dollars)) == (said, colour)


def test_percents_and_times_are_said_with_sign_and_on_the_exchanges_clock() -> None:
    assert (say_percent(-50.06), say_percent(None)) == ("\u221250.1 %", "not known")
    assert say_time(datetime(2026, 3, 17, 14, 5, tzinfo=UTC), NEW_YORK) == "10:05"


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 ticks"), (1, "1 tick"), (2, "2 ticks"), (1_200, "1,200 ticks")]
)
def test_a_count_agrees_with_its_noun(number: int, said: str) -> None:
    assert say_count(number, "tick") == said
