"""Prices beyond the recorded ones: rows that a tape adds at the schedule's ticks."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from exit_pipeline.core.model.book import KINDS
from exit_pipeline.core.model.instant import to_micros
from exit_pipeline.core.model.price import UNKNOWN
from exit_pipeline.core.model.quote import MarketSnapshot, Quote, UnderlyingPrice
from exit_pipeline.policies import shipped_policies
from exit_pipeline.services.portions import read_paths
from exit_pipeline.services.tape_rows import TapeRows
from exit_pipeline.services.what_if import what_if
from exit_pipeline.services.what_if_facts import rows_of
from exit_pipeline.services.what_if_report import HELD
from exit_pipeline.services.what_if_request import WhatIfRequest
from exit_pipeline_tests.builders import NEW_YORK, a_book
from exit_pipeline_tests.fakes import FakeCalendar, new_york
from exit_pipeline_tests.recorded import record

WEDNESDAY, THURSDAY, FRIDAY = (date(2026, 3, day) for day in (18, 19, 20))
SYMBOL = "ACME260320C00750000"  # expires on Friday
CLOSE = new_york(FRIDAY, 16)


class FakeTape:
    """A tape of mids, each from its time on; a day without any is not there."""

    def __init__(self, *mids, symbol=SYMBOL, days=None):
        self.mids = sorted(mids)
        self.symbol = symbol
        self.on = days or sorted({at.astimezone(NEW_YORK).date() for at, _ in self.mids})
        self.asked = []

    def days(self):
        return self.on

    def snapshot(self, options, underlyings, at):
        assert at.astimezone(NEW_YORK).date() in self.on
        self.asked.append(at)
        day = at.astimezone(NEW_YORK).date()
        seen = [
            one for one in self.mids if one[0] <= at and one[0].astimezone(NEW_YORK).date() == day
        ]
        quotes = {}
        if seen and self.symbol in options:
            mid = Decimal(seen[-1][1])
            quotes[self.symbol] = Quote(
                symbol=self.symbol, bid=mid - Decimal("0.01"), ask=mid + Decimal("0.01"),
                bid_size=10, ask_size=10, quoted_at=at,
            )  # fmt: skip
        price = {one: UnderlyingPrice(symbol=one, last=Decimal(751), quoted_at=at)
                 for one in underlyings}  # fmt: skip
        return MarketSnapshot(
            source="recorded", feed_age_limit=timedelta(seconds=90), quotes=quotes,
            underlyings=price,
        )  # fmt: skip


@pytest.fixture
def database(database, engine):
    """A position that leaves at +50 % at 10:10 on Wednesday, where its record ends."""
    own = {"last_trading_close": "2026-03-20 16:00", "days_to_expiration": 2, "quantity": 4}
    book = a_book(
        own | {"decided_at": "10:00", "mark": "2.20"},
        own | {"decided_at": "10:05", "mark": "2.60"},
        own | {"decided_at": "10:10", "mark": "3.05"},
        entry_price="2.00",
        entry_time="2026-03-16 11:00",
    )
    record(database, book, ["profit_target.close_share_percent=100"], positions=["A"] * 3)
    name_contract(engine)
    return database


def name_contract(engine, symbol=SYMBOL):
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO refactored_positions (id, symbol, option_symbol, direction, quantity,"
            " entry_price, entry_time, status) VALUES ('A', 'ACME', %(symbol)s, 'CALL', 4, 2,"
            " '2026-03-16 15:00+00', 'OPEN')",
            {"symbol": symbol},
        )


def request(**other):
    return WhatIfRequest(first=WEDNESDAY, last=WEDNESDAY, **other)


def tried(database, tape, *policies, **other):
    return what_if(
        request(policies=policies, **other), database=database, calendar=FakeCalendar(),
        library=shipped_policies(), tape=tape,
    )  # fmt: skip


def the_row(report):
    (row,) = rows_of(report)
    return row


WHOLE = "profit_target.close_share_percent=100"
HIGHER = f"{WHOLE}, profit_target.percent=80"


def test_without_a_tape_the_position_is_held_to_the_end_of_its_record(database):
    row = the_row(tried(database, None, HIGHER))
    assert row["policy_exits"] == f"4 {HELD} at 3.04"


def test_a_position_that_is_still_held_leaves_at_a_price_of_the_tape(database):
    # +80 % is 3.60, which the tape shows from 10:23 on, so that 10:25 is the first tick with it.
    tape = FakeTape((new_york(WEDNESDAY, 10, 12), "3.20"), (new_york(WEDNESDAY, 10, 23), "3.70"))
    report = tried(database, tape, HIGHER)
    row = the_row(report)
    assert row["policy_exits"] == "4 PROFIT_TARGET at 3.69"
    assert row["policy_at"] == new_york(WEDNESDAY, 10, 25)
    # 4 x ((3.69 - 2.00) x 100 - 0.67); as recorded 4 x ((3.04 - 2.00) x 100 - 0.67).
    assert (row["policy_pnl"], row["baseline_pnl"]) == (Decimal("673.32"), Decimal("413.32"))
    assert row["baseline_exits"] == "4 PROFIT_TARGET at 3.04"
    assert report.decisions == 3
    # 10:15 to 15:55, after which nothing is on the tape.
    assert report.notes[-1] == (
        "Beyond the record, 69 ticks on 1 position come from the tape. Context and Greeks are not "
        "known there: rules that need them are not evaluable."
    )


def test_rows_of_a_tape_are_the_ticks_of_the_schedule_after_the_record(database):
    tape = FakeTape((new_york(WEDNESDAY, 9, 30), "3.00"), (new_york(THURSDAY, 9, 30), "3.00"),
                    (new_york(FRIDAY, 9, 30), "3.00"))  # fmt: skip
    asked = request().whole_range(NEW_YORK)
    recorded = read_paths(database.replays, asked, database.replays.positions(asked))
    later = TapeRows(tape, FakeCalendar()).after(recorded, np.array([0]))
    book, first = later.book, later.book.take(slice(0, 1))
    # 10:15 to 15:55 on Wednesday, two whole days, and the close of the last one.
    assert len(book) == 69 + 78 + 78 + 1
    assert first.decided_at[0] == to_micros(new_york(WEDNESDAY, 10, 15))
    assert book.decided_at[-1] == book.last_trading_close[-1] == to_micros(CLOSE)
    told = {"clock_minutes": 615, "days_to_expiration": 2, "days_in_trade": 2, "bid": 29_900,
            "underlying_price": 7_510_000, "feed_age_limit": 90_000_000, "quantity": 4,
            "session_close": to_micros(new_york(WEDNESDAY, 16))}  # fmt: skip
    assert {name: getattr(first, name)[0] for name in told} == told
    assert book.days_to_expiration.tolist() == [2] * 69 + [1] * 78 + [0] * 79
    for name in ("vix", "iv", "delta", "gex_strength", "regime", "confluence", "day_pnl",
                 "next_earnings", "gamma_sign", "dividend"):  # fmt: skip
        nothing = KINDS[name].nothing(len(book))
        np.testing.assert_array_equal(getattr(book, name), nothing, name)


def test_a_contract_that_ends_on_the_tape_has_ended(database):
    tape = FakeTape(*((new_york(day, 9, 30), "3.00") for day in (WEDNESDAY, THURSDAY, FRIDAY)))
    only = "force_close=on, " + ", ".join(f"{rule}=off" for rule in (
        "expiry", "profit_target", "stop_loss", "time_exit", "gex_flip"))  # fmt: skip
    report = tried(database, tape, only)
    (one,) = report.tried
    assert the_row(report)["policy_exits"] == f"4 {HELD} at 2.99"
    assert one.comparison.policy.expired.tolist() == [True]
    assert tape.asked[-1] == CLOSE


def test_a_missing_day_is_a_sentence_and_no_price(database):
    tape = FakeTape((new_york(WEDNESDAY, 10, 12), "3.20"), (new_york(FRIDAY, 9, 30), "3.70"))
    report = tried(database, tape, f"{HIGHER}, time_exit=off")
    assert the_row(report)["policy_at"] == new_york(FRIDAY, 9, 30)
    assert "The tape has no day 2026-03-19, on which 1 position was still held: nothing is decided"\
           " there." in report.notes  # fmt: skip


def test_ticks_without_a_quote_are_a_sentence_and_no_row(database):
    tape = FakeTape((new_york(WEDNESDAY, 10, 30), "3.70"), days=[WEDNESDAY])
    report = tried(database, tape, HIGHER)
    assert the_row(report)["policy_at"] == new_york(WEDNESDAY, 10, 30)
    assert (
        f"The tape has no quote of {SYMBOL} at 3 ticks: nothing is decided there." in report.notes
    )


@pytest.mark.parametrize(
    ("tape", "policy"),
    [
        pytest.param(FakeTape((new_york(WEDNESDAY, 9, 30), "3.70")), WHOLE, id="nothing is held"),
        pytest.param(FakeTape((new_york(date(2026, 3, 17), 9, 30), "3.70")), HIGHER, id="it ended"),
        pytest.param(FakeTape(days=[]), HIGHER, id="it is empty"),
    ],
)
def test_a_tape_that_has_nothing_to_add_changes_nothing(database, tape, policy):
    row = the_row(tried(database, tape, policy))
    assert row == the_row(tried(database, None, policy))


def test_a_position_whose_contract_is_not_known_ends_with_its_record(database, engine):
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM refactored_positions")
    tape = FakeTape((new_york(WEDNESDAY, 10, 12), "3.70"))
    report = tried(database, tape, HIGHER)
    assert the_row(report)["policy_exits"] == f"4 {HELD} at 3.04"
    assert "The contract of A is not known, so that no tape can go on with it." in report.notes


def test_the_best_mark_and_held_contracts_are_carried_onto_the_tape(database):
    # Half leaves on Wednesday as recorded; the trailing stop of the rest knows the best mark, 3.05.
    trailing = "stop_loss=off, time_exit=off, profit_target=off, trailing_stop=on, "\
               "trailing_stop.activation_percent=40, trailing_stop.distance_percent=15"  # fmt: skip
    tape = FakeTape((new_york(WEDNESDAY, 10, 12), "2.50"))
    row = the_row(tried(database, tape, trailing))
    assert row["policy_exits"] == "4 TRAILING_STOP at 2.49"


def test_times_before_the_record_ended_are_not_asked_for(database):
    tape = FakeTape((new_york(WEDNESDAY, 9, 30), "3.00"))
    tried(database, tape, HIGHER)
    assert min(tape.asked) == datetime(2026, 3, 18, 14, 15, tzinfo=tape.asked[0].tzinfo)
    assert UNKNOWN not in map(to_micros, tape.asked)
