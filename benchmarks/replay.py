"""The audit of a year beside reading its rows as Arrow and writing them back, and its memory.

A year is 252 sessions of 78 ticks over 50 positions, 982,800 decisions. Only ratios of one run are
worth comparing: both are measured in turn, day by day, on the same database.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pyarrow as pa
from sqlalchemy import Engine

from benchmarks.decide import ALL_RULES, columns_read, in_turn
from benchmarks.random_book import random_book
from benchmarks.recorded_year import (
    COLUMNS,
    FIRST,
    POSITIONS,
    SESSIONS,
    TICKS,
    encode,
    record_day,
    sessions,
)
from exit_pipeline.adapters.calendars.exchange import ExchangeCalendar
from exit_pipeline.adapters.clients.embedded_postgres import start, stop_if_last
from exit_pipeline.adapters.clients.migrations import migrate
from exit_pipeline.adapters.clients.postgres_copy import copy_in
from exit_pipeline.adapters.clients.postgres_engine import make_engine, run, transaction
from exit_pipeline.adapters.database.postgres.database import PostgresDatabase
from exit_pipeline.core.engine.decide import decide
from exit_pipeline.core.model.book import Book
from exit_pipeline.core.model.kept_decision import OUTCOMES
from exit_pipeline.core.model.outcome_columns import OutcomeColumns
from exit_pipeline.core.model.recorded import RecordedDecisions, RecordedPolicy, RecordedRun
from exit_pipeline.core.model.stored_book import NAMES, book_of_stored
from exit_pipeline.core.replay.audit import audit
from exit_pipeline.core.replay.made_outcome import made_outcome
from exit_pipeline.policies import parse_policy
from exit_pipeline.services.audit import audit_days
from exit_pipeline.services.audit_report import CHUNK, AuditRequest

RULES = parse_policy(ALL_RULES)


def record_years(engine: Engine, first: int, last: int) -> None:
    """Record sessions, numbered from 0, and let the server look at them as it would by itself."""
    for number, session in enumerate(sessions(ExchangeCalendar(), last)):
        if number >= first:
            record_day(engine, session, RULES)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        run(connection, "VACUUM ANALYZE refactored_decisions")


def whole(years: int) -> AuditRequest:
    days = list(sessions(ExchangeCalendar(), years * SESSIONS))
    return AuditRequest(first=FIRST, last=days[-1].day)


def audit_years(url: str, years: int) -> int:
    """The audit, end to end; how many decisions it made again."""
    engine = make_engine(url)
    report = audit_days(
        whole(years), database=PostgresDatabase(engine), calendar=ExchangeCalendar()
    )
    engine.dispose()
    if not report.is_clean:
        message = f"{report.differing} decisions differ and {report.looking_ahead} look ahead"
        raise SystemExit(message)
    return report.decisions


def parts_of(database: PostgresDatabase, years: int) -> Iterator[RecordedDecisions]:
    asked = whole(years)
    zone = ExchangeCalendar().zone
    for day in asked.days():
        yield from database.replays.recorded(asked.range_of(day, day, zone), CHUNK)


def as_arrow(part: RecordedDecisions) -> pa.Table:
    """The rows as an Arrow table, whose columns are those that were read."""
    columns = {name.name: getattr(part.book, name.name) for name in fields(Book)}
    columns |= {name.name: getattr(part.outcome, name.name) for name in fields(OutcomeColumns)}
    flat = {name: list(column) if column.ndim > 1 else column for name, column in columns.items()}
    flat.pop("hits")
    flat.pop("rule_hits_after")
    return pa.table(flat)


def read_and_write_back(url: str, years: int) -> int:
    """Each day's rows out as Arrow, and into a table like theirs by binary COPY."""
    engine = make_engine(url)
    database, rows = PostgresDatabase(engine), 0
    with transaction(engine) as connection:
        run(connection, "DROP TABLE IF EXISTS copied")
        run(connection, "CREATE TABLE copied (LIKE refactored_decisions INCLUDING DEFAULTS)")
    for part in parts_of(database, years):
        rows += len(as_arrow(part))
        runs = np.array([bytes.fromhex(one.id.replace("-", "")) for one in part.runs])[part.run]
        with transaction(engine) as connection:
            sent = encode(part.book, part.outcome, runs, RULES)
            copy_in(connection, f"copied ({COLUMNS})", sent)
    engine.dispose()
    return rows


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def print_ratio(url: str) -> None:
    """The audit beside reading and writing back, in turn."""
    took: dict[str, list[float]] = {"audit": [], "copy": []}
    for _ in range(2):
        took["copy"].append(seconds(lambda: read_and_write_back(url, 1)))
        took["audit"].append(seconds(lambda: audit_years(url, 1)))
    # The last of each, in which both replace what is there.
    copying, auditing = took["copy"][-1], took["audit"][-1]
    million = auditing / (SESSIONS * TICKS * POSITIONS) * 1e6
    print("audit of a year, 982,800 decisions, read and kept day by day")
    print("  reading them as Arrow and writing them back by binary COPY    1.00")
    ratio = f"{auditing / copying:.2f}  (aim: 3)"
    print(f"  the audit                                                     {ratio}")
    print(f"  a million decisions took {million:.0f} seconds here")


def print_ways(url: str, days: int = 20) -> None:
    """Reading the same rows in several ways, each into columns."""
    engine = make_engine(url)
    database, span = PostgresDatabase(engine), whole(1)
    last = list(sessions(ExchangeCalendar(), days))[-1].day
    asked = span.range_of(FIRST, last, ExchangeCalendar().zone)
    names = ", ".join((*NAMES.values(), *OUTCOMES, "id", "position_id", "run_id", "policy_hash"))
    query = f"SELECT {names} FROM refactored_decisions WHERE decided_at < '{asked.end}'"  # noqa: S608

    def by_rows() -> Book:
        with transaction(engine) as connection:
            found = [tuple(row)[: len(NAMES)] for row in run(connection, query)]
        columns = zip(NAMES.values(), zip(*found, strict=True), strict=True)
        return book_of_stored(dict(columns))

    ways: dict[str, Callable[[], object]] = {
        "binary COPY": lambda: list(database.replays.recorded(asked, CHUNK)),
        "rows of the driver, and the book of them": by_rows,
    }
    if find_spec("adbc_driver_postgresql"):  # not among the packages of this project
        connection = import_module("adbc_driver_postgresql.dbapi").connect(url)
        ways["ADBC, as Arrow"] = lambda: connection.execute(query).fetch_arrow_table()
    took = in_turn(3, *ways.values(), clock=time.perf_counter)  # the server works as well
    print(f"reading {days} days of decisions, {days * TICKS * POSITIONS:,} rows")
    for way, one in zip(ways, took, strict=True):
        print(f"  {way:45} {one / took[0]:.2f}")
    engine.dispose()


def print_evaluation(rows: int) -> None:
    """Making decisions again and comparing them, in memory, beside a sum of each column."""
    recorded = in_memory(rows)
    names = columns_read(recorded.book.take(slice(CHUNK)), [RULES])
    columns = [getattr(recorded.book, name) for name in names]
    compared = [getattr(recorded.outcome, column.name) for column in fields(OutcomeColumns)]
    numbers = [column for column in compared if column.dtype.kind != "S"]
    # As wide as memory is read: byte by byte, a sum takes eight times as long.
    numbers = [column.view(np.int64) if column.ndim > 1 else column for column in numbers]
    deciding, auditing, summing = in_turn(
        5,
        lambda: decide(recorded.book, [RULES]),
        lambda: audit(recorded, "v1"),
        lambda: [column.sum() for column in (*columns, *numbers)],
    )
    print(f"evaluation alone, {rows:,} decisions in memory, {len(RULES.rules)} rules")
    print(f"  one sum() over each of the {len(columns) + len(numbers)} columns it reads    1.0")
    print(f"  deciding again                                  {deciding / summing:.1f}  (aim: 4)")
    print(f"  deciding, comparing and looking ahead           {auditing / summing:.1f}")


def in_memory(rows: int) -> RecordedDecisions:
    """A year as it is read, without a database."""
    book = random_book(rows)
    made = made_outcome(decide(book, [RULES]), [RULES], book.policy)
    run_of = RecordedRun(
        id="r", environment="paper", account="demo", mode="live", dry_run=False, code_version="v1"
    )
    return RecordedDecisions(
        book=book,
        outcome=made,
        ids=np.zeros(rows, "S32"),
        positions=np.zeros(rows, "S12"),
        run=np.zeros(rows, np.int32),
        runs=[run_of],
        policies=[RecordedPolicy(hash=RULES.hash, text=RULES.canonical_json())],
    )


def print_memory(url: str, years: Sequence[int]) -> None:
    """The peak of a process that audits so many years, beside one that only imports."""
    idle, *peaks = (megabytes(url, number) for number in (0, *years))
    print("peak memory of the audit, a process of its own")
    for number, peak in zip(years, peaks, strict=True):
        print(f"  {number} years   {peak:,.0f} MB, of which {idle:,.0f} without any")


def megabytes(url: str, years: int) -> float:
    command = [sys.executable, "-m", "benchmarks.replay", url, str(years)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    return int(done.stdout) / 1_024


def peak_kilobytes() -> int:
    """The most memory that this process has had; of Linux, since elsewhere it is in other units."""
    # What getrusage tells begins with the memory of the process that started this one.
    told = Path("/proc/self/status").read_text(encoding="ascii")
    return int(told.partition("VmHWM:")[2].split()[0])


def main(years: int = 3) -> None:
    """Print the ratio, the evaluation alone, and the memory."""
    print_evaluation(SESSIONS * TICKS * POSITIONS)
    with tempfile.TemporaryDirectory(prefix="bench") as folder:
        url = start(Path(folder)).url("exit_pipeline")
        migrate(url)
        engine = make_engine(url)
        PostgresDatabase(engine).decisions.keep_policies({RULES.hash: RULES.canonical_json()})
        record_years(engine, 0, SESSIONS)
        print_ways(url)
        print_ratio(url)
        record_years(engine, SESSIONS, years * SESSIONS)
        engine.dispose()
        print_memory(url, (1, years))
        stop_if_last(Path(folder))


if __name__ == "__main__":
    if len(sys.argv) == 3:
        if int(sys.argv[2]):
            audit_years(sys.argv[1], int(sys.argv[2]))
        print(peak_kilobytes())
    else:
        main()
