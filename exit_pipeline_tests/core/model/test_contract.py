"""Option contracts and their compact OCC symbols."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exit_pipeline.core.model.contract import OptionContract, OptionRight, parse_contract
from exit_pipeline.core.model.errors import InputError

CONTRACTS = st.builds(
    OptionContract,
    root=st.from_regex(r"[A-Z][A-Z0-9.]{0,5}", fullmatch=True),
    expiration=st.dates(date(2000, 1, 1), date(2068, 12, 31)),
    right=st.sampled_from(OptionRight),
    strike=st.integers(0, 99_999_999).map(lambda thousandths: Decimal(thousandths).scaleb(-3)),
)


def test_a_symbol_is_read():
    contract = parse_contract("GOOG151224C00752500")
    assert contract == OptionContract(
        root="GOOG",
        expiration=date(2015, 12, 24),
        right=OptionRight.CALL,
        strike=Decimal("752.5"),
    )
    assert contract.symbol == "GOOG151224C00752500"


@given(contract=CONTRACTS)
def test_every_contract_survives_its_symbol(contract):
    assert parse_contract(contract.symbol) == contract


@pytest.mark.parametrize(
    "symbol",
    [
        pytest.param("", id="empty"),
        pytest.param("GOOG", id="a ticker"),
        pytest.param("goog151224C00752500", id="lower case"),
        pytest.param("GOOG  151224C00752500", id="the padded form"),
        pytest.param("GOOG151224X00752500", id="no such right"),
        pytest.param("GOOG151224C0075250", id="a short strike"),
        pytest.param("GOOGLEX151224C00752500", id="a root of seven letters"),
        pytest.param("GOOG151224C00752500\n", id="a line end"),
        pytest.param("GOOG1512٢٤C00752500", id="digits of another script"),
    ],
)
def test_what_is_no_symbol_is_refused_in_one_sentence(symbol):
    with pytest.raises(InputError) as caught:
        parse_contract(symbol)
    assert str(caught.value) == (
        f"option symbol {symbol!r} is not a compact OCC symbol such as GOOG151224C00752500"
    )


@pytest.mark.parametrize("yymmdd", ["150229", "151301", "150631", "150000"])
def test_a_date_that_does_not_exist_is_refused(yymmdd):
    with pytest.raises(InputError, match=f"names the date {yymmdd}, which does not exist"):
        parse_contract(f"GOOG{yymmdd}C00752500")


@pytest.mark.parametrize(
    ("root", "underlying", "adjusted", "morning"),
    [
        ("GOOG", "GOOG", False, False), ("GOOG1", "GOOG", True, False), ("SPX", "SPX", False, True),
        ("SPXW", "SPX", False, False), ("NDX", "NDX", False, True), ("NDXP", "NDX", False, False),
        ("RUTW", "RUT", False, False), ("VIX", "VIX", False, True), ("VIXW", "VIX", False, True),
        ("SPY", "SPY", False, False), ("BRK.B", "BRK.B", False, False),
    ],
)  # fmt: skip
def test_a_root_tells_underlying_adjustment_and_settlement(root, underlying, adjusted, morning):
    contract = parse_contract(f"{root}260320C00100000")
    assert contract.underlying == underlying
    assert contract.is_adjusted is adjusted
    assert contract.settles_in_the_morning is morning


@pytest.mark.parametrize(
    ("right", "price", "value"),
    [("C", "752.50", "2.50"), ("C", "750", "0"), ("C", "700", "0"),
     ("P", "700", "50"), ("P", "750", "0"), ("P", "752.50", "0")],
)  # fmt: skip
def test_the_intrinsic_value_is_what_exercising_would_yield(right, price, value):
    contract = parse_contract(f"GOOG151224{right}00750000")
    assert contract.intrinsic(Decimal(price)) == Decimal(value)
