from collections.abc import Iterator
from datetime import date

import pytest

from exit_pipeline.adapters.clients.alpaca import AlpacaTrading
from exit_pipeline.adapters.clients.alpaca_contracts import read_open_interest
from exit_pipeline.core.model.errors import ConfigurationError, UnavailableError
from exit_pipeline.core.model.quote import OpenInterest
from exit_pipeline_tests.adapters.brokers.alpaca_rig import AT_ONCE, HAS_SPEC, published
from exit_pipeline_tests.fake_brokers.alpaca import FakeAlpaca
from exit_pipeline_tests.fakes import FixedClock, new_york

MONDAY, TUESDAY = date(2026, 3, 16), date(2026, 3, 17)
FIRST, LAST = date(2026, 4, 17), date(2026, 6, 19)
CALL, FAR_CALL = "ACME260417C00100000", "ACME260619C00120000"
CLASS_B = "BRKB260417C00500000"


@pytest.fixture
def alpaca() -> Iterator[FakeAlpaca]:
    """At the end, all that was sent and answered must be as Alpaca's published file has it."""
    with FakeAlpaca(FixedClock(new_york(TUESDAY, 10))) as fake:
        yield fake
        if HAS_SPEC:
            exchanges = fake.honest
            assert [p for sent, got in exchanges for p in published().problems(sent, got)] == []


def read(alpaca: FakeAlpaca, *underlyings: str) -> list[OpenInterest]:
    api = AlpacaTrading(alpaca.environ, "paper", alpaca.clock, retries=AT_ONCE)
    try:
        return read_open_interest(api, underlyings or ("ACME",), FIRST, LAST)
    finally:
        api.close()


def test_every_contract_between_two_days_comes_with_its_open_interest_and_its_day(alpaca):
    alpaca.list_contract(CALL, 237, MONDAY)
    alpaca.list_contract(FAR_CALL, 0, date(2026, 3, 13))
    alpaca.list_contract("ACME260918C00100000", 5, MONDAY)
    alpaca.list_contract("OTHR260417C00100000", 5, MONDAY)

    assert read(alpaca) == [
        OpenInterest(symbol=CALL, open_interest=237, as_of=MONDAY),
        OpenInterest(symbol=FAR_CALL, open_interest=0, as_of=date(2026, 3, 13)),
    ]
    (request,) = alpaca.requests
    assert request.query == {
        "underlying_symbols": "ACME",
        "status": "active",
        "expiration_date_gte": "2026-04-17",
        "expiration_date_lte": "2026-06-19",
        "limit": "10000",
    }


def test_pages_are_read_to_the_end(alpaca):
    alpaca.contracts_per_page = 2
    symbols = [f"ACME260417C{strike:08d}" for strike in range(100_000, 105_000, 1_000)]
    for symbol in symbols:
        alpaca.list_contract(symbol, 1, MONDAY)
    assert [one.symbol for one in read(alpaca)] == symbols
    assert [one.query.get("page_token") for one in alpaca.requests] == [None, "2", "4"]


def test_underlyings_are_asked_for_together_by_the_vendors_names(alpaca):
    read(alpaca, "BRKB", "ACME", "ACME", "no ticker", "SPX")
    (request,) = alpaca.requests
    assert request.query["underlying_symbols"] == "ACME,BRK.B,SPX"


def test_nothing_is_asked_for_where_nothing_can_be_a_ticker(alpaca):
    assert read(alpaca, "no ticker") == []
    assert alpaca.requests == []


def test_a_contract_without_a_figure_or_its_day_is_left_out(alpaca):
    alpaca.list_contract(CALL, None, MONDAY)
    alpaca.list_contract(FAR_CALL, 7, MONDAY)
    alpaca.contracts[1].pop("open_interest_date")
    assert read(alpaca) == []


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("server_error", UnavailableError),
        ("html", UnavailableError),
        ("truncated", UnavailableError),
        ("other_form", UnavailableError),
        ("rate_limited", UnavailableError),
        ("unauthorized", ConfigurationError),
    ],
)
def test_a_page_without_a_usable_answer_is_no_answer_at_all(alpaca, fault, error):
    alpaca.contracts_per_page = 1
    alpaca.list_contract(CALL, 237, MONDAY)
    alpaca.list_contract(FAR_CALL, 12, MONDAY)
    alpaca.fail(fault, method="GET", path="/v2/options", times=9)
    with pytest.raises(error):
        read(alpaca)


def test_a_vendor_that_never_stops_paging_is_stopped(alpaca):
    alpaca.contracts_per_page = 0
    alpaca.list_contract(CALL, 237, MONDAY)
    with pytest.raises(UnavailableError, match="more pages than there are contracts"):
        read(alpaca)
    assert len(alpaca.requests) == 50
