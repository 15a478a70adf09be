"""An engine's database sessions, and what goes wrong with them."""

from collections.abc import Callable
from typing import Any, Final

import psycopg2
from psycopg2 import errors
from sqlalchemy import Engine, event
from sqlalchemy.exc import OperationalError

from exit_pipeline_tests.simulation.faults import Planned

AT_COMMIT: Final = frozenset({"commit_unseen", "killed_before_commit"})
_UNSEEN: Final = ("COMMIT", psycopg2.OperationalError("server closed the connection"))
_ERRORS: Final = {
    "deadlock": errors.DeadlockDetected,
    "serialization_failure": errors.SerializationFailure,
    "lock_timeout": errors.LockNotAvailable,
}


class SessionFaults:
    """Database faults that wait for a COMMIT or a statement.

    Args:
        on_strike: Told of each fault that strikes.
    """

    def __init__(self, on_strike: Callable[[Planned], None]) -> None:
        self._on_strike = on_strike
        self._armed: list[tuple[Planned, list[int]]] = []

    def arm(self, planned: Planned) -> None:
        most = 25 if planned.kind.what in AT_COMMIT else 60
        self._armed.append((planned, [planned.pick % most]))

    def disarm(self) -> None:
        self._armed.clear()

    def take(self, *, at_commit: bool) -> str:
        """What strikes now; empty where nothing does."""
        for number, (planned, waits) in enumerate(self._armed):
            if (planned.kind.what in AT_COMMIT) != at_commit:
                continue
            if waits[0]:
                waits[0] -= 1
                continue
            del self._armed[number]
            self._on_strike(planned)
            return planned.kind.what
        return ""


class Sessions:
    """Watches a pool's sessions, and strikes them.

    Args:
        pool: The engine's pool of connections.
        faults: What waits to strike.
        gate: Called with ``before_commit`` before each COMMIT, and with nothing before each
            transaction; raises where the engine is dead.
        end: Ends sessions of the server by their process ids.
        on_begin: Called before each transaction.
    """

    def __init__(
        self,
        pool: Engine,
        faults: SessionFaults,
        gate: Callable[[str], None],
        end: Callable[[list[int]], None],
        on_begin: Callable[[], None],
    ) -> None:
        self.pids: list[int] = []
        self._pool = pool
        self._faults = faults
        self._gate = gate
        self._end_sessions = end
        self._ping(on=False)
        self._on_begin = on_begin
        event.listen(pool, "connect", self._connected)
        event.listen(pool, "begin", self._begun)
        event.listen(pool, "commit", self._committing)
        event.listen(pool, "before_cursor_execute", self._executing)

    def end(self, pids: list[int]) -> None:
        """End some of the sessions."""
        self._ping(on=True)
        self._end_sessions(pids)

    def _ping(self, *, on: bool) -> None:
        """Whether a session is tried before each use, a third of all that goes to the server.

        It makes no difference as long as every session is there.
        """
        self._pool.pool._pre_ping = on

    def _connected(self, connection: Any, _record: Any) -> None:
        self.pids.append(connection.get_backend_pid())

    def _begun(self, _connection: Any) -> None:
        self._on_begin()

    def _committing(self, connection: Any) -> None:
        driver = connection.connection.dbapi_connection
        self._gate("before_commit")
        struck = self._faults.take(at_commit=True)
        if struck == "commit_unseen":
            driver.commit()
            self.end([driver.get_backend_pid()])
            raise _failed(*_UNSEEN)
        if struck:
            self.end([driver.get_backend_pid()])

    def _executing(self, connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        struck = self._faults.take(at_commit=False)
        if struck == "killed_in_statement":
            self.end([connection.connection.dbapi_connection.get_backend_pid()])
        elif struck:
            raise _failed(statement, _ERRORS[struck](struck.replace("_", " ")))


def _failed(statement: str, error: psycopg2.Error) -> OperationalError:
    return OperationalError(statement, {}, error)
