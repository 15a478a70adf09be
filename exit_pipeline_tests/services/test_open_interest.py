"""Open interest in ticks: asked of Alpaca once a day, and on every quote of the day."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from exit_pipeline.adapters.clients.alpaca import AlpacaTrading
from exit_pipeline.adapters.clients.alpaca_data import AlpacaData
from exit_pipeline.adapters.market_data.alpaca import AlpacaMarketData
from exit_pipeline.core.model.quote import MarketSnapshot
from exit_pipeline.core.model.record import NewPosition
from exit_pipeline.ports import TapeWriter
from exit_pipeline.services.import_book import import_book
from exit_pipeline.services.tape_recorder import TapeRecorder
from exit_pipeline_tests.adapters.brokers.alpaca_rig import AT_ONCE
from exit_pipeline_tests.desk import CALL, FAR_CALL, MORNING, PUT, TUESDAY, Desk
from exit_pipeline_tests.fake_brokers.alpaca import KEY, KEY_ID, FakeAlpaca
from exit_pipeline_tests.fake_brokers.alpaca_data import FakeAlpacaData
from exit_pipeline_tests.fakes import FakeMarketData, new_york

MONDAY, WEDNESDAY = TUESDAY - timedelta(days=1), TUESDAY + timedelta(days=1)
CONTRACTS = "/v2/options/contracts"


class DeskAtAlpacasData(Desk):
    """A desk whose quotes are Alpaca's, with the trading host beside them."""

    def __init__(self, database_url: str, data: FakeAlpacaData, trading: FakeAlpaca) -> None:
        super().__init__(database_url)
        self.data, self.trading = data, trading
        self.config: dict[str, Any] = {}
        trading.clock = self.clock

    def list(self, symbol: str, open_interest: int | None, as_of: date = MONDAY) -> None:
        self.data.quote_option(symbol, 2.0, 2.04, self.clock.now())
        self.trading.list_contract(symbol, open_interest, as_of)

    def see(self, tape: TapeWriter | None = None) -> MarketSnapshot:
        """What a tick sees, in a run of its own, and leaves on a tape."""
        keys = {"ALPACA_API_KEY": KEY_ID, "ALPACA_SECRET_KEY": KEY}
        environ = keys | {"ALPACA_BASE_URL": self.trading.environ["ALPACA_BASE_URL"]}
        source = AlpacaMarketData(
            AlpacaData(self.data.environ, self.clock, retries=AT_ONCE),
            trading=AlpacaTrading(environ, "paper", self.clock, retries=AT_ONCE),
        )
        self.market = TapeRecorder(source, tape) if tape else source  # type: ignore[assignment]
        self.data.server.requests.clear()
        self.trading.requests.clear()
        try:
            return self.tick(self.config).executed.decided.market
        finally:
            self.market.close()  # type: ignore[attr-defined]
            self.later()

    @property
    def asked(self) -> int:
        """Requests for open interest in the last tick."""
        return sum(one.path == CONTRACTS for one in self.trading.requests)


@pytest.fixture
def desk(database_url: str) -> Iterator[DeskAtAlpacasData]:
    with FakeAlpacaData(MORNING) as data, FakeAlpaca(Desk(database_url).clock) as trading:
        made = DeskAtAlpacasData(database_url, data, trading)
        data.trade_stock("ACME", 101.0, MORNING)
        made.hold("one")
        yield made


def open_interest(seen: MarketSnapshot) -> dict[str, int | None]:
    return {symbol: quote.open_interest for symbol, quote in seen.quotes.items()}


def test_it_is_asked_for_once_a_day_and_on_the_quotes_of_every_tick(desk):
    desk.list(CALL, 237)
    for asked in (1, 0, 0):
        assert open_interest(desk.see()) == {CALL: 237}
        assert desk.asked == asked
    desk.at(new_york(WEDNESDAY, 10))
    desk.trading.contracts.clear()
    desk.list(CALL, 240, TUESDAY)
    assert open_interest(desk.see()) == {CALL: 240}
    assert desk.asked == 1


def test_only_what_is_lacking_is_asked_for_when_the_book_grows(desk):
    desk.list(CALL, 237)
    desk.list(FAR_CALL, 12)
    desk.see()
    desk.hold("two", FAR_CALL)
    desk.data.quote_option(FAR_CALL, 2.0, 2.04, desk.clock.now())
    assert open_interest(desk.see()) == {CALL: 237, FAR_CALL: 12}
    (request,) = (one for one in desk.trading.requests if one.path == CONTRACTS)
    assert request.query["expiration_date_gte"] == "2026-06-19"
    desk.see()
    assert desk.asked == 0


def test_a_contract_that_the_vendor_has_no_figure_of_is_not_asked_about_again_that_day(desk):
    desk.hold("two", PUT)
    desk.list(CALL, None)
    desk.data.quote_option(PUT, 2.0, 2.04, desk.clock.now())
    for asked in (1, 0):
        assert open_interest(desk.see()) == {CALL: None, PUT: None}
        assert desk.asked == asked


def test_a_vendor_that_does_not_answer_costs_the_figures_alone_and_is_asked_by_the_next_tick(desk):
    desk.list(CALL, 237)
    desk.trading.fail("unauthorized", method="GET", path=CONTRACTS)
    seen = desk.see()
    assert open_interest(seen) == {CALL: None}
    assert desk.asked == 1
    (note,) = (one for one in seen.notes if one.subject == "alpaca: open interest")
    assert (note.cause, note.message) == (
        "NOT_ANSWERED",
        "Alpaca refuses ALPACA_API_KEY and ALPACA_SECRET_KEY in its paper environment with "
        "status 401",
    )
    alerts = desk.rows("SELECT cause FROM alerts WHERE subject = 'alpaca: open interest'")
    assert alerts == [{"cause": "MARKET_DATA_NOT_ANSWERED"}]
    assert open_interest(desk.see()) == {CALL: 237}
    assert desk.asked == 1
    desk.see()
    assert desk.asked == 0


class Writer:
    """Keeps what is written."""

    def __init__(self) -> None:
        self.options: list[Mapping[str, Sequence[Any]]] = []

    def append(self, tick_at: datetime, options: Any, underlyings: Any) -> None:  # noqa: ARG002
        self.options.append(options)


def test_it_is_on_the_tape_of_every_tick(desk):
    desk.list(CALL, 237)
    writer = Writer()
    for _ in range(2):
        desk.see(writer)
    assert [list(one["open_interest"]) for one in writer.options] == [[237], [237]]


def test_a_source_that_tells_none_is_asked_for_nothing_and_nothing_is_kept(desk):
    desk.market = FakeMarketData(is_live=True)
    desk.quote(CALL, "2.00", "2.04")
    desk.market = TapeRecorder(desk.market, Writer())
    desk.tick({})
    desk.market.close()
    assert desk.rows("SELECT * FROM open_interest") == []


def test_a_look_back_neither_asks_nor_keeps(desk):
    """What is told now is not what was told then."""
    desk.list(CALL, 237)
    desk.clock.advance(timedelta(hours=1))
    desk.config = {"dry_run": True, "as_of": MORNING.isoformat()}
    assert open_interest(desk.see()) == {CALL: None}
    assert desk.asked == 0
    assert desk.rows("SELECT * FROM open_interest") == []


def test_500_positions_over_50_underlyings_take_7_requests_and_once_a_day_the_pages(desk):
    tickers = [f"T{a}{b}" for a in "ABCDE" for b in "ABCDEFGHIJ"]
    symbols = [
        f"{t}260417C{strike:08d}" for t in tickers for strike in range(100_000, 110_000, 1000)
    ]
    for ticker in tickers:
        desk.data.trade_stock(ticker, 101, MORNING)
    for symbol in symbols:
        desk.list(symbol, 10)
    desk.rows_changed("DELETE FROM refactored_positions")
    import_book(
        [held(number, symbol) for number, symbol in enumerate(symbols)],
        broker=desk.broker,
        database=desk.database,
    )
    desk.trading.contracts_per_page = 200
    for pages in (3, 0, 0):
        seen = desk.see()
        assert set(open_interest(seen).values()) == {10}
        assert len(seen.quotes) == 500
        assert len(desk.data.server.requests) == 7
        assert desk.asked == len(desk.trading.requests) == pages


def held(number: int, symbol: str) -> NewPosition:
    return NewPosition(
        id=f"p{number}",
        symbol=symbol,
        side="LONG",
        quantity=1,
        entry_price=Decimal("2.00"),
        entry_time=MORNING - timedelta(days=1),
        account="desk",
        broker="paper",
        environment="paper",
    )
