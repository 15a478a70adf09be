import pytest

from exit_pipeline.adapters.clients.us_symbols import contracts, share_symbol


@pytest.mark.parametrize(
    ("ticker", "expected"),
    [
        ("GOOG", "GOOG"),
        ("BRKB", "BRK.B"),
        ("BRK.B", "BRK.B"),
        ("", None),
        ("goog", None),
        ("NO SUCH", None),
        ("../GOOG", None),
        ("GOOG,SPY", None),
        ("GOOG260821C00200000", None),
    ],
)
def test_a_ticker_is_written_as_vendors_do_or_is_none(ticker, expected):
    assert share_symbol(ticker) == expected


def test_contracts_are_sorted_once_each_and_free_of_what_is_none():
    call, put = "GOOG260821C00200000", "GOOG260821P00200000"
    found = contracts([put, call, call, "GOOG", "", "GOOG261340C00200000"])

    assert list(found) == [call, put]
    assert found[put].underlying == "GOOG"
