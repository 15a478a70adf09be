import csv
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pyarrow.parquet as pq
import pytest

from exit_pipeline.adapters.market_data.recorded import RecordedMarketData, build
from exit_pipeline.core.context.gamma_context import gamma_context
from exit_pipeline.core.model.errors import ConfigurationError, InputError
from exit_pipeline.core.model.instant import MINUTES, to_micros
from exit_pipeline.core.model.quote import Quote
from exit_pipeline.ports import Surroundings, TellsChains
from exit_pipeline.services.settlement import settles_at
from exit_pipeline_tests.adapters.market_data.tape import write_file, write_tape
from exit_pipeline_tests.fakes import FakeCalendar, FixedClock, new_york

DAY = date(2015, 12, 24)
TEN = new_york(DAY, 10)
CALL = "GOOG160115C00750000"
GOOG_TAPE = Path(__file__).parents[4] / "shared" / "market-days" / "goog"
needs_goog_tape = pytest.mark.skipif(
    not GOOG_TAPE.is_dir(), reason="the real market day is not beside this checkout"
)


def minutes(count: int) -> timedelta:
    return timedelta(minutes=count)


def prices_each(spacing: timedelta, count: int = 5) -> list[tuple[datetime, str, float]]:
    return [(TEN + spacing * index, "GOOG", 750.0 + index) for index in range(count)]


def tape_with_quote(folder: Path, *, bid: float | None, ask: float | None) -> RecordedMarketData:
    write_tape(folder, DAY, [(TEN, CALL, bid, ask, 3, 4)], prices_each(minutes(1)))
    return RecordedMarketData(folder)


def test_answers_with_the_newest_quote_and_its_own_time(tmp_path):
    later = (TEN + minutes(1), CALL, 11.0, 11.4, 7, 8)
    write_tape(tmp_path, DAY, [later, (TEN, CALL, 10.0, 10.4, 5, None)], prices_each(minutes(1)))
    market = RecordedMarketData(tmp_path)

    first = market.snapshot([CALL], [], TEN + timedelta(seconds=59)).quotes[CALL]
    second = market.snapshot([CALL], [], TEN + minutes(30)).quotes[CALL]

    assert first == Quote(
        symbol=CALL, bid=Decimal(10), ask=Decimal("10.4"), bid_size=5, ask_size=None, quoted_at=TEN
    )
    assert (second.bid, second.quoted_at) == (Decimal(11), TEN + minutes(1))


@pytest.mark.parametrize(
    ("bid", "ask", "expected", "nonfinite"),
    [
        (1.0, 1.05, (Decimal("1.00"), Decimal("1.05")), False),
        (None, 1.05, (None, Decimal("1.05")), False),
        (float("nan"), None, (None, None), False),
        (-1.0, 1.05, (None, Decimal("1.05")), True),
        (1.0, float("inf"), (Decimal("1.00"), None), True),
        (0.0, 0.05, (Decimal(0), Decimal("0.05")), False),
    ],
    ids=["both", "no bid", "neither", "negative bid", "infinite ask", "zero bid"],
)
def test_a_price_that_is_none_is_not_known(tmp_path, bid, ask, expected, nonfinite):
    quote = tape_with_quote(tmp_path, bid=bid, ask=ask).snapshot([CALL], [], TEN).quotes[CALL]

    assert (quote.bid, quote.ask) == expected
    assert quote.nonfinite is nonfinite


def test_an_underlying_without_usable_price_keeps_the_one_before_and_its_time(tmp_path):
    rows = [
        (TEN, "AAPL", None),
        (TEN, "GOOG", 750.0),
        (TEN + minutes(1), "GOOG", None),
        (TEN + minutes(2), "GOOG", float("inf")),
        (TEN + minutes(2), "AAPL", -1.0),
    ]
    market = RecordedMarketData(write_tape(tmp_path, DAY, underlyings=rows))

    found = market.snapshot([], ["AAPL", "GOOG"], TEN + minutes(3)).underlyings

    assert set(found) == {"GOOG"}
    assert (found["GOOG"].last, found["GOOG"].quoted_at) == (Decimal(750), TEN)


@pytest.mark.parametrize(
    ("spacing", "count", "limit"),
    [
        (minutes(1), 5, timedelta(seconds=90)),
        (timedelta(seconds=5), 5, timedelta(seconds=35)),
        (minutes(1), 1, timedelta(seconds=30)),
        (minutes(1), 0, timedelta(seconds=30)),
    ],
    ids=["minutes", "five seconds", "one row", "no row"],
)
def test_the_feed_may_be_as_old_as_the_tape_is_coarse(tmp_path, spacing, count, limit):
    write_tape(tmp_path, DAY, underlyings=prices_each(spacing, count))

    assert RecordedMarketData(tmp_path).snapshot([], [], TEN).feed_age_limit == limit


def test_the_pause_after_the_close_does_not_make_a_tape_coarse(tmp_path):
    rows = [*prices_each(minutes(1), 10), (TEN + timedelta(hours=3), "GOOG", 751.0)]
    write_tape(tmp_path, DAY, underlyings=rows)

    assert RecordedMarketData(tmp_path).snapshot([], [], TEN).feed_age_limit.seconds == 90


def test_a_day_is_a_date_in_new_york(tmp_path):
    evening = new_york(DAY, 20)
    write_tape(tmp_path, DAY, underlyings=[(TEN, "GOOG", 750.0)])
    assert evening.date() == DAY + timedelta(days=1)

    found = RecordedMarketData(tmp_path).snapshot([], ["GOOG"], evening).underlyings

    assert found["GOOG"].last == Decimal(750)


def test_an_earlier_day_of_the_tape_can_be_asked_for_while_a_later_one_is_replayed(tmp_path):
    for ahead, price in enumerate((748.0, 749.0, 750.0, 751.0, 752.0, 753.0)):
        day = DAY + timedelta(days=ahead)
        write_tape(tmp_path, day, underlyings=[(new_york(day, 12, 59), "GOOG", price)])
    market = RecordedMarketData(tmp_path)

    closes = [
        market.snapshot([], ["GOOG"], new_york(DAY + timedelta(days=ahead), 13)).underlyings["GOOG"]
        for ahead in (5, 0, 4, 1, 3, 2, 0)
    ]

    assert [int(close.last) for close in closes] == [753, 748, 752, 749, 751, 750, 748]


def test_prices_alone_need_no_options_file(tmp_path):
    write_tape(tmp_path, DAY, underlyings=prices_each(minutes(1)))
    (tmp_path / DAY.isoformat() / "options.parquet").unlink()
    market = RecordedMarketData(tmp_path)

    assert market.snapshot([], ["GOOG"], TEN).underlyings["GOOG"].last == Decimal(750)
    with pytest.raises(InputError, match=r"options\.parquet is missing from the tape"):
        market.snapshot([CALL], [], TEN)


def test_a_tape_may_lack_sizes_and_hold_more_columns(tmp_path):
    write_tape(tmp_path, DAY, underlyings=prices_each(minutes(1)))
    columns = {"quoted_at": [TEN], "symbol": [CALL], "bid": [1.0], "ask": [1.1], "delta": [0.5]}
    write_file(tmp_path / DAY.isoformat() / "options.parquet", columns)

    quote = RecordedMarketData(tmp_path).snapshot([CALL], [], TEN).quotes[CALL]

    assert (quote.bid_size, quote.ask_size) == (None, None)


def test_the_chain_holds_every_root_of_the_underlying_quoted_so_far(tmp_path):
    symbols = ["SPXW151231P02000000", "SPX160115C02000000", "SPY151231C00200000"]
    rows = [(TEN + minutes(index), symbol, 1.0, 1.1, 1, 1) for index, symbol in enumerate(symbols)]
    market = RecordedMarketData(write_tape(tmp_path, DAY, rows, prices_each(minutes(1))))

    assert market.chain("SPX", TEN) == symbols[:1]
    assert market.chain("SPX", TEN + minutes(5)) == [symbols[1], symbols[0]]
    assert market.chain("GOOG", TEN + minutes(5)) == []


def test_says_that_the_tape_has_no_such_day(tmp_path):
    with pytest.raises(InputError, match=rf"tape {tmp_path} has no day 2015-12-24, expected a"):
        RecordedMarketData(tmp_path).snapshot([], [], TEN)


def test_a_time_without_zone_is_a_mistake(tmp_path):
    write_tape(tmp_path, DAY, underlyings=prices_each(minutes(1)))

    with pytest.raises(ValueError, match="must carry a time zone"):
        RecordedMarketData(tmp_path).snapshot([], ["GOOG"], TEN.replace(tzinfo=None))


def test_refuses_a_folder_that_does_not_exist(tmp_path):
    with pytest.raises(ConfigurationError, match=r"absent must be a folder of YYYY-MM-DD folders"):
        RecordedMarketData(tmp_path / "absent")


def surroundings(environ: dict[str, str]) -> Surroundings:
    return Surroundings(
        environ=MappingProxyType(environ),
        clock=FixedClock(TEN),
        calendar=FakeCalendar(),
        environment="tape",
        database_url="",
    )


def test_is_built_from_the_folder_in_the_environment(tmp_path):
    write_tape(tmp_path, DAY, underlyings=prices_each(minutes(1)))

    market = build(surroundings({"EXIT_TAPE_DIR": str(tmp_path)}))

    assert market.snapshot([], ["GOOG"], TEN).underlyings


@pytest.mark.parametrize("environ", [{}, {"EXIT_TAPE_DIR": ""}], ids=["not set", "empty"])
def test_is_not_built_without_a_folder(environ):
    with pytest.raises(ConfigurationError, match="EXIT_TAPE_DIR is not set, expected the folder"):
        build(surroundings(environ))


def test_importing_it_loads_no_heavy_library():
    program = (
        "import sys, exit_pipeline.adapters.market_data.recorded;"
        "sys.exit(len({'pandas', 'pyarrow', 'scipy', 'exchange_calendars'} & set(sys.modules)))"
    )

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@needs_goog_tape
@pytest.mark.parametrize("at", [new_york(DAY, 9, 45), new_york(DAY, 11, 5), new_york(DAY, 12, 55)])
def test_the_real_day_is_answered_as_a_search_through_all_of_its_rows_would(at):
    table = pq.ParquetFile(GOOG_TAPE / "2015-12-24" / "options.parquet").read(
        columns=["quoted_at", "symbol", "bid", "ask"]
    )
    with (GOOG_TAPE / "book.csv").open(encoding="utf-8") as file:
        symbols = {row["symbol"] for row in csv.DictReader(file)}
    newest: dict[str, dict[str, object]] = {}
    for row in table.to_pylist():
        if row["symbol"] in symbols and row["quoted_at"] <= at:
            before = newest.setdefault(row["symbol"], row)
            if row["quoted_at"] >= before["quoted_at"]:
                newest[row["symbol"]] = row

    quotes = RecordedMarketData(GOOG_TAPE).snapshot(sorted(symbols), [], at).quotes

    assert set(quotes) == set(newest)
    for symbol, row in newest.items():
        quote = quotes[symbol]
        given = [None if price is None else float(price) for price in (quote.bid, quote.ask)]
        assert given == [row["bid"], row["ask"]]
        assert quote.quoted_at == row["quoted_at"]


@needs_goog_tape
def test_the_real_day_knows_its_prices_and_chain():
    market = RecordedMarketData(GOOG_TAPE)
    close = market.snapshot([], ["GOOG", "VIX", "VIX3M"], new_york(DAY, 13))

    assert {symbol: str(price.last) for symbol, price in close.underlyings.items()} == {
        "GOOG": "748.4000",
        "VIX": "15.5700",
    }
    assert close.feed_age_limit == timedelta(seconds=90)
    assert len(market.chain("GOOG", datetime(2015, 12, 24, 15, tzinfo=UTC))) == 2192


def chain_tape(folder: Path, **columns: list[float | None]) -> RecordedMarketData:
    """A tape of three contracts, one of another underlying and one quoted only later."""
    symbols = [CALL, "GOOG160115P00750000", "SPY160115C00200000", "GOOG160115C00760000"]
    times = [TEN, TEN, TEN, TEN + minutes(1)]
    write_tape(folder, DAY, [], prices_each(minutes(1)))
    given = {"bid": [1.0, None, 3.0, 4.0], "ask": [1.1, 2.1, 3.1, 4.1]} | columns
    file = folder / DAY.isoformat() / "options.parquet"
    write_file(file, {"quoted_at": times, "symbol": symbols, **given})
    return RecordedMarketData(folder)


def test_a_chain_is_all_that_was_quoted_of_the_underlying_by_then(tmp_path):
    market = chain_tape(
        tmp_path, open_interest=[10.0, None, 30.0, 40.0], gamma=[0.1, 0.2, 0.3, 0.4]
    )

    found = market.option_chain("GOOG", TEN)
    assert found is not None
    assert isinstance(market, TellsChains)
    assert list(found.symbols) == [CALL, "GOOG160115P00750000"]
    assert found.ask.tolist() == [1.1, 2.1]
    assert (found.bid[0], found.open_interest[0]) == (1.0, 10)
    assert np.isnan([found.bid[1], found.open_interest[1], *found.feed_iv]).all()
    assert found.feed_gamma.tolist() == [0.1, 0.2]
    assert (found.at, found.spot) == (to_micros(TEN), 750)
    later = market.option_chain("GOOG", TEN + minutes(1))
    assert later is not None
    assert len(later) == 3


def test_a_tape_without_open_interest_tells_none_of_it(tmp_path):
    found = chain_tape(tmp_path).option_chain("GOOG", TEN)
    assert found is not None
    assert np.isnan(found.open_interest).all()


@pytest.mark.parametrize(
    ("underlying", "at"),
    [
        pytest.param("SPY", TEN, id="no price of the underlying"),
        pytest.param("GOOG", TEN - minutes(1), id="nothing quoted yet"),
        pytest.param("NONE", TEN, id="not on the tape"),
    ],
)
def test_what_the_tape_has_not_has_no_chain(tmp_path, underlying, at):
    assert chain_tape(tmp_path).option_chain(underlying, at) is None


@needs_goog_tape
def test_the_real_day_has_a_chain_whose_gamma_is_evaluable():
    listed = RecordedMarketData(GOOG_TAPE).option_chain("GOOG", new_york(DAY, 11))
    assert listed is not None
    chain = listed.to_chain(lambda one: settles_at(one, FakeCalendar()), 30 * MINUTES)
    assert gamma_context(chain).exposure is not None


def test_the_days_of_a_tape_are_its_folders_of_that_name_in_order(tmp_path):
    for name in ("2015-12-28", "2015-12-24", "notes", "2015-12-24x"):
        (tmp_path / name).mkdir()
    (tmp_path / "2015-12-29").write_text("no folder")
    assert RecordedMarketData(tmp_path).days() == [DAY, date(2015, 12, 28)]


def test_a_folder_that_is_named_like_a_day_that_there_is_not_is_said(tmp_path):
    (tmp_path / "2015-02-30").mkdir()
    with pytest.raises(InputError, match=r"tape .* has a folder 2015-02-30, which is no date"):
        RecordedMarketData(tmp_path).days()
