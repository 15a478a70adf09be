"""Keeping the rows of an account in step with what its broker holds: one transaction per step."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from itertools import chain, count
from typing import Any, Final

from sqlalchemy import Connection

from exit_pipeline.adapters.clients.postgres_engine import as_json, run
from exit_pipeline.adapters.database.postgres.imports import add_positions
from exit_pipeline.core.model.holdings import HeldStep, StepTaken
from exit_pipeline.core.model.position import CloseKind, Position
from exit_pipeline.core.model.record import NewPosition

_OF_ACCOUNT: Final = """
    p.status = 'OPEN' AND p.broker = :broker AND p.environment = :environment
    AND p.account = :account
"""

# Two imports of one account are one after the other, also while it has no row to be locked.
_ONE_AT_A_TIME: Final = """
    SELECT pg_advisory_xact_lock(
        hashtextextended(concat_ws('/', 'import', :broker, :environment, :account), 0))
"""

_LOCK: Final = f"""
    SELECT p.id, p.quantity, p.exited_quantity, p.reserved_quantity, p.managed
    FROM refactored_positions p WHERE {_OF_ACCOUNT} ORDER BY p.id FOR UPDATE
"""  # noqa: S608 the part is this module's own text

_RESIZE: Final = """
    UPDATE refactored_positions p
    SET quantity = p.exited_quantity + n.quantity, entry_price = n.entry_price, updated_at = now()
    FROM json_to_recordset(CAST(:rows AS json)) AS n(
        position_id text, quantity integer, entry_price numeric)
    WHERE p.id = n.position_id AND p.status = 'OPEN' AND NOT p.managed
"""

# At what price the contracts left is not known, so exit price and realised P&L stay null.
_CLOSE: Final = """
    UPDATE refactored_positions p
    SET exited_quantity = p.quantity,
        external_quantity = p.external_quantity + p.quantity - p.exited_quantity,
        status = 'CLOSED', close_kind = :kind, exit_time = :at,
        unrealized_pnl = 0, gex_latched = false, spread_leg = false, updated_at = now()
    WHERE p.id = ANY(:ids) AND p.status = 'OPEN' AND NOT p.managed
"""

# Flagged is what came by an import, adopted or not; the legs opposite may have come in any way.
_FLAG_LEGS: Final = f"""
    WITH legs AS (
        SELECT p.id, EXISTS (
            SELECT FROM refactored_positions o
            WHERE o.status = 'OPEN' AND o.side <> p.side AND o.expiration = p.expiration
              AND (o.broker, o.environment, o.account) = (p.broker, p.environment, p.account)
              AND coalesce(o.underlying, o.symbol) = coalesce(p.underlying, p.symbol)) AS is_leg
        FROM refactored_positions p WHERE {_OF_ACCOUNT} AND p.imported_at IS NOT NULL
    )
    UPDATE refactored_positions p SET spread_leg = l.is_leg, updated_at = now()
    FROM legs l WHERE p.id = l.id AND p.spread_leg <> l.is_leg
    RETURNING p.id, p.spread_leg
"""  # noqa: S608 the part is this module's own text


def take_step(connection: Connection, step: HeldStep) -> StepTaken | None:
    """Take a step, and look anew which imported rows are probable legs of a spread.

    None where the open rows of the account are no longer those of ``step.basis``, such as after a
    fill that was booked while the broker was asked: nothing was changed.
    """
    scope = {"broker": step.broker, "environment": step.environment, "account": step.account}
    run(connection, _ONE_AT_A_TIME, **scope)
    rows = run(connection, _LOCK, **scope)
    if {tuple(row) for row in rows} != {_state(position) for position in step.basis}:
        return None
    if step.resized:
        run(connection, _RESIZE, rows=as_json(asdict(one) for one in step.resized))
    if step.gone:
        kind = CloseKind.EXTERNAL.value
        run(connection, _CLOSE, ids=list(step.gone), at=step.at, kind=kind)
    added = _with_free_ids(connection, step.added)
    if added:
        add_positions(connection, added)
    flagged = run(connection, _FLAG_LEGS, **scope).all()
    return StepTaken(
        added_ids=[position.id for position in added],
        legs=sorted(row.id for row in flagged if row.spread_leg),
        no_legs=sorted(row.id for row in flagged if not row.spread_leg),
    )


def _state(position: Position) -> tuple[Any, ...]:
    return (
        position.id,
        position.quantity,
        position.exited_quantity,
        position.reserved_quantity,
        position.managed,
    )


def _with_free_ids(connection: Connection, positions: Sequence[NewPosition]) -> list[NewPosition]:
    """The positions under ids that no row has had: in later lives with ``-2``, ``-3`` and so on."""
    if not positions:
        return []
    found = run(
        connection,
        """
        SELECT p.id FROM refactored_positions p
        JOIN unnest(CAST(:ids AS text[])) AS n(id) ON starts_with(p.id, n.id)
        """,
        ids=[position.id for position in positions],
    )
    taken = set(found.scalars())
    return [replace(position, id=_free(position.id, taken)) for position in positions]


def _free(wanted: str, taken: Iterable[str]) -> str:
    lives = chain([wanted], (f"{wanted}-{life}" for life in count(2)))
    return next(one for one in lives if one not in taken)
