"""Recorded decisions in bulk, and what is kept of replays."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine

from exit_pipeline.adapters.clients.postgres_engine import run, transaction
from exit_pipeline.adapters.database.postgres.recorded_parts import moments, read_part
from exit_pipeline.adapters.database.postgres.recorded_positions import positions_of, shadows_of
from exit_pipeline.adapters.database.postgres.replay_rows import ReplayRows
from exit_pipeline.core.model.instant import MICROSECOND
from exit_pipeline.core.model.recorded import (
    RecordedDecisions,
    RecordedPosition,
    RecordedRange,
    RecordedShadows,
)
from exit_pipeline.core.model.replayed import ReplayedDay, ReplayedTick, ReplayKey, ReplayKind

_PATIENCE: Final = "10min"
"""What a statement of a replay may take, what may pass between two, and for how long it waits for
another replay of the same day: it holds nothing that a tick waits for, while a disk that is asked
for a year may be slow."""

_LIMITS: Final = ("statement_timeout", "idle_in_transaction_session_timeout", "lock_timeout")

# Decisions, runs and policies of one moment.
_ONE_MOMENT: Final = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"

_UNTIMED: Final = """
    SELECT CAST(CAST(d.created_at AS timestamptz) AT TIME ZONE :zone AS date) AS day,
           count(*) AS decisions
    FROM refactored_decisions d LEFT JOIN decision_runs r ON r.id = d.run_id
    WHERE d.decided_at IS NULL AND CAST(d.created_at AS timestamptz) >= :start
      AND CAST(d.created_at AS timestamptz) < :end
      AND (CAST(:environment AS text) IS NULL OR r.environment = :environment)
      AND (CAST(:mode AS text) IS NULL OR r.mode = :mode)
      AND (CAST(:dry_run AS boolean) IS NULL OR coalesce(r.dry_run, false) = :dry_run)
    GROUP BY 1
"""

_DAYS: Final = """
    SELECT * FROM replay_days
    WHERE kind = :kind AND label = :label AND trading_day BETWEEN :first AND :last
    ORDER BY trading_day
"""

_TICKS: Final = """
    SELECT decided_at AS at,
           count(*) FILTER (WHERE decision = 'EXIT') AS exits,
           count(*) FILTER (WHERE decision = 'HOLD') AS holds,
           count(*) FILTER (WHERE NOT same) AS differing
    FROM decision_replays
    WHERE trading_day = :trading_day AND kind = :kind AND label = :label
    GROUP BY 1 ORDER BY 1
"""


class PostgresReplays:
    """The ``ReplayStore`` in ``refactored_decisions``, ``decision_replays`` and ``replay_days``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def recorded(
        self, asked: RecordedRange, chunk: int, *, with_reasoning: bool = False
    ) -> Iterator[RecordedDecisions]:
        """Recorded decisions by time and id; see ``ReplayStore.recorded``."""
        with self._patiently() as connection:
            times = moments(connection, asked)
        for start, end in _spans(times, chunk):
            with self._patiently() as connection:
                run(connection, _ONE_MOMENT)
                part = replace(asked, start=start, end=end)
                yield read_part(connection, part, with_reasoning=with_reasoning)

    def positions(self, asked: RecordedRange) -> Sequence[RecordedPosition]:
        """The positions on which anything was decided in a range, by the first time and id."""
        with self._patiently() as connection:
            return positions_of(connection, asked)

    def recorded_of(self, asked: RecordedRange, positions: Sequence[str]) -> RecordedDecisions:
        """Recorded decisions of some positions, by position, time and id."""
        with self._patiently() as connection:
            run(connection, _ONE_MOMENT)
            return read_part(connection, asked, positions=list(positions))

    def shadows_of(self, asked: RecordedRange, positions: Sequence[str]) -> RecordedShadows:
        """What shadow policies decided on some positions, by name, position and time."""
        with self._patiently() as connection:
            run(connection, _ONE_MOMENT)
            return shadows_of(connection, asked, positions)

    def untimed(self, asked: RecordedRange, zone: ZoneInfo) -> Mapping[date, int]:
        """Decisions without a time of their own, by the day of their making."""
        with self._patiently() as connection:
            rows = run(
                connection,
                _UNTIMED,
                zone=zone.key,
                start=asked.start,
                end=asked.end,
                environment=asked.environment,
                mode=asked.mode,
                dry_run=asked.dry_run,
            )
            return {row.day: row.decisions for row in rows}

    @contextmanager
    def replacing(self, key: ReplayKey) -> Iterator[ReplayRows]:
        """Replace the replay of a day as a whole; see ``ReplayStore.replacing``."""
        with self._patiently() as connection:
            writer = ReplayRows(connection, key)
            writer.clear()
            yield writer

    def days(self, kind: ReplayKind, label: str, first: date, last: date) -> Sequence[ReplayedDay]:
        """The replays of a kind and label that are kept of these days, by day."""
        with transaction(self._engine) as connection:
            rows = run(connection, _DAYS, kind=kind, label=label, first=first, last=last)
            return [_day(row._asdict()) for row in rows]

    def ticks(self, key: ReplayKey) -> Sequence[ReplayedTick]:
        """The replay of a day that is kept, counted by time."""
        with transaction(self._engine) as connection:
            rows = run(
                connection, _TICKS, trading_day=key.trading_day, kind=key.kind, label=key.label
            )
            return [ReplayedTick(**row._asdict()) for row in rows]

    @contextmanager
    def _patiently(self) -> Iterator[Connection]:
        with transaction(self._engine) as connection:
            run(connection, "; ".join(f"SET LOCAL {limit} = '{_PATIENCE}'" for limit in _LIMITS))
            yield connection


def _spans(
    times: Sequence[tuple[datetime, int]], chunk: int
) -> Iterator[tuple[datetime, datetime]]:
    """Spans of at most so many decisions, where no single time has more."""
    held, start = 0, None
    for at, count in times:
        if start is not None and held + count > chunk:
            yield start, at
            held, start = 0, None
        held, start = held + count, start or at
    if start is not None:
        yield start, times[-1][0] + MICROSECOND


def _day(row: dict[str, Any]) -> ReplayedDay:
    key = ReplayKey(
        trading_day=row.pop("trading_day"), kind=ReplayKind(row.pop("kind")), label=row.pop("label")
    )
    return ReplayedDay(key=key, **row)
