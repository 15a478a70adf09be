"""A desk at a vendor: the real job, a real Postgres, real HTTP to servers that run here.

Three positions are held. ``bad`` is the one that a scenario spoils something for, ``good`` is in
another contract, and both are at their profit target; ``calm`` has nothing due.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any

import dagster as dg

from exit_pipeline.adapters.brokers.alpaca import AlpacaBroker
from exit_pipeline.adapters.brokers.paper import PaperBroker
from exit_pipeline.adapters.brokers.tradier import TradierBroker
from exit_pipeline.adapters.clients.alpaca import AlpacaTrading
from exit_pipeline.adapters.clients.alpaca_data import AlpacaData
from exit_pipeline.adapters.clients.cboe import CboeFiles
from exit_pipeline.adapters.clients.http import Retries
from exit_pipeline.adapters.clients.postgres_engine import make_engine
from exit_pipeline.adapters.clients.tradier import connect
from exit_pipeline.adapters.database.postgres.database import PostgresDatabase
from exit_pipeline.adapters.market_data.alpaca import AlpacaMarketData
from exit_pipeline.adapters.market_data.cboe import CboeMarketData
from exit_pipeline.adapters.market_data.composite import CompositeMarketData, parse_needs
from exit_pipeline.adapters.market_data.tradier import FEED_AGE_LIMITS, TradierMarketData
from exit_pipeline.core.engine.check_orders import OrderLimits
from exit_pipeline.core.model.record import NewPosition
from exit_pipeline.defs.launch import run_exit_job
from exit_pipeline.ports import Broker, CanClose, MarketData, Surroundings
from exit_pipeline.services.import_book import import_book
from exit_pipeline.services.tick import TickReport
from exit_pipeline_tests.desk import CALL, FAR_CALL, MORNING, PUT
from exit_pipeline_tests.fake_brokers import alpaca_rows, tradier
from exit_pipeline_tests.fake_brokers.alpaca import FakeAlpaca
from exit_pipeline_tests.fake_brokers.alpaca_data import FakeAlpacaData
from exit_pipeline_tests.fake_brokers.cboe import FakeCboe, option
from exit_pipeline_tests.fake_brokers.server import Reply, Request
from exit_pipeline_tests.fake_brokers.tradier import FakeTradier, fake_tradier
from exit_pipeline_tests.fake_brokers.tradier_ledger import option_row, share_row
from exit_pipeline_tests.fakes import NEW_YORK, FakeCalendar, FixedClock

ACCOUNTS = {"alpaca": alpaca_rows.ACCOUNT, "tradier": tradier.ACCOUNT, "paper": "desk"}
AT_ONCE = Retries(wait_initial=0, wait_max=0, wait_jitter=0)
UNDERLYING, LEVELS = "ACME", ("VIX", "VIX3M")
USES_DELAYED_QUOTES = "quotes.usable_age_seconds_max=2400"


class VendorDesk:
    """Ticks with a broker and a source of market data.

    Attributes:
        broker: ``alpaca``, ``tradier`` or ``paper``.
        source: A source's name, or sources by need as ``EXIT_MARKET_DATA`` writes them.
        broker_environ: Environment variables of the broker's that are not the right ones.
        source_environ: Likewise of the sources'.
        patience: Seconds that one request may take.
        said: All texts of the metadata of the last tick's ops.
    """

    def __init__(
        self,
        database_url: str,
        broker: str,
        source: str,
        servers: tuple[FakeAlpaca, FakeTradier, FakeAlpacaData, FakeCboe],
    ) -> None:
        self.alpaca, self.tradier, self.alpaca_data, self.cboe = servers
        self.engine = make_engine(database_url)
        self.database = PostgresDatabase(self.engine)
        self.calendar = FakeCalendar()
        self.clock = self.alpaca.clock
        self.broker, self.source = broker, source
        self.broker_environ: dict[str, str] = {}
        self.source_environ: dict[str, str] = {}
        self.patience = 10.0
        self.said = ""
        self._shown: dict[str, tuple[str, str]] = {}

    def hold(self, name: str, symbol: str, **details: Any) -> None:
        """Take a position in, which the broker has too."""
        position = NewPosition(
            id=name,
            symbol=symbol,
            side="LONG",
            quantity=1,
            entry_price=Decimal("2.00"),
            entry_time=MORNING - timedelta(days=1),
            broker=self.broker,
            environment="paper",
            policy=USES_DELAYED_QUOTES if self.source == "cboe" else None,
            **{"account": ACCOUNTS[self.broker]} | details,
        )
        self.alpaca.ledger.hold(symbol, 1)
        self.tradier.ledger.hold(symbol, 1)
        market = self._market()
        import_book([position], broker=self._broker(market), database=self.database)
        _close(market)

    def quote(self, symbol: str, bid: str, ask: str, *, at_broker: bool = True) -> None:
        """Set a quote at every source, and the market in which every broker fills orders.

        Args:
            symbol: The contract.
            bid: Dollars.
            ask: Dollars.
            at_broker: False lets orders rest.
        """
        self._shown[symbol] = (bid, ask)
        self.show()
        if at_broker:
            self.alpaca.ledger.quote(symbol, bid, ask)
            self.tradier.ledger.quote(symbol, bid, ask)

    def show(self) -> None:
        """Show all quotes and prices as of now, Cboe's as of a quarter of an hour ago."""
        now = self.clock.at
        self.alpaca_data.now = now
        self.alpaca_data.trade_stock(UNDERLYING, 101.25, now)
        self.tradier.quotes[UNDERLYING] = share_row(UNDERLYING, 101.25, now)
        for level in LEVELS:
            self.alpaca_data.set_index(level, 18.45, now)
            self.tradier.quotes[level] = share_row(level, 18.45, now, type="index")
            self.cboe.put_level(f"_{level}", 18.45, at=self._delayed)
        for symbol, (bid, ask) in self._shown.items():
            self.alpaca_data.quote_option(symbol, float(bid), float(ask), now)
            self.tradier.quotes[symbol] = option_row(symbol, now, bid=float(bid), ask=float(ask))
        self.put_chain()

    def put_chain(self, *changed: dict[str, Any]) -> None:
        """Put Cboe's file of the chain, with some rows in place of those that are shown."""
        rows = {s: option(s, float(bid), float(ask)) for s, (bid, ask) in self._shown.items()}
        rows |= {row["option"]: row for row in changed}
        self.cboe.put_chain(UNDERLYING, 101.25, *rows.values(), at=self._delayed)

    def forget(self, symbol: str) -> None:
        """Let no source know a contract any more."""
        del self._shown[symbol]
        self.alpaca_data.options.pop(symbol)
        self.tradier.quotes.pop(symbol)
        self.put_chain()

    @property
    def _delayed(self) -> str:
        """A quarter of an hour ago in New York, as Cboe writes it."""
        at = self.clock.at - timedelta(minutes=15)
        return f"{at.astimezone(NEW_YORK):%Y-%m-%dT%H:%M:%S}"

    def later(self, minutes: int = 5) -> None:
        """Move the clock to a later tick, and the market with it."""
        self.clock.advance(timedelta(minutes=minutes))
        self.show()

    def spoil(self, reply: Reply, path: str, *, times: int = 99) -> None:
        """Let the sources answer so to what is asked of a path."""

        def fault(request: Request) -> Reply | None:
            return reply if path in request.path else None

        self.alpaca_data.fault = self.cboe.fault = fault
        for method in ("GET", "POST"):
            self.tradier.fail(method, path, reply, times=times)

    def tick(self) -> TickReport:
        """Run the job once."""
        market = self._market()
        broker = self._broker(market)
        parts = {
            "broker": broker,
            "calendar": self.calendar,
            "clock": self.clock,
            "database": self.database,
            "market_data": market,
            "order_limits": OrderLimits(),
        }
        with dg.DagsterInstance.ephemeral() as on:
            report = run_exit_job({}, parts, on)
            run_id = report.executed.decided.tick.request.run_key
            self.said = "\n".join(_texts(on, run_id))
        _close(broker, market)
        return report

    def orders(self) -> dict[str, str]:
        """The status of each position's newest order."""
        query = "SELECT refactored_position_id AS id, status FROM orders ORDER BY attempt"
        return {row["id"]: row["status"] for row in self.rows(query)}

    def alerts(self) -> set[tuple[str, str]]:
        """Cause and subject of every alert."""
        return {(row["cause"], row["subject"]) for row in self.rows("SELECT * FROM alerts")}

    def rows(self, query: str) -> list[dict[str, Any]]:
        """Rows of a query."""
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.exec_driver_sql(query).mappings()]

    def _around(self, environ: Mapping[str, str]) -> Surroundings:
        own = {"TRADIER_API_KEY": tradier.KEY, "TRADIER_BASE_URL": self.tradier.url}
        return Surroundings(
            environ=own | environ,
            clock=self.clock,
            calendar=self.calendar,
            environment="paper",
            database_url="",
        )

    def _broker(self, market: MarketData) -> Broker:
        if self.broker == "paper":
            return PaperBroker(self.engine, market, self.clock, "paper", calendar=self.calendar)
        patience = {"timeout_seconds": self.patience, "retries": AT_ONCE}
        if self.broker == "alpaca":
            environ = self.alpaca.environ | self.broker_environ
            api = AlpacaTrading(environ, "paper", self.clock, **patience)
            return AlpacaBroker(api, "paper", self.clock, market)
        client = connect(self._around(self.broker_environ), **patience)
        account = self.broker_environ.get("TRADIER_ACCOUNT_ID", tradier.ACCOUNT)
        return TradierBroker(client, account, "paper", self.clock)

    def _market(self) -> MarketData:
        if ":" not in self.source:
            return self._source(self.source)
        needs = parse_needs(self.source)
        built = {name: self._source(name) for names in needs.values() for name in names}
        return CompositeMarketData(
            {need: [built[name] for name in names] for need, names in needs.items()}
        )

    def _source(self, name: str) -> MarketData:
        patience = {"timeout_seconds": self.patience, "retries": AT_ONCE}
        if name == "alpaca":
            environ = self.alpaca_data.environ | self.source_environ
            return AlpacaMarketData(AlpacaData(environ, self.clock, **patience))
        if name == "cboe":
            return CboeMarketData(CboeFiles(self.cboe.environ, self.clock, **patience), self.clock)
        client = connect(self._around(self.source_environ), **patience)
        return TradierMarketData(client, FEED_AGE_LIMITS["paper"], 400)


@contextmanager
def vendor_desk(
    database_url: str, broker: str = "paper", source: str = "tradier"
) -> Iterator[VendorDesk]:
    """A desk with its three positions and a market in which two of them are due."""
    clock = FixedClock(MORNING)
    with ExitStack() as stack:
        servers = (
            stack.enter_context(FakeAlpaca(clock)),
            stack.enter_context(fake_tradier(clock)),
            stack.enter_context(FakeAlpacaData(MORNING)),
            stack.enter_context(FakeCboe()),
        )
        desk = VendorDesk(database_url, broker, source, servers)
        stack.callback(desk.engine.dispose)
        for name, symbol in (("bad", CALL), ("good", FAR_CALL), ("calm", PUT)):
            desk.hold(name, symbol)
        desk.quote(CALL, "3.15", "3.25")
        desk.quote(FAR_CALL, "3.15", "3.25")
        desk.quote(PUT, "2.05", "2.10")
        yield desk


def _close(*parts: Any) -> None:
    for part in parts:
        if isinstance(part, CanClose):
            part.close()


def _texts(on: dg.DagsterInstance, run_id: str) -> list[str]:
    """Every text in the metadata of a run's outputs, the cells of tables among them."""
    events = on.all_logs(run_id, of_type=dg.DagsterEventType.STEP_OUTPUT)
    data: Sequence[Any] = [event.dagster_event.event_specific_data for event in events]
    found = []
    for value in (value for one in data for value in one.metadata.values()):
        if isinstance(value, dg.TableMetadataValue):
            found += [str(cell) for record in value.records for cell in record.data.values()]
        else:
            found.append(str(value.value))
    return found
