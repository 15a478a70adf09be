from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from exit_pipeline.adapters.clients.tape_writer import FolderTapeWriter
from exit_pipeline.adapters.market_data.recorded import RecordedMarketData
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.quote import Greeks, MarketSnapshot, Quote
from exit_pipeline.ports import KeepsTape, MarketData
from exit_pipeline.services.tape_recorder import TapeRecorder, option_columns
from exit_pipeline_tests.desk import CALL, PUT, TUESDAY, Desk
from exit_pipeline_tests.fakes import FakeMarketData, new_york
from exit_pipeline_tests.listed import listed_chain

TEN = new_york(date(2026, 3, 18), 10)
Columns = Mapping[str, Sequence[Any]]


class Writer:
    """Keeps what is written, or fails."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.written: list[tuple[datetime, Columns, Columns]] = []

    def append(self, tick_at: datetime, options: Columns, underlyings: Columns) -> None:
        if self.error is not None:
            raise self.error
        self.written.append((tick_at, options, underlyings))


class Mute:
    """A source that tells no chains."""

    source = "mute"
    is_live = True

    def snapshot(
        self, options: Sequence[str], underlyings: Sequence[str], at: datetime
    ) -> MarketSnapshot:
        raise NotImplementedError

    def chain(self, underlying: str, at: datetime) -> Sequence[str]:
        raise NotImplementedError


def a_quote(symbol: str = CALL, at: datetime = TEN, **details: Any) -> Quote:
    prices = {"bid": Decimal("1.10"), "ask": Decimal("1.20")}
    return Quote(symbol=symbol, quoted_at=at, **(prices | details))


def snapshot(*quotes: Quote) -> MarketSnapshot:
    return MarketSnapshot(
        source="alpaca",
        feed_age_limit=timedelta(seconds=30),
        quotes={quote.symbol: quote for quote in quotes},
    )


def test_it_tells_chains_as_its_source_does():
    market = FakeMarketData(is_live=True)
    market.chains["ACME"] = listed_chain
    recorder = TapeRecorder(market, Writer())
    assert recorder.tells_chains_unasked
    assert len(recorder.option_chain("ACME", TEN) or ()) == 126
    without = TapeRecorder(Mute(), Writer())
    assert not without.tells_chains_unasked
    assert without.option_chain("ACME", TEN) is None


def test_it_is_its_source_that_keeps_a_tape():
    market = FakeMarketData(is_live=True)
    market.add_price("ACME", "101", TEN)
    recorder = TapeRecorder(market, Writer())

    assert isinstance(recorder, MarketData)
    assert isinstance(recorder, KeepsTape)
    assert (recorder.source, recorder.is_live) == ("fake", True)
    assert recorder.snapshot([], ["ACME"], TEN) == market.snapshot([], ["ACME"], TEN)
    assert recorder.chain("ACME", TEN) == market.chain("ACME", TEN)


def test_a_quote_that_came_while_the_run_started_is_stamped_with_the_tick():
    late, early = TEN + timedelta(seconds=4), TEN - timedelta(seconds=4)
    columns = option_columns(snapshot(a_quote(CALL, late), a_quote(PUT, early)), TEN)

    assert columns["symbol"] == [CALL, PUT]
    assert columns["quoted_at"] == [TEN, early]
    assert columns["source_time"] == [late, early]


def test_everything_that_is_known_is_kept_and_what_is_not_stays_empty():
    full = a_quote(CALL, open_interest=7, bid_size=3, greeks=Greeks(iv=0.2, delta=0.5))
    columns = option_columns(snapshot(full, a_quote(PUT)), TEN)

    assert columns["open_interest"] == [7, None]
    assert columns["bid_size"] == [3, None]
    assert columns["iv"] == [0.2, None]
    assert columns["gamma"] == [None, None]
    assert columns["source"] == ["alpaca", "alpaca"]


def test_the_recorded_source_reads_what_was_kept(tmp_path):
    strange = a_quote(PUT, bid=None, nonfinite=True)
    seen = snapshot(a_quote(CALL, bid_size=3, ask_size=4), strange)
    recorder = TapeRecorder(FakeMarketData(is_live=True), FolderTapeWriter(str(tmp_path)))
    recorder.keep(seen, TEN, pytest.fail)
    recorder.close()

    read = RecordedMarketData(tmp_path).snapshot([CALL, PUT], [], TEN).quotes
    assert read == seen.quotes


def test_a_contract_for_other_than_a_hundred_shares_has_no_usable_price_on_a_tape(tmp_path):
    recorder = TapeRecorder(FakeMarketData(is_live=True), FolderTapeWriter(str(tmp_path)))
    recorder.keep(snapshot(a_quote(CALL, contract_size=150)), TEN, pytest.fail)
    recorder.close()

    quote = RecordedMarketData(tmp_path).snapshot([CALL], [], TEN).quotes[CALL]
    assert (quote.bid, quote.ask, quote.nonfinite) == (None, None, True)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (InputError("the folder holds another tape"), "the folder holds another tape"),
        (OSError("s3://key:hush@bucket"), "the tape can't be written: OSError"),
    ],
)
def test_what_goes_wrong_is_told_and_never_raised(error, sentence):
    told: list[str] = []
    recorder = TapeRecorder(FakeMarketData(is_live=True), Writer(error))
    recorder.keep(snapshot(), TEN, told.append)
    recorder.close()

    assert told == [sentence]


def test_an_alert_that_can_not_be_raised_raises_nothing(caplog):
    def fail(_sentence: str) -> None:
        message = "the database is gone"
        raise InputError(message)

    recorder = TapeRecorder(FakeMarketData(is_live=True), Writer(OSError()))
    recorder.keep(snapshot(), TEN, fail)
    recorder.close()

    assert "the tape can't be written" in caplog.text


def test_a_store_that_hangs_delays_no_tick_and_is_told_at_the_end():
    go_on, told = Event(), []

    class Hanging(Writer):
        def append(self, *_tick: object) -> None:
            go_on.wait()

    recorder = TapeRecorder(FakeMarketData(is_live=True), Hanging(), patience_seconds=0.05)
    try:
        recorder.keep(snapshot(), TEN, told.append)
        assert told == []
        recorder.close()
    finally:
        go_on.set()
    assert told == ["the tape was not written within 0.05 seconds of the tick's end"]


def test_closing_closes_the_source():
    class Closing(FakeMarketData):
        closed = False

        def close(self) -> None:
            self.closed = True

    market = Closing(is_live=True)
    TapeRecorder(market, Writer()).close()

    assert market.closed


class LiveDesk(Desk):
    """A desk whose market is live and recorded."""

    def record(self, writer: Any) -> TapeRecorder:
        self.market.is_live = True
        self.recorder = TapeRecorder(self.market, writer)
        return self.recorder

    @property
    def resources(self) -> dict[str, Any]:
        return super().resources | {"market_data": self.recorder}


def test_live_ticks_make_a_tape_that_the_day_runs_again_from(database_url: str, tmp_path: Path):
    desk = LiveDesk(database_url)
    desk.hold("one")
    live = []
    for minutes, bid in ((0, "2.00"), (5, "2.20"), (10, "3.10")):
        recorder = desk.record(FolderTapeWriter(str(tmp_path)))
        tick_at = new_york(TUESDAY, 10, minutes)
        desk.at(tick_at + timedelta(seconds=3))  # a run takes a moment to start
        desk.quote(CALL, bid, str(Decimal(bid) + Decimal("0.04")), size=10)
        live.append(desk.tick({}))
        recorder.close()

    tape = RecordedMarketData(tmp_path)
    at = [report.executed.decided.tick.identity.tick_at for report in live]
    seen = [report.executed.decided.market for report in live]
    assert [tape.snapshot([CALL], ["ACME"], one).quotes[CALL].bid for one in at] == [
        one.quotes[CALL].bid for one in seen
    ]
    assert [one.underlyings["ACME"].last for one in seen] == [
        tape.snapshot([], ["ACME"], one).underlyings["ACME"].last for one in at
    ]


def test_a_tape_that_can_not_be_written_is_an_alert_and_no_failed_tick(database_url: str):
    desk = LiveDesk(database_url)
    desk.hold("one")
    recorder = desk.record(Writer(OSError()))
    desk.quote(CALL, "2.00", "2.04", size=10)
    report = desk.tick({})
    recorder.close()

    assert report.counts["positions"] == 1
    (alert,) = desk.rows("SELECT severity, cause, message FROM alerts")
    assert (alert["severity"], alert["cause"]) == ("WARNING", "TAPE_NOT_WRITTEN")


def test_a_dry_run_leaves_no_tape(database_url: str):
    desk = LiveDesk(database_url)
    desk.hold("one")
    writer = Writer()
    recorder = desk.record(writer)
    desk.quote(CALL, "2.00", "2.04", size=10)
    desk.tick({"dry_run": True})
    recorder.close()

    assert writer.written == []
