"""A tick of 1,000 positions by op, Dagster's share of it, and its SQL statements."""

import logging
import os
import tempfile
import time
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
from sqlalchemy import Connection, Engine, event

from exit_pipeline.adapters.clients.postgres_engine import shared_engine
from exit_pipeline.core.model.record import NewPosition
from exit_pipeline.defs import resources as shells
from exit_pipeline.defs.jobs import exit_job
from exit_pipeline.defs.storage import InstanceStorage
from exit_pipeline.sample import SAMPLE_AT
from exit_pipeline.services.import_book import import_book
from exit_pipeline.settings import Settings

MOMENT = SAMPLE_AT - timedelta(hours=3)
"""Of the sample day, before any rule of time fires."""

OPS = ("fetch_positions", "fetch_market_data", "build_context", "decide", "execute", "persist")


@dg.op
def step(value: int) -> int:
    return value + 1


@dg.op
def first_step() -> int:
    return 0


@dg.job(
    executor_def=dg.in_process_executor,
    resource_defs={"io_manager": dg.mem_io_manager},
    logger_defs=exit_job.loggers,
    config={"loggers": {"console": {}}},
)
def empty_job() -> None:
    """Six ops that do nothing: what Dagster itself costs."""
    value = first_step()
    for index in range(5):
        value = step.alias(f"step_{index}")(value)


def put_book(settings: Settings, size: int, environment: str) -> None:
    """A book that holds: entries at the mark, so that no rule fires."""
    with dg.build_resources(at(settings, environment)) as built:
        symbols = [
            symbol
            for ticker in ("SPY", "QQQ", "AAPL", "NVDA", "TSLA")
            for symbol in built.market_data.chain(ticker, MOMENT)
        ]
        quotes = built.market_data.snapshot(symbols, [], MOMENT).quotes
        good = [
            quote
            for quote in quotes.values()
            if quote.bid and quote.bid > 5 and quote.ask and quote.ask / quote.bid < Decimal("1.1")
        ]
        book = [
            NewPosition(
                id=f"{environment}-{index}",
                symbol=quote.symbol,
                side="LONG",
                quantity=1,
                entry_price=((quote.bid or 0) + (quote.ask or 0)) / 2,
                entry_time=MOMENT - timedelta(hours=1),
                account=environment,
                broker="paper",
                environment=environment,
                timeframe="1d",
            )
            for index, quote in enumerate((good * size)[:size])
        ]
        import_book(book, broker=built.broker, database=built.database)


def at(settings: Settings, environment: str, minutes: int = 0) -> dict[str, Any]:
    moment = (MOMENT + timedelta(minutes=minutes)).isoformat()
    return shells.resources(settings, at=moment, environment=environment)


class Statements:
    """Counts the statements that the project's own engines execute."""

    def __init__(self, url: str) -> None:
        self.engine = shared_engine(url)
        self.count = 0

    def __call__(self, connection: Connection, *_: object) -> None:
        # The ephemeral instance has statements of its own, in SQLite.
        self.count += connection.engine is self.engine


def run(settings: Settings, environment: str, minutes: int, on: dg.DagsterInstance) -> Any:
    return exit_job.execute_in_process(
        resources=at(settings, environment, minutes), instance=on, raise_on_error=True
    )


def main(size: int = 1_000, runs: int = 5) -> None:
    logging.getLogger("exit_pipeline").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="bench") as folder:
        settings = Settings.from_env({"EXIT_PIPELINE_HOME": folder})
        use_home(Path(folder))
        with keeping_instance() as on:
            _print_times(settings, size, runs, on)
            _print_statements(settings)


def keeping_instance() -> dg.DagsterInstance:
    """An instance that keeps its runs in the embedded Postgres, as a user's does."""
    storage = {
        "module": InstanceStorage.__module__,
        "class": InstanceStorage.__name__,
        "config": {},
    }
    return dg.DagsterInstance.local_temp(
        overrides={"storage": {"custom": storage}, "telemetry": {"enabled": False}}
    )


def use_home(home: Path) -> None:
    os.environ["EXIT_PIPELINE_HOME"] = str(home)
    for name in ("DATABASE_URL", "DAGSTER_POSTGRES_URL"):
        os.environ.pop(name, None)


def _print_times(settings: Settings, size: int, runs: int, on: dg.DagsterInstance) -> None:
    put_book(settings, size, "bench")
    run(settings, "bench", 0, on)
    by_op: dict[str, list[float]] = {name: [] for name in OPS}
    whole, empty = [], []
    for index in range(1, runs + 1):
        start = time.perf_counter()
        result = run(settings, "bench", 5 * index, on)
        whole.append(time.perf_counter() - start)
        for one in result.all_events:
            if one.is_step_success:
                by_op[one.step_key].append(one.step_success_data.duration_ms / 1_000)
        start = time.perf_counter()
        empty_job.execute_in_process(instance=on)
        empty.append(time.perf_counter() - start)
    total, dagster = sorted(whole)[runs // 2], sorted(empty)[runs // 2]
    print(f"a tick of {size:,} positions, storage in the embedded Postgres")
    print("  six empty ops, what Dagster itself costs     1.00")
    print(f"  the tick                                     {total / dagster:.2f}")
    print(f"  our share of it                              {1 - dagster / total:.0%}")
    for name, took in by_op.items():
        print(f"    {name:20} {sorted(took)[runs // 2] / total:5.0%} of the tick")


def _print_statements(settings: Settings) -> None:
    print("SQL statements of a tick without orders")
    for size in (10, 100, 1_000):
        environment = f"count{size}"
        put_book(settings, size, environment)
        print(f"  {size:5,} positions   {count_statements(settings, environment, 0)}")


def count_statements(settings: Settings, environment: str, minutes: int) -> int:
    """SQL statements of one tick, the instance's own left out."""
    counter = Statements(shells.database_url(settings))
    event.listen(Engine, "before_cursor_execute", counter)
    run(settings, environment, minutes, dg.DagsterInstance.ephemeral())
    event.remove(Engine, "before_cursor_execute", counter)
    return counter.count


if __name__ == "__main__":
    main()
