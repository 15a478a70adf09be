"""The sample day shows what it is shipped for, judged here by the rules' own arithmetic."""

import csv
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from exit_pipeline.adapters.calendars.exchange import ExchangeCalendar
from exit_pipeline.adapters.market_data.simulated import DEFAULT_SEED, SimulatedMarketData
from exit_pipeline.core.model.contract import OptionContract, OptionRight, parse_contract
from exit_pipeline.core.model.quote import Quote
from exit_pipeline.sample import ACCOUNT, BOOK, GEX_SIGNALS, SAMPLE_AT, SAMPLE_DAY, SAMPLE_SEED
from exit_pipeline_tests.fakes import new_york


@dataclass(frozen=True)
class Row:
    """A position with its quotes at the entry and at the sample time."""

    id: str
    account: str
    contract: OptionContract
    is_long: bool
    quantity: int
    entry_price: Decimal
    entry_time: datetime
    timeframe: str
    entry_quote: Quote
    quote: Quote

    @property
    def pnl_percent(self) -> Decimal | None:
        """On the entry price at the mid of a usable quote, otherwise None."""
        if not is_good(self.quote):
            return None
        gain = (mid(self.quote) - self.entry_price) / self.entry_price * 100
        return gain if self.is_long else -gain

    @property
    def direction(self) -> str:
        is_call = self.contract.right is OptionRight.CALL
        return "CALL" if is_call is self.is_long else "PUT"


def mid(quote: Quote) -> Decimal:
    assert quote.bid is not None
    assert quote.ask is not None
    return (quote.bid + quote.ask) / 2


def is_good(quote: Quote) -> bool:
    if not quote.bid or not quote.ask or quote.ask <= quote.bid:
        return False
    spread = quote.ask - quote.bid
    is_narrow = spread / mid(quote) <= Decimal("0.25") or spread <= Decimal("0.10")
    return is_narrow and SAMPLE_AT - quote.quoted_at <= timedelta(seconds=120)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read_book() -> dict[str, Row]:
    market = SimulatedMarketData(SAMPLE_SEED)
    book = {}
    for row in rows(BOOK):
        symbol, entered = row["symbol"], datetime.fromisoformat(row["entry_time"])
        book[row["id"]] = Row(
            id=row["id"],
            account=row["account"],
            contract=parse_contract(symbol),
            is_long=row["side"] == "LONG",
            quantity=int(row["quantity"]),
            entry_price=Decimal(row["entry_price"]),
            entry_time=entered,
            timeframe=row["timeframe"],
            entry_quote=market.snapshot([symbol], [], entered).quotes[symbol],
            quote=market.snapshot([symbol], [], SAMPLE_AT).quotes[symbol],
        )
    return book


POSITIONS = read_book()
NUMBERS = {
    "profit target on 10 lots": "sample-01",
    "profit target on 1 lot": "sample-02",
    "stop loss": "sample-03",
    "short at half its credit": "sample-04",
    "short that stops": "sample-05",
    "gamma flip": "sample-06",
    "expiry": "sample-07",
    "time exit": "sample-08",
    "time exit beyond the target": "sample-09",
    "time exit of a short": "sample-10",
    "worthless": "sample-11",
    "no bid": "sample-12",
    "wide": "sample-13",
}
QUIET = sorted(set(POSITIONS) - set(NUMBERS.values()))


def position(name: str) -> Row:
    return POSITIONS[NUMBERS[name]]


def test_the_sample_day_is_a_full_session_and_its_moment_within_the_last_half_hour():
    session = ExchangeCalendar().session(SAMPLE_DAY)

    assert session is not None
    assert session.closes_at - session.opens_at == timedelta(hours=6.5)
    assert session.closes_at - timedelta(minutes=30) == SAMPLE_AT
    assert SAMPLE_AT in session.ticks()


def test_the_default_market_is_that_of_the_sample():
    assert SAMPLE_SEED == DEFAULT_SEED


def test_the_columns_are_those_that_an_import_takes():
    assert list(rows(BOOK)[0]) == [
        "id", "account", "symbol", "side", "quantity", "entry_price", "entry_time", "timeframe",
        "policy",
    ]  # fmt: skip
    assert list(rows(GEX_SIGNALS)[0]) == [
        "id", "symbol", "timeframe", "strength", "direction", "timestamp",
    ]  # fmt: skip
    assert len(POSITIONS) == len(rows(BOOK)) == 17
    assert {row.account for row in POSITIONS.values()} == {ACCOUNT}


@pytest.mark.parametrize("row", POSITIONS.values(), ids=POSITIONS)
def test_each_position_was_opened_in_a_session_at_the_mid_of_a_sound_market(row):
    assert row.entry_time < SAMPLE_AT
    assert ExchangeCalendar().why_closed(row.entry_time) is None
    assert abs(row.entry_price - mid(row.entry_quote)) <= Decimal("0.005")
    assert mid(row.entry_quote) > 0


@pytest.mark.parametrize(
    ("name", "lowest", "highest"),
    [
        ("profit target on 10 lots", 55, 95),
        ("profit target on 1 lot", 55, 95),
        ("short at half its credit", 55, 80),
        ("time exit beyond the target", 55, 95),
        ("stop loss", -60, -35),
        ("short that stops", -60, -35),
        ("gamma flip", -25, 45),
        ("expiry", -25, 45),
        ("time exit", -25, 45),
        ("time exit of a short", -25, 45),
    ],
)
def test_profit_or_loss_is_clear_of_the_thresholds(name, lowest, highest):
    pnl = position(name).pnl_percent

    assert pnl is not None
    assert lowest <= pnl <= highest


@pytest.mark.parametrize(
    ("name", "quantity"), [("profit target on 10 lots", 10), ("profit target on 1 lot", 1)]
)
def test_the_profit_targets_have_their_lots(name, quantity):
    assert position(name).quantity == quantity


@pytest.mark.parametrize(
    ("name", "is_long"),
    [("short at half its credit", False), ("short that stops", False),
     ("time exit of a short", False), ("stop loss", True), ("worthless", True)],
)  # fmt: skip
def test_the_sides_are_as_named(name, is_long):
    assert position(name).is_long is is_long


def test_only_the_expiry_position_ends_today():
    ending = [row.id for row in POSITIONS.values() if row.contract.expiration == SAMPLE_DAY]

    assert ending == [NUMBERS["expiry"]]
    assert new_york(SAMPLE_DAY, 14, 30) <= SAMPLE_AT


def test_only_the_time_exits_have_an_intraday_timeframe():
    intraday = {row.id for row in POSITIONS.values() if row.timeframe.endswith(("m", "h"))}

    assert intraday == {NUMBERS[name] for name in NUMBERS if name.startswith("time exit")}


def test_gamma_turns_against_one_position_and_no_other():
    before, newest = rows(GEX_SIGNALS)
    turned_at = datetime.fromisoformat(newest["timestamp"])
    against = [
        row.id
        for row in POSITIONS.values()
        if row.contract.underlying == newest["symbol"] and row.direction == before["direction"]
    ]

    assert against == [NUMBERS["gamma flip"]]
    assert before["symbol"] == newest["symbol"]
    assert (before["direction"], newest["direction"]) == ("CALL", "PUT")
    assert datetime.fromisoformat(before["timestamp"]) < turned_at
    assert position("gamma flip").entry_time < turned_at
    assert timedelta(0) < SAMPLE_AT - turned_at < timedelta(minutes=240)
    assert float(newest["strength"]) >= 0.3


def test_the_worthless_position_has_no_bid_and_a_tiny_offer():
    quote = position("worthless").quote

    assert quote.bid == 0
    assert quote.ask is not None
    assert quote.ask <= Decimal("0.03")
    assert position("worthless").contract.expiration > SAMPLE_DAY


def test_one_quote_lacks_its_bid_and_one_is_wide():
    assert position("no bid").quote.bid is None
    wide = position("wide").quote

    assert wide.bid
    assert wide.ask is not None
    assert (wide.ask - wide.bid) / mid(wide) > Decimal("0.25")


def test_the_wide_position_fires_nothing_on_either_side():
    wide = position("wide")

    assert wide.quote.bid is not None
    assert (wide.quote.bid - wide.entry_price) / wide.entry_price < Decimal("0.5")
    assert (mid(wide.quote) - wide.entry_price) / wide.entry_price > Decimal("-0.3")


@pytest.mark.parametrize("name", QUIET)
def test_the_others_hold(name):
    pnl = POSITIONS[name].pnl_percent

    assert pnl is not None
    assert -25 <= pnl <= 45


def test_several_hold_and_one_of_them_is_a_leap():
    assert len(QUIET) >= 4
    assert max(POSITIONS[name].contract.expiration for name in QUIET) > date(2026, 12, 31)


def test_no_underlying_and_expiration_is_held_on_both_sides():
    legs = {(r.contract.underlying, r.contract.expiration, r.is_long) for r in POSITIONS.values()}

    assert len({leg[:2] for leg in legs}) == len(legs)
