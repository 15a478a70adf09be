"""Read one part of the recorded decisions: the rows, their runs and their policies."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
from exit_pipeline.core.model.instant import to_datetime
from exit_pipeline.core.model.recorded import (
    Codes,
    RecordedDecisions,
    RecordedPolicy,
    RecordedRange,
    RecordedRun,
)

_NO_RUN: Final = "'00000000-0000-0000-0000-000000000000'"
_REASONING: Final[Mapping[str, str]] = {"reasoning": "d.reasoning::text"}

# The numbers of policies are those of one moment, and so are the policies that are read by them.
_NUMBERED: Final = """
    SELECT hash, policy, row_number() OVER (ORDER BY hash COLLATE "C") AS code FROM policies
"""

_ROWS: Final = f"""
    SELECT {{columns}}
    FROM refactored_decisions d
    LEFT JOIN decision_runs r ON r.id = d.run_id
    LEFT JOIN ({_NUMBERED}) p ON p.hash = d.policy_hash
    WHERE d.decided_at >= %(start)s AND d.decided_at < %(end)s {{only}}
    ORDER BY d.decided_at, coalesce(d.run_id, {_NO_RUN}), d.id COLLATE "C"
    LIMIT %(chunk)s
"""  # noqa: S608 the columns are those of a table of this program

_ONLY: Final[Mapping[str, str]] = {
    "environment": "AND r.environment = %(environment)s",
    "mode": "AND r.mode = %(mode)s",
    "dry_run": "AND r.dry_run = %(dry_run)s",
}

_AFTER: Final = f"""
    AND (d.decided_at, coalesce(d.run_id, {_NO_RUN}), d.id COLLATE "C")
      > (%(after)s, %(after_run)s::uuid, %(after_id)s)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a part ends: time, run and id of its last row."""

    after: Any
    after_run: str
    after_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part.

    Attributes:
        decisions: Those that can be made again, and how many can't.
        rows: All of them.
        last: Where the part ends; None where it is empty.
    """

    decisions: RecordedDecisions
    rows: int
    last: Place | None


def read_part(
    connection: Connection,
    asked: RecordedRange,
    chunk: int,
    after: Place | None,
    *,
    with_reasoning: bool,
) -> Part:
    """The next rows of a range.

    Args:
        connection: Within a transaction that sees one moment.
        asked: The range.
        chunk: How many rows at most.
        after: Where the part before ended; None for the first.
        with_reasoning: Also the sentences.
    """
    rows = _copied(
        connection, asked, chunk, after, {**OTHERS, **(_REASONING if with_reasoning else {})}
    )
    run_of_row, keys = _runs(rows.rows["run"])
    faults = rows.number("fault", np.int64)
    left_out = {FAULTS[number - 1]: count for number, count in _counts(faults[faults > 0])}
    for column, is_foreign in foreign_words(rows).items():
        lost = is_foreign & (faults == 0)
        faults[lost] = len(FAULTS) + 1
        left_out[f"{column} has a word that this version does not know"] = int(lost.sum())
    policy, policies = _policies(connection, rows.number("policy", np.int64), faults == 0)
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
    last = _place(found, keys) if len(found) else None
    kept = found if not faults.any() else found.take(faults == 0)
    return Part(decisions=replace(kept, left_out=left_out), rows=len(found), last=last)


def _copied(
    connection: Connection,
    asked: RecordedRange,
    chunk: int,
    after: Place | None,
    others: Mapping[str, str],
) -> ReadRows:
    values = {name: getattr(asked, name) for name in _ONLY}
    only = [clause for name, clause in _ONLY.items() if values[name] is not None]
    values |= {"start": asked.start, "end": asked.end, "chunk": chunk}
    if after is not None:
        only.append(_AFTER)
        # The rows before are no more than those of one moment, so that no index is needed.
        values |= {"start": after.after, "after": after.after, "after_run": after.after_run,
                   "after_id": after.after_id}  # fmt: skip
    columns = [*(sql for sql, _ in FIXED.values()), *others.values()]
    sink = CopiedRows({name: kind for name, (_, kind) in FIXED.items()}, tuple(others))
    query = _ROWS.format(columns=", ".join(columns), only=" ".join(only))
    copy_out(connection, query, sink, **values)
    return sink.read()


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


def _policies(
    connection: Connection, numbers: NDArray[np.int64], is_needed: BoolColumn
) -> tuple[NDArray[np.int16], tuple[RecordedPolicy, ...]]:
    """Each row's policy as an index, and the policies; 0 in a row that needs none."""
    needed = np.unique(numbers[is_needed])
    rows = run(
        connection,
        f"""
        SELECT hash, CAST(policy AS text) AS text FROM ({_NUMBERED}) p
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


def _place(found: RecordedDecisions, keys: Sequence[str]) -> Place:
    return Place(
        after=to_datetime(int(found.book.decided_at[-1])),
        after_run=keys[found.run[-1]],
        after_id=found.ids[-1].decode(),
    )
