"""The page of a trading day: its size and its time, from the database to the file."""

import logging
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from benchmarks.random_book import random_book
from benchmarks.tick import use_home
from exit_pipeline.adapters.clients.postgres_engine import run, shared_engine, transaction
from exit_pipeline.core.engine.decide import decide
from exit_pipeline.core.engine.stored_outcome import stored_outcome
from exit_pipeline.core.model.book import KINDS, Book, Kind
from exit_pipeline.core.model.instant import SECONDS, to_micros
from exit_pipeline.core.model.price import UNKNOWN, to_dollars
from exit_pipeline.core.model.record import (
    LEASE,
    DecisionRows,
    NewPosition,
    RunStatus,
    RunSummary,
    TickIdentity,
)
from exit_pipeline.core.model.stored_book import stored_columns
from exit_pipeline.defs.report import read_report
from exit_pipeline.defs.resources import database_url, make_calendar, open_database
from exit_pipeline.pages.day import day_page
from exit_pipeline.policies import parse_policy
from exit_pipeline.ports import Database
from exit_pipeline.sample import SAMPLE_DAY
from exit_pipeline.services.day_request import ReportRequest
from exit_pipeline.settings import Settings


def main(positions: int = 200, runs: int = 5) -> None:
    """Print the size of the page, and what a report takes against a statement of the database."""
    logging.getLogger("exit_pipeline").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="bench") as folder:
        settings, calendar = Settings.from_env({"EXIT_PIPELINE_HOME": folder}), make_calendar()
        use_home(Path(folder))
        database, session = open_database(settings), calendar.session(SAMPLE_DAY)
        assert session  # noqa: S101 a Wednesday
        times = [*session.ticks()]
        put_day(database, positions, times)
        _gather_statistics(settings)
        took, page = [], ""
        for _ in range(runs):
            start = time.perf_counter()
            report = read_report(
                ReportRequest(),
                settings=settings,
                database=database,
                calendar=calendar,
                at=session.closes_at,
            )
            read = time.perf_counter()
            page = day_page(report, calendar.zone)
            took.append((read - start, time.perf_counter() - read))
        read_time, made = sorted(took)[runs // 2]
        print(f"the page of {positions} positions with {len(times)} ticks each")
        print(f"  its size, MB                                 {len(page.encode()) / 1e6:.2f}")
        print(
            f"  reading the day, of the whole                {read_time / (read_time + made):.0%}"
        )


def _gather_statistics(settings: Settings) -> None:
    """As the server does by itself within a minute; a day is read long after it was written."""
    with transaction(shared_engine(database_url(settings))) as connection:
        run(connection, "ANALYZE")


def put_day(database: Database, positions: int, times: list[datetime]) -> None:
    """A day on which every position is looked at at every tick."""
    policy, book = parse_policy("default"), _book(positions, times)
    database.decisions.keep_policies({policy.hash: policy.canonical_json()})
    names = [f"bench-position-{number:04}" for number in range(positions)]
    database.positions.import_positions(
        [_position(name, book, row) for row, name in enumerate(names)]
    )
    for number, at in enumerate(times):
        part = book.take(slice(number * positions, (number + 1) * positions))
        tick = TickIdentity(
            environment="paper", broker="paper", tick_at=at, mode="live", dry_run=False
        )
        (handle,) = database.runs.open(tick, ["bench"], str(at), "bench", LEASE)
        columns = {
            "id": [f"{handle.run_id}-{row}" for row in range(positions)],
            "run_id": [handle.run_id] * positions,
            "position_id": names,
            "dry_run": [False] * positions,
            **stored_columns(part),
            "policy_hash": [policy.hash] * positions,
            **stored_outcome(decide(part, [policy]), [policy], [0] * positions),
        }
        columns["decision_type"] = list(columns["decision"])
        database.decisions.record(DecisionRows(columns=columns))
        database.runs.close(str(at), [RunSummary(run_id=handle.run_id, status=RunStatus.SUCCEEDED)])


def _book(positions: int, times: list[datetime]) -> Book:
    """Rows by tick, each position with its own entry, and every time moved to its tick."""
    book = random_book(positions * len(times))
    at = np.repeat(np.array([to_micros(one) for one in times], np.int64), positions)
    moved = at - book.decided_at
    columns = {
        name: np.where(getattr(book, name) == UNKNOWN, UNKNOWN, getattr(book, name) + moved)
        for name, kind in KINDS.items()
        if kind is Kind.INSTANT
    }
    for name in ("entry_price", "side", "quantity", "open_quantity", "high_water"):
        columns[name] = np.tile(getattr(book, name)[:positions], len(times))
    return replace(book, **columns)


def _position(name: str, book: Book, row: int) -> NewPosition:
    price = to_dollars(int(book.entry_price[row]))
    assert price  # noqa: S101 each has one
    return NewPosition(
        id=name,
        symbol="SPY260417C00600000",
        side="LONG" if book.side[row] > 0 else "SHORT",
        quantity=int(book.quantity[row]),
        entry_price=price,
        entry_time=datetime.fromtimestamp(int(book.entry_time[row]) / SECONDS, UTC),
        account="bench",
        broker="paper",
        environment="paper",
    )


if __name__ == "__main__":
    main()
