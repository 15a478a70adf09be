"""What a broker tells of contracts that left without an order of ours, each counted once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from exit_pipeline.adapters.clients.postgres_engine import run
from exit_pipeline.adapters.database.postgres.closing import (
    Closing,
    close_contracts,
    explain_contracts,
    lock_position,
)
from exit_pipeline.core.model.closing import Evidence, Unexplained
from exit_pipeline.core.model.position import PositionSide

# Costs of a part are what all up to its end cost, less what all before it did: nothing is lost by
# rounding, whatever the parts.
_TAKE: Final = """
    WITH used AS (
        SELECT coalesce(sum(quantity), 0) AS contracts FROM closings
        WHERE broker = :broker AND environment = :environment AND evidence_id = :evidence_id
    ),
    part AS (
        SELECT CAST(contracts AS integer) AS before,
               CAST(least(contracts + :most, :told) AS integer) AS through
        FROM used
    )
    INSERT INTO closings (broker, environment, evidence_id, first_contract, quantity, told_quantity,
                          position_id, kind, price, commission, fees, closed_at)
    SELECT :broker, :environment, :evidence_id, before + 1, through - before, :told, :position_id,
           :kind, CAST(:price AS numeric),
           round(CAST(:commission AS numeric) * through / :told, 4)
               - round(CAST(:commission AS numeric) * before / :told, 4),
           round(CAST(:fees AS numeric) * through / :told, 4)
               - round(CAST(:fees AS numeric) * before / :told, 4),
           :closed_at
    FROM part
    WHERE through > before AND NOT EXISTS (
        SELECT FROM trades WHERE broker = :broker AND broker_trade_id = :evidence_id)
    RETURNING quantity, price, commission + fees AS costs
"""

_WITHOUT_PRICE: Final = """
    SELECT CAST(p.external_quantity - coalesce((
        SELECT sum(c.quantity) FROM closings c
        WHERE c.position_id = p.id AND c.kind = 'EXTERNAL'), 0) AS integer)
    FROM refactored_positions p WHERE p.id = :id
"""

_UNEXPLAINED: Final = """
    SELECT p.id AS position_id, p.account, p.option_symbol AS symbol, p.side,
           CAST(p.external_quantity - told.contracts AS integer) AS contracts,
           greatest(CAST(p.entry_time AS timestamptz), p.imported_at) AS held_since,
           p.external_at AS gone_by
    FROM refactored_positions p, LATERAL (
        SELECT coalesce(sum(c.quantity), 0) AS contracts FROM closings c
        WHERE c.position_id = p.id AND c.kind = 'EXTERNAL') told
    WHERE p.external_at >= :since AND p.external_quantity > told.contracts
      AND p.broker = :broker AND p.environment = :environment AND p.account = ANY(:accounts)
      AND p.option_symbol IS NOT NULL
    ORDER BY p.id COLLATE "C"
"""


def settle(connection: Connection, position_id: str, evidence: Evidence) -> int:
    """Close as many open contracts as a settlement still has; see ``PositionStore.settle``."""
    position = lock_position(connection, position_id)
    if position is None or position.status != "OPEN":
        return 0
    place = (position.broker, position.environment)
    taken = _take(connection, position_id, place, evidence, position.open_quantity)
    if taken is not None:
        close_contracts(connection, position_id, taken)
    return taken.contracts if taken else 0


def explain(connection: Connection, position_id: str, evidence: Evidence) -> int:
    """Give contracts that were closed elsewhere their price; see ``ClosingStore.explain``."""
    position = lock_position(connection, position_id)
    if position is None:
        return 0
    place = (position.broker, position.environment)
    most = run(connection, _WITHOUT_PRICE, id=position_id).scalar_one()
    taken = _take(connection, position_id, place, evidence, most)
    if taken is not None:
        explain_contracts(connection, position_id, taken)
    return taken.contracts if taken else 0


def unexplained(
    connection: Connection, broker: str, environment: str, accounts: Sequence[str], since: datetime
) -> list[Unexplained]:
    """Contracts without a price yet; see ``ClosingStore.unexplained``."""
    rows = run(
        connection,
        _UNEXPLAINED,
        broker=broker,
        environment=environment,
        accounts=list(accounts),
        since=since,
    )
    return [Unexplained(**row._asdict() | {"side": PositionSide(row.side)}) for row in rows]


def _take(
    connection: Connection, position_id: str, place: tuple[str, str], evidence: Evidence, most: int
) -> Closing | None:
    """Count what is left of an evidence as a locked position's, up to some contracts."""
    broker, environment = place
    row = run(
        connection,
        _TAKE,
        broker=broker,
        environment=environment,
        evidence_id=evidence.evidence_id,
        position_id=position_id,
        most=most,
        told=evidence.quantity,
        kind=evidence.kind.value,
        price=evidence.price,
        commission=evidence.commission,
        fees=evidence.fees,
        closed_at=evidence.closed_at,
    ).one_or_none()
    if row is None:
        return None
    return Closing(
        contracts=row.quantity,
        value=row.price * row.quantity,
        costs=row.costs,
        released=0,
        kind=evidence.kind,
        closed_at=evidence.closed_at,
    )
