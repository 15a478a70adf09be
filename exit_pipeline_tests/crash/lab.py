"""One crash run: ticks in processes that die, at a broker and with books that outlive them."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import uuid4

import psycopg2

from exit_pipeline.adapters.clients.postgres_engine import make_engine
from exit_pipeline.adapters.database.postgres.database import PostgresDatabase
from exit_pipeline.core.model.exit_request import ExitRequest
from exit_pipeline_tests.crash.alpaca_desk import open_alpaca
from exit_pipeline_tests.crash.books import Books, look
from exit_pipeline_tests.crash.desks import Desk
from exit_pipeline_tests.crash.paper_desk import open_paper
from exit_pipeline_tests.crash.scenarios import SCENARIOS, Scenario, Step
from exit_pipeline_tests.crash.tradier_desk import open_tradier
from exit_pipeline_tests.desk import MORNING
from exit_pipeline_tests.fakes import NEW_YORK, new_york

OPENED_BY: Final[Mapping[str, Callable[[str], AbstractContextManager[Desk]]]] = {
    "alpaca": open_alpaca,
    "tradier": open_tradier,
    "paper": open_paper,
}

PATIENCE: Final = 6
"""Ticks after the story's last one, and after the last kill, within which all is quiet again."""

LEASE_IS_OVER: Final = timedelta(seconds=241)


@dataclass(frozen=True, order=True)
class Kill:
    """Where a process is killed: a point, and the how-manieth passing of it from here on."""

    point: str
    times: int = 1


@dataclass(frozen=True, kw_only=True)
class Case:
    """A scenario at a broker, with the kills one after the other.

    Attributes:
        again: A killed tick is launched again once its lease has passed; otherwise the next
            scheduled one is the first to come.
    """

    scenario: str
    broker: str
    kills: tuple[Kill, ...] = ()
    again: bool = False

    def __str__(self) -> str:
        kills = " then ".join(f"{kill.point} {kill.times}" for kill in self.kills)
        end = ", launched again" if self.again else ""
        return f"{self.scenario}, {self.broker}, {kills or 'nothing killed'}{end}"


@dataclass
class Outcome:
    """What came of a case.

    Attributes:
        killed: The kills that happened, in order.
        ticks: Launches, the killed ones too.
        cost: Ticks more than the story has.
        wrongs: What must not be, with the tick.
        passed: How often each point was passed by the ticks that lived.
    """

    case: Case
    killed: list[str] = field(default_factory=list)
    ticks: int = 0
    cost: int = 0
    wrongs: list[str] = field(default_factory=list)
    passed: list[dict[str, int]] = field(default_factory=list)


class Forks:
    """The runner, which imports everything once and forks for each tick."""

    def __init__(self) -> None:
        # One thread: a process that is forked must have no other.
        environ = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "exit_pipeline_tests.crash.runner"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environ,
        )

    def tick(self, order: dict[str, Any]) -> dict[str, Any]:
        """Run one tick and wait for its end, whichever it is."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        """Let it end."""
        with self._process as process:
            assert process.stdin is not None
            process.stdin.close()


@contextmanager
def forks() -> Iterator[Forks]:
    """A runner for as long as it is entered."""
    runner = Forks()
    yield runner
    runner.close()


def run_case(case: Case, runner: Forks, database_url: str) -> Outcome:
    """Run a case on a database of its own, until all is quiet or patience is over."""
    with (
        OPENED_BY[case.broker](database_url) as desk,
        closing(psycopg2.connect(database_url)) as connection,
    ):
        connection.autocommit = True
        for name, held in SCENARIOS[case.scenario].held.items():
            desk.hold(name, held)
        _ask(SCENARIOS[case.scenario], database_url)
        return _Run(case, runner, database_url, desk, connection).run()


class _Run:
    """A case while it is run."""

    def __init__(
        self, case: Case, runner: Forks, database_url: str, desk: Desk, connection: Any
    ) -> None:
        self.scenario = SCENARIOS[case.scenario]
        self.outcome = Outcome(case)
        self.case, self.desk = case, desk
        self._runner, self._url, self._connection = runner, database_url, connection
        self._kills = list(case.kills)

    def run(self) -> Outcome:
        number, last = 0, len(self.scenario.steps) - 1
        until = last + PATIENCE
        while True:
            step, at = self.scenario.step(number)
            self._prepare(step, at)
            if self._tick(step, at, at):
                until = max(until, number + PATIENCE)
                if self.case.again:
                    self._prepare_again(at)
                    self._tick(step, at, at + LEASE_IS_OVER)
            books = look(self.scenario, self.desk, self._connection)
            self.outcome.wrongs += [f"tick {number + 1}: {wrong}" for wrong in books.wrongs()]
            is_done = number >= last and not self._is_due() and books.is_quiet()
            if is_done or number >= until or self.outcome.wrongs:
                return self._end(books, number - last, is_done=is_done)
            number += 1

    def _is_due(self) -> bool:
        return bool(self._kills) and not self.outcome.killed

    def _end(self, books: Books, more: int, *, is_done: bool) -> Outcome:
        self.outcome.cost = max(more, 0)
        if is_done:
            self.outcome.wrongs += books.differences()
        elif not self.outcome.wrongs and self._is_due():
            self.outcome.wrongs.append(f"{self._kills[0].point} was never reached")
        elif not self.outcome.wrongs:
            orders = ", ".join(f"{r['client_order_id'][-2:]} {r['status']}" for r in books.rows)
            said = "; ".join(f"{severity} {cause} {s}" for s, cause, severity in books.alerts)
            self.outcome.wrongs.append(f"not quiet after {PATIENCE} ticks: {orders} ({said})")
        return self.outcome

    def _prepare(self, step: Step, at: datetime) -> None:
        """Let five minutes pass, for the lease too, which the database's clock judges."""
        self._pass(max(at - self.desk.clock.at, timedelta(0)))
        self.desk.clock.at = at
        self.desk.trade_at(step)
        for event in step.events:
            getattr(self.desk, event)()

    def _prepare_again(self, at: datetime) -> None:
        self._pass(LEASE_IS_OVER)
        self.desk.clock.at = at + LEASE_IS_OVER

    def _pass(self, elapsed: timedelta) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(
                "UPDATE account_leases SET expires_at = expires_at - %s WHERE expires_at > now()",
                [elapsed],
            )

    def _tick(self, step: Step, tick_at: datetime, now: datetime) -> bool:
        """Launch a tick; whether it was killed."""
        self.outcome.ticks += 1
        kill = self._kills[0] if self._kills else None
        said = self._runner.tick({
            "database_url": self._url,
            "broker": self.desk.name,
            "environ": self.desk.environ,
            "tick_at": tick_at.isoformat(),
            "now": now.isoformat(),
            "run_key": f"run-{self.outcome.ticks}",
            "crash_at": f"{kill.point} {kill.times}" if kill else "",
            "quoted_at": _quoted_at(now).isoformat(),
            "share": self.scenario.share,
            "market": dict(step.market),
            "exchange": dict(step.exchange or step.market),
            "size": step.size,
        })  # fmt: skip
        if said["error"]:
            self.outcome.wrongs.append(f"tick at {now:%H:%M} failed: {said['error']}")
        if said["killed"]:
            assert kill is not None
            self.desk.drain()
            self._wait_for_backends()
            self.outcome.killed.append(self._kills.pop(0).point)
        else:
            self.outcome.passed.append(said["passed"])
            if kill:
                self._kills[0] = Kill(kill.point, kill.times - said["passed"].get(kill.point, 0))
        return bool(said["killed"])

    def _wait_for_backends(self) -> None:
        """Until the server has noticed that the dead process is gone: its locks end with that."""
        with self._connection.cursor() as cursor:
            while True:
                cursor.execute(
                    "SELECT count(*), pg_sleep(0.002) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                    " AND application_name = 'exit-pipeline'"
                )
                if cursor.fetchone()[0] == 0:
                    return


def _ask(scenario: Scenario, database_url: str) -> None:
    engine = make_engine(database_url)
    requests = [
        ExitRequest(
            id=str(uuid4()),
            position_id=name,
            reason="the crash runs want it",
            requested_by="a person",
            requested_at=MORNING,
            expires_at=MORNING + timedelta(hours=1),
        )
        for name in scenario.asked_for
    ]
    requests += [
        ExitRequest(
            id=str(uuid4()),
            position_id=name,
            reason="the crash runs wanted it",
            requested_by="a person",
            requested_at=MORNING - timedelta(hours=1),
            expires_at=MORNING - timedelta(minutes=30),
        )
        for name in scenario.asked_in_vain
    ]
    PostgresDatabase(engine).exit_requests.add(requests)
    engine.dispose()


def passings(outcome: Outcome) -> Counter[str]:
    """How often a run that nothing killed passed each point."""
    total: Counter[str] = Counter()
    for passed in outcome.passed:
        total.update(passed)
    return total


def _quoted_at(now: datetime) -> datetime:
    """The newest price is of now, or of the last minute of a session that is over."""
    close = new_york(now.astimezone(NEW_YORK).date(), 15, 59)
    return min(now, close)
