"""What is read of recorded decisions position by position."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from sqlalchemy import Connection

from exit_pipeline.adapters.clients.binary_copy import CopiedRows
from exit_pipeline.adapters.clients.postgres_copy import copy_out
from exit_pipeline.adapters.database.postgres.recorded_columns import word_code
from exit_pipeline.adapters.database.postgres.recorded_parts import (
    NUMBERED_POLICIES,
    from_range,
    policies_of,
    values_of,
)
from exit_pipeline.core.model.outcome_columns import NOT_STORED, words_of
from exit_pipeline.core.model.recorded import RecordedPosition, RecordedRange, RecordedShadows

_CONTRACTS: Final = "LEFT JOIN refactored_positions p ON p.id = d.position_id"

_BESIDE: Final = f"""
    JOIN shadow_decisions s ON s.run_id = d.run_id AND s.position_id = d.position_id
    JOIN ({NUMBERED_POLICIES}) p ON p.hash = s.policy_hash
"""

_FIXED: Final = {
    "policy": ("p.code::int4", ">i4"),
    "exit_quantity": ("coalesce(s.exit_quantity, 0)::int4", ">i4"),
    "urgency": (word_code("s.urgency", words_of("urgency"), NOT_STORED), ">i2"),
}
_TEXTS: Final = {"beside": "d.id::text", "name": "s.name", "exit_reason": "s.exit_reason"}


def positions_of(connection: Connection, asked: RecordedRange) -> list[RecordedPosition]:
    """The positions on which anything was decided in a range, by the first time and id."""
    query = f"""
        SELECT coalesce(d.position_id, ''), count(*), max(p.option_symbol)
        {from_range(asked, _CONTRACTS)} GROUP BY d.position_id
        ORDER BY min(d.decided_at), d.position_id COLLATE "C"
    """
    found = connection.exec_driver_sql(query, values_of(asked))
    return [RecordedPosition(id=row[0], decisions=row[1], symbol=row[2]) for row in found]


def shadows_of(
    connection: Connection, asked: RecordedRange, positions: Sequence[str]
) -> RecordedShadows:
    """What shadow policies decided on some positions, by name, position and time."""
    columns = [*(sql for sql, _ in _FIXED.values()), *_TEXTS.values()]
    query = f"""
        SELECT {", ".join(columns)} {from_range(asked, _BESIDE)}
        AND d.position_id = ANY(%(positions)s)
        ORDER BY s.name COLLATE "C", d.position_id COLLATE "C", d.decided_at
    """
    sink = CopiedRows({name: kind for name, (_, kind) in _FIXED.items()}, tuple(_TEXTS))
    copy_out(connection, query, sink, **values_of(asked), positions=list(positions))
    rows = sink.read()
    names, name = np.unique(rows.text("name"), return_inverse=True)
    numbers = rows.number("policy", np.int64)
    policy, policies = policies_of(connection, numbers, np.ones(len(numbers), np.bool_))
    return RecordedShadows(
        beside=rows.text("beside"),
        name=name.astype(np.int32),
        names=[one.decode() for one in names.tolist()],
        policy=policy.astype(np.int32),
        policies=policies,
        exit_reason=rows.text("exit_reason"),
        exit_quantity=rows.number("exit_quantity", np.int32),
        urgency=rows.number("urgency", np.int8),
    )
