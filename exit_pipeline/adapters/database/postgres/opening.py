"""The opening of a tick's runs, and the leases that keep two runs off one account.

Locks are always taken in the same order, leases by environment and account before run rows, so
that opening and closing never wait for each other in a circle. Leases are judged by the database's
``clock_timestamp()``: ``now()`` is when the transaction began, which may be long before a lock that
it waited for became free.
"""

from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row

from exit_pipeline.adapters.clients.postgres_engine import run
from exit_pipeline.core.model.record import RunHandle, RunStatus, TickIdentity

_NEW_YORK: Final = ZoneInfo("America/New_York")

_OF_NOW: Final = frozenset({"paper", "live"})
"""Environments whose ticks are of the present, unlike those of tapes and samples."""


@dataclass(frozen=True, slots=True)
class Opening:
    """The opening of one tick's runs, inside one transaction."""

    connection: Connection
    tick: TickIdentity
    holder: str
    code_version: str
    lease: timedelta

    def open(self, account: str) -> RunHandle:
        """Open the run of one account, or say why it may not be worked."""
        # The lease's row first, so that two openings of one account are one after the other.
        other = None if self.tick.dry_run else self._lock_lease(account)
        earlier = self._earlier(account)
        if earlier is not None and earlier.status == RunStatus.SUCCEEDED:
            reason = self._already_worked(earlier.finished_at)
            return RunHandle(
                run_id=earlier.id, account=account, status=RunStatus.SUCCEEDED, reason=reason
            )
        if self.tick.dry_run:
            return self._begin(account)
        held = f"account {account} is being worked by run {other}" if other else None
        late = self._superseded(account)
        # The books of now may be brought up to date by any tick of now; a replayed one looks back.
        may_reconcile = late is not None and self.tick.mode == "live"
        refusal = held or self._in_the_future() or (None if may_reconcile else late)
        if refusal:
            run_id = earlier.id if earlier is not None else self._skip(account, refusal)
            return RunHandle(
                run_id=run_id,
                account=account,
                status=RunStatus.SKIPPED,
                reason=refusal,
                held_by=other,
            )
        fence = self._take_lease(account)
        return replace(
            self._begin(account), reason=late or "", is_superseded=late is not None, fence=fence
        )

    def _begin(self, account: str) -> RunHandle:
        return RunHandle(run_id=self._start(account), account=account, status=RunStatus.STARTED)

    def _lock_lease(self, account: str) -> str | None:
        """Lock the account's lease; who holds it, if somebody else does."""
        found = self._run(
            """
            INSERT INTO account_leases AS l (environment, account, holder, fence, expires_at)
            VALUES (:environment, :account, '', 0, '-infinity')
            ON CONFLICT (environment, account) DO UPDATE SET holder = l.holder
            RETURNING CASE WHEN l.expires_at > clock_timestamp() AND l.holder <> :holder
                      THEN l.holder END
            """,
            account,
        )
        holder: str | None = found.scalar_one()
        return holder

    def _earlier(self, account: str) -> Row[Any] | None:
        found: Row[Any] | None = self._run(
            """
            SELECT CAST(id AS text) AS id, status, finished_at FROM decision_runs
            WHERE environment = :environment AND account = :account AND tick_at = :tick_at
              AND mode = :mode AND dry_run = :dry_run AND request_id = :request_id
            """,
            account,
        ).one_or_none()
        return found

    def _in_the_future(self) -> str | None:
        """Why a tick that is not due yet is not worked: every real one until then would be late."""
        if self.tick.environment not in _OF_NOW:
            return None
        statement = "SELECT :tick_at > clock_timestamp() + interval '5 minutes'"
        if not self._run(statement, "").scalar_one():
            return None
        return f"{self._clock(self.tick.tick_at)} is in the future; only a dry run may look there"

    def _superseded(self, account: str) -> str | None:
        newest: datetime | None = self._run(
            """
            SELECT max(tick_at) FROM decision_runs
            WHERE environment = :environment AND account = :account AND tick_at > :tick_at
              AND NOT dry_run AND request_id = '' AND status = 'SUCCEEDED'
            """,
            account,
        ).scalar_one()
        if newest is None:
            return None
        return f"account {account} was already worked for {self._clock(newest)}, which is later"

    def _already_worked(self, finished_at: datetime) -> str:
        return f"this tick was already worked at {self._clock(finished_at, '%H:%M:%S')}"

    def _clock(self, at: datetime, clock: str = "%H:%M") -> str:
        """A time in New York, with the date where it is not the tick's."""
        there, here = at.astimezone(_NEW_YORK), self.tick.tick_at.astimezone(_NEW_YORK)
        return there.strftime(clock if there.date() == here.date() else f"%Y-%m-%d {clock}")

    def _take_lease(self, account: str) -> int:
        """Take the account; the number that tells this holder from every earlier one."""
        found = self._run(
            """
            UPDATE account_leases
            SET fence = fence + CASE WHEN holder = :holder AND expires_at > clock_timestamp()
                                THEN 0 ELSE 1 END,
                holder = :holder, expires_at = clock_timestamp() + :lease
            WHERE environment = :environment AND account = :account
            RETURNING fence
            """,
            account,
            lease=self.lease,
        )
        fence: int = found.scalar_one()
        return fence

    def _start(self, account: str) -> str:
        """The run's row, new or continued."""
        return self._insert(
            account,
            "'STARTED', '', NULL",
            """
            (environment, account, tick_at, mode, dry_run, request_id) DO UPDATE
            SET broker = excluded.broker, code_version = excluded.code_version,
                status = excluded.status, status_reason = '', started_at = now(),
                finished_at = NULL, dagster_run_id = excluded.dagster_run_id
            """,
        )

    def _skip(self, account: str, reason: str) -> str:
        return self._insert(account, "'SKIPPED', :reason, now()", "DO NOTHING", reason=reason)

    def _insert(self, account: str, state: str, on_conflict: str, **values: Any) -> str:
        found = self._run(
            f"""
            INSERT INTO decision_runs (account, tick_at, mode, dry_run, request_id, broker,
                environment, code_version, dagster_run_id, status, status_reason, finished_at)
            VALUES (:account, :tick_at, :mode, :dry_run, :request_id, :broker,
                    :environment, :code_version, :holder, {state})
            ON CONFLICT {on_conflict}
            RETURNING CAST(id AS text)
            """,  # noqa: S608 both parts are this module's own text
            account,
            code_version=self.code_version,
            **values,
        )
        return str(found.scalar_one())

    def _run(self, statement: str, account: str, **values: Any) -> Any:
        named = {**asdict(self.tick), "account": account, "holder": self.holder, **values}
        return run(self.connection, statement, **named)
