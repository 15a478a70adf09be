"""Write one replay of one day."""

from dataclasses import asdict
from datetime import date
from typing import Any, Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from exit_pipeline.adapters.clients import binary_rows as wire
from exit_pipeline.adapters.clients.postgres_copy import copy_in
from exit_pipeline.adapters.clients.postgres_engine import as_json, run
from exit_pipeline.core.model.outcome_columns import NOT_STORED, OutcomeColumns, words_of
from exit_pipeline.core.model.replayed import ReplayedDay, ReplayedRows, ReplayKey

_EPOCH: Final = date(1970, 1, 1)

_TARGET: Final = """decision_replays (
    trading_day, kind, label, decision_id, run_id, position_id, decided_at, same, differences,
    mark, pnl_percent, quote_flags, quote_grade, decision, exit_reason, exit_action, exit_quantity,
    urgency, fired_mask, evaluable_mask, gex_latched_after)"""

_CLEAR: Final = (
    """
    DELETE FROM decision_replays
    WHERE trading_day = :trading_day AND kind = :kind AND label = :label
    """,
    """
    DELETE FROM replay_days
    WHERE trading_day = :trading_day AND kind = :kind AND label = :label
    """,
)


class ReplayRows:
    """The ``ReplayWriter`` within one transaction.

    Args:
        connection: In the transaction.
        key: The day, the kind and the label.
    """

    def __init__(self, connection: Connection, key: ReplayKey) -> None:
        self._connection, self._key = connection, key

    def clear(self) -> None:
        """Take away the replay of before; another one of the same key waits until this has ended.

        A lock on the key and not on its rows, of which there may be none.
        """
        name = f"replay {self._key.trading_day} {self._key.kind} {self._key.label}"
        run(
            self._connection,
            "SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))",
            name=name,
        )
        for statement in _CLEAR:
            run(self._connection, statement, **asdict(self._key))

    def add(self, rows: ReplayedRows) -> None:
        """Add decisions of the day."""
        same = np.flatnonzero(rows.same)
        if len(same):
            copy_in(self._connection, _TARGET, self._encode(rows, same, None))
        # What differs is rare and long, and would make every row as wide.
        others = np.flatnonzero(~rows.same)
        if len(others):
            said = [rows.differences[row].encode() for row in others.tolist()]
            copy_in(self._connection, _TARGET, self._encode(rows, others, said))

    def finish(self, day: ReplayedDay) -> None:
        """Say how it ended."""
        run(
            self._connection,
            """
            INSERT INTO replay_days (trading_day, kind, label, policy_hash, code_version, decisions,
                                     differing, ahead, left_out, code_versions, figures)
            VALUES (:trading_day, :kind, :label, :policy_hash, :code_version, :decisions,
                    :differing, :ahead, CAST(:left_out AS jsonb), CAST(:code_versions AS jsonb),
                    CAST(:figures AS jsonb))
            """,
            **asdict(self._key),
            policy_hash=day.policy_hash,
            code_version=day.code_version,
            decisions=day.decisions,
            differing=day.differing,
            ahead=day.ahead,
            left_out=as_json(day.left_out),
            code_versions=as_json(day.code_versions),
            figures=as_json(day.figures),
        )

    def _encode(
        self, rows: ReplayedRows, which: NDArray[np.intp], differences: list[bytes] | None
    ) -> bytes:
        number, key = len(which), self._key
        runs = np.array([UUID(one).bytes for one in rows.runs], "V16")
        columns = [
            wire.day((key.trading_day - _EPOCH).days, number),
            *(_same_text(text, number) for text in (key.kind.value, key.label)),
            wire.text(rows.ids[which]),
            wire.raw(runs[rows.run[which]]),
            wire.text(rows.positions[which]),
            wire.instants(rows.decided_at[which]),
            wire.flags(rows.same[which]),
            wire.json(differences if differences is not None else [b""] * number),
            *_outcome(rows.outcome.take(which)),
        ]
        return wire.encode(columns, number)


def _outcome(outcome: OutcomeColumns) -> list[wire.WireColumn]:
    flags, latched = outcome.quote_flags, outcome.gex_latched_after
    return [
        wire.dollars(outcome.mark),
        wire.numbers(outcome.pnl_percent, ">f8", ~np.isnan(outcome.pnl_percent)),
        wire.numbers(flags, ">i4", flags != NOT_STORED),
        _words(outcome, "quote_grade"),
        _words(outcome, "decision"),
        wire.text(outcome.exit_reason, empty_is_null=True),
        _words(outcome, "exit_action"),
        wire.numbers(outcome.exit_quantity, ">i4", outcome.exit_quantity != 0),
        _words(outcome, "urgency"),
        wire.numbers(outcome.fired_mask, ">i8", outcome.fired_mask != NOT_STORED),
        wire.numbers(outcome.evaluable_mask, ">i8", outcome.evaluable_mask != NOT_STORED),
        wire.numbers(latched, "u1", latched != NOT_STORED),
    ]


def _words(outcome: OutcomeColumns, column: str) -> wire.WireColumn:
    words: dict[int, Any] = {NOT_STORED: None, **words_of(column)}
    # The word of code i is at i, and that of -1 at the end.
    table = np.array([(words[code] or "").encode() for code in (*sorted(words)[1:], NOT_STORED)])
    return wire.text(table[getattr(outcome, column)], empty_is_null=True)


def _same_text(text: str, rows: int) -> wire.WireColumn:
    return wire.text(np.full(rows, text.encode()))
