"""Read one part of the recorded decisions: the rows, their runs and their policies."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from exit_pipeline.adapters.clients.binary_copy import CopiedRows, ReadRows
from exit_pipeline.adapters.clients.postgres_copy import copy_out
from exit_pipeline.adapters.clients.postgres_engine import run
from exit_pipeline.adapters.database.postgres.recorded_columns import (
    FAULTS,
    FIXED,
    OTHERS,
    book_of,
    foreign_words,
    outcome_of,
)
from exit_pipeline.core.model.book import BoolColumn
from exit_pipeline.core.model.outcome_columns import Codes
from exit_pipeline.core.model.recorded import (
    RecordedDecisions,
    RecordedPolicy,
    RecordedRange,
    RecordedRun,
)

_REASONING: Final[Mapping[str, str]] = {"reasoning": "d.reasoning::text"}

# The numbers of policies are those of one moment, and so are the policies that are read by them.
NUMBERED_POLICIES: Final = """
    SELECT hash, policy, row_number() OVER (ORDER BY hash COLLATE "C") AS code FROM policies
"""
_POLICIES: Final = f"LEFT JOIN ({NUMBERED_POLICIES}) p ON p.hash = d.policy_hash"

_FROM: Final = """
    FROM refactored_decisions d {joined}
    WHERE d.decided_at >= %(start)s AND d.decided_at < %(end)s {only}
"""

_OF_POSITIONS: Final = "AND d.position_id = ANY(%(positions)s)"

_RUNS: Final = "LEFT JOIN decision_runs r ON r.id = d.run_id"

_ONLY: Final[Mapping[str, str]] = {
    "environment": "AND r.environment = %(environment)s",
    "mode": "AND r.mode = %(mode)s",
    "dry_run": "AND coalesce(r.dry_run, false) = %(dry_run)s",
}


def moments(connection: Connection, asked: RecordedRange) -> list[tuple[datetime, int]]:
    """The times at which anything was decided in a range, and how many decisions each has."""
    query = f"SELECT d.decided_at, count(*) {from_range(asked)} GROUP BY 1 ORDER BY 1"
    found = connection.exec_driver_sql(query, values_of(asked))
    return [(row[0], row[1]) for row in found]


def read_part(
    connection: Connection,
    asked: RecordedRange,
    *,
    positions: Sequence[str] | None = None,
    with_reasoning: bool = False,
) -> RecordedDecisions:
    """The decisions of a range, those that can be made again, and how many can't.

    Args:
        connection: Within a transaction that sees one moment.
        asked: The range.
        positions: Only of these, and sorted by them first; None means all.
        with_reasoning: Also the sentences.
    """
    others = {**OTHERS, **(_REASONING if with_reasoning else {})}
    rows = _copied(connection, asked, positions, others)
    run_of_row, keys = _runs(rows.rows["run"])
    faults = rows.number("fault", np.int64)
    left_out = {FAULTS[number - 1]: count for number, count in _counts(faults[faults > 0])}
    for column, is_foreign in foreign_words(rows).items():
        lost = is_foreign & (faults == 0)
        faults[lost] = len(FAULTS) + 1
        left_out[f"{column} has a word that this version does not know"] = int(lost.sum())
    policy, policies = policies_of(connection, rows.number("policy", np.int64), faults == 0)
    found = RecordedDecisions(
        book=book_of(rows, policy),
        outcome=outcome_of(rows),
        ids=rows.text("id"),
        positions=rows.text("position_id"),
        run=run_of_row,
        runs=_read_runs(connection, keys),
        policies=policies,
        reasoning=_sentences(rows) if with_reasoning else None,
    )
    # To sort here is several times faster than to carry the whole rows through a sort over there.
    first = () if positions is None else (found.positions,)
    order = np.lexsort((found.ids, found.book.decided_at, *first))
    return replace(found.take(order[faults[order] == 0]), left_out=left_out)


def _copied(
    connection: Connection,
    asked: RecordedRange,
    positions: Sequence[str] | None,
    others: Mapping[str, str],
) -> ReadRows:
    columns = [*(sql for sql, _ in FIXED.values()), *others.values()]
    sink = CopiedRows({name: kind for name, (_, kind) in FIXED.items()}, tuple(others))
    query = f"SELECT {', '.join(columns)} {from_range(asked, _POLICIES)}"
    if positions is not None:
        query += _OF_POSITIONS
    copy_out(connection, query, sink, **values_of(asked), positions=positions)
    return sink.read()


def from_range(asked: RecordedRange, joined: str = "") -> str:
    """The rows of a range. A decision of no run is none of a dry run, environment or mode."""
    only = [clause for name, clause in _ONLY.items() if getattr(asked, name) is not None]
    return _FROM.format(joined=f"{_RUNS if only else ''} {joined}", only=" ".join(only))


def values_of(asked: RecordedRange) -> dict[str, Any]:
    """The values of its parameters."""
    return {name: getattr(asked, name) for name in ("start", "end", *_ONLY)}


def _counts(column: NDArray[np.int64]) -> list[tuple[int, int]]:
    values, counts = np.unique(column, return_counts=True)
    return list(zip(values.tolist(), counts.tolist(), strict=True))


def _runs(sent: NDArray[np.void]) -> tuple[Codes, list[str]]:
    """Each row's run as a code, and the keys by their codes; a run's rows mostly follow another."""
    halves = np.ascontiguousarray(sent).view(np.int64).reshape(-1, 2)
    begins = np.ones(len(halves), np.bool_)
    begins[1:] = (halves[1:] != halves[:-1]).any(axis=1)
    known: dict[bytes, int] = {}
    firsts = [known.setdefault(one.tobytes(), len(known)) for one in sent[begins]]
    of_row = np.array(firsts, np.int32)[np.cumsum(begins) - 1] if firsts else np.zeros(0, np.int32)
    return of_row, [str(UUID(bytes=key)) for key in known]


def policies_of(
    connection: Connection, numbers: NDArray[np.int64], is_needed: BoolColumn
) -> tuple[NDArray[np.int16], tuple[RecordedPolicy, ...]]:
    """Each row's policy as an index, and the policies; 0 in a row that needs none."""
    needed = np.unique(numbers[is_needed])
    rows = run(
        connection,
        f"""
        SELECT hash, CAST(policy AS text) AS text FROM ({NUMBERED_POLICIES}) p
        WHERE code = ANY(:codes) ORDER BY code
        """,  # noqa: S608 no value is in it
        codes=needed.tolist(),
    )
    policies = tuple(RecordedPolicy(**row._asdict()) for row in rows)
    index = np.searchsorted(needed, numbers)
    return np.where(is_needed, index, 0).astype(np.int16), policies


def _read_runs(connection: Connection, keys: Sequence[str]) -> tuple[RecordedRun, ...]:
    rows = run(
        connection,
        """
        SELECT k.id, coalesce(r.environment, '') AS environment, coalesce(r.account, '') AS account,
               coalesce(r.mode, '') AS mode, coalesce(r.dry_run, false) AS dry_run,
               coalesce(r.code_version, '') AS code_version
        FROM unnest(CAST(:keys AS uuid[])) WITH ORDINALITY AS k(id, number)
        LEFT JOIN decision_runs r ON r.id = k.id ORDER BY k.number
        """,
        keys=list(keys),
    )
    return tuple(RecordedRun(**row._asdict() | {"id": str(row.id)}) for row in rows)


def _sentences(rows: ReadRows) -> list[tuple[str, ...]]:
    texts = rows.texts("reasoning")
    return [tuple(json.loads(text)) if text else () for text in texts]
