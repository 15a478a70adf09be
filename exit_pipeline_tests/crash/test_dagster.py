"""The whole stack, killed while a run is in the middle of an op, and started again.

A run is stopped where it is by a lock on the table that it is about to write to. ``make crash``
kills it at every table, with and without a tick in the queue behind it.
"""

import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from exit_pipeline.defs.launch import built
from exit_pipeline.defs.resources import resources
from exit_pipeline.sample.demo import demo_book
from exit_pipeline.services.import_book import import_book
from exit_pipeline.settings import Settings
from exit_pipeline_tests.crash.books import IN_DOUBT, rows
from exit_pipeline_tests.crash.stack import Stack
from exit_pipeline_tests.desk import TUESDAY
from exit_pipeline_tests.fakes import new_york

# Dagster, making resources, calls what it has itself deprecated.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:dagster")

NOON = new_york(TUESDAY, 12)
LONGER_THAN_ANY_RUN = timedelta(minutes=5)
IN_THE_FIRST_OP = ("account_leases", "paper.orders", "adapter_logs")
TABLES = (
    "paper.fills", "orders", "order_events", "trades", "refactored_positions",
    "refactored_decisions", "refactored_context_snapshots", *IN_THE_FIRST_OP,
)  # fmt: skip
"""What a run writes to: in execute (the first four: while it is sent, before, at the first change
of its state, when it is booked), before that, and in fetch_positions."""

EVERY_CASE = [(table, is_queued) for is_queued in (True, False) for table in TABLES]
CASES = EVERY_CASE if os.environ.get("CRASH_RUNS") == "all" else EVERY_CASE[:1]


@dataclass(frozen=True)
class Place:
    """A stack over a book of twelve positions, and a connection to its database."""

    stack: Stack
    connection: Any

    def launch(self, at: datetime) -> str:
        """Launch a tick that is to close everything."""
        return self.stack.launch(as_of=at.isoformat(), force_close=True)

    def killed_at(self, table: str, *, is_queued: bool) -> tuple[str, list[str]]:
        """Kill the stack with a run that is about to write to a table; that run, and those queued.

        Afterwards it is later, for the leases and for Dagster too.
        """
        with closing(psycopg2.connect(self.connection.dsn)) as blocking:
            with blocking.cursor() as cursor:
                cursor.execute(f"LOCK TABLE {table} IN EXCLUSIVE MODE")
                run = self.launch(NOON)
                self._wait_until_blocked(run)
                behind = [self.launch(NOON + timedelta(minutes=5))] if is_queued else []
                self.stack.kill()
            blocking.rollback()
        with self.connection.cursor() as cursor:
            cursor.execute(
                "UPDATE account_leases SET expires_at = expires_at - %s", [LONGER_THAN_ANY_RUN]
            )
            cursor.execute(
                "UPDATE dagster.runs SET start_time = start_time - %s WHERE run_id = %s",
                [LONGER_THAN_ANY_RUN.total_seconds(), run],
            )
        return run, behind

    def _wait_until_blocked(self, run: str) -> None:
        query = (
            "SELECT count(*), pg_sleep(0.05) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            " AND application_name = 'exit-pipeline'"
        )
        while not rows(self.connection, query)[0]["count"]:
            assert self.stack.status(run) not in {"SUCCESS", "FAILURE"}, self.stack.said

    def wrongs(self) -> list[str]:
        """Where the books are not the paper broker's, or something is left in doubt."""
        return [
            str(wrong)
            for query in (
                # An order of the broker's without a row of ours, or with other fills.
                "SELECT p.client_order_id, p.filled_quantity, o.filled_quantity AS booked"
                " FROM paper.orders p LEFT JOIN orders o USING (client_order_id)"
                " WHERE o.id IS NULL OR o.filled_quantity <> p.filled_quantity",
                # More sold than was held.
                "SELECT o.refactored_position_id, sum(p.filled_quantity) FROM paper.orders p"
                " JOIN orders o USING (client_order_id)"
                " JOIN refactored_positions h ON h.id = o.refactored_position_id"
                " GROUP BY 1, h.quantity HAVING sum(p.filled_quantity) > h.quantity",
                # Not as much open as the broker holds.
                "SELECT coalesce(h.option_symbol, p.symbol), h.open, p.quantity FROM ("
                "  SELECT option_symbol, sum(CASE side WHEN 'LONG' THEN 1 ELSE -1 END"
                "    * open_quantity) AS open FROM refactored_positions GROUP BY 1) h"
                " FULL JOIN paper.positions p ON p.symbol = h.option_symbol"
                " WHERE coalesce(h.open, 0) <> coalesce(p.quantity, 0)",
                "SELECT client_order_id, status FROM orders"
                f" WHERE status IN ({', '.join(repr(one) for one in sorted(IN_DOUBT))})",
                "SELECT state FROM trading_control WHERE state <> 'ACTIVE'",
            )
            for wrong in rows(self.connection, query)
        ]

    def orders_of(self, run: str) -> int:
        """How many orders execute a decision of a run."""
        query = (
            "SELECT count(*) FROM orders o JOIN decision_runs r ON r.id = o.run_id"
            f" WHERE r.dagster_run_id = '{run}'"
        )
        return int(rows(self.connection, query)[0]["count"])

    def open_positions(self) -> int:
        found = rows(
            self.connection, "SELECT count(*) FROM refactored_positions WHERE status = 'OPEN'"
        )
        return int(found[0]["count"])


@pytest.fixture
def place(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    environ = {
        # The test's lock is held until the stack is dead, however long that takes here.
        "DATABASE_URL": f"{database_url}&options=-c%20lock_timeout%3D0",
        "EXIT_BROKER": "paper",
        "EXIT_BROKER_ENV": "paper",
        "EXIT_MARKET_DATA": "simulated",
        "EXIT_WORKER_ENABLED": "false",
    }
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    with built(resources(Settings.from_env(), at=NOON.isoformat())) as parts:
        book = demo_book(parts.market_data, NOON)
        import_book(book, broker=parts.broker, database=parts.database)
    stack = Stack(tmp_path, environ)
    with closing(psycopg2.connect(database_url)) as connection:
        connection.autocommit = True
        stack.start()
        yield Place(stack, connection)
        stack.stop()


@pytest.mark.parametrize(("table", "is_queued"), CASES)
def test_a_stack_that_is_killed_in_the_middle_of_a_run_leaves_nothing_blocked_or_doubled(
    place: Place, table: str, is_queued: bool
) -> None:
    killed, queued = place.killed_at(table, is_queued=is_queued)
    place.stack.start()
    assert f"Run {killed} was left behind" in place.stack.said
    assert place.stack.status(killed) == "FAILURE"
    assert [place.stack.ended(run) for run in queued] == ["SUCCESS"] * len(queued)
    before = place.orders_of(killed)
    again = place.stack.execute_again(killed)
    # With an op behind it there is nothing to continue with; before, all of it is done anew.
    assert again != "SUCCESS" or table in IN_THE_FIRST_OP
    assert place.orders_of(killed) == before
    for minutes in (10, 15):
        later = place.launch(NOON + timedelta(minutes=minutes))
        assert place.stack.ended(later) == "SUCCESS"
    assert place.wrongs() == []
    assert place.open_positions() == 0
