"""How contracts leave a position: reserved by an order, closed by its fills or by a settlement."""

from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Connection, Row

from exit_pipeline.adapters.clients.postgres_engine import run
from exit_pipeline.core.model.contract import SHARES_PER_CONTRACT
from exit_pipeline.core.model.position import CloseKind

# Σ over everything that has left with a price: exit fills, whether of this program or of the users'
# own, settlements, and executions of somebody else's orders.
_TOLD: Final = """
    told AS (
        SELECT sum(contracts) AS contracts, sum(value) AS value, max(newest) AS newest FROM (
            SELECT sum(t.quantity) AS contracts, sum(t.execution_price * t.quantity) AS value,
                   max(t.executed_at) AS newest
            FROM trades t JOIN orders o ON o.id = t.order_id
            WHERE o.refactored_position_id = :position_id AND o.exit_action IS NOT NULL
            UNION ALL
            SELECT sum(c.quantity), sum(c.price * c.quantity), max(c.closed_at)
            FROM closings c WHERE c.position_id = :position_id) both_kinds
    )
"""

_CLOSE_CONTRACTS: Final = f"""
    WITH {_TOLD},
    gained AS (
        SELECT CASE side WHEN 'LONG' THEN 1 ELSE -1 END
               * (:value - entry_price * :contracts) * :shares AS dollars,
               exited_quantity + :contracts = quantity AS closes
        FROM refactored_positions WHERE id = :position_id
    )
    UPDATE refactored_positions p
    SET exited_quantity = p.exited_quantity + :contracts,
        settled_quantity = p.settled_quantity
            + CASE WHEN :kind NOT IN ('EXIT', 'EXTERNAL') THEN :contracts ELSE 0 END,
        reserved_quantity = least(greatest(p.reserved_quantity - :released, 0),
                                  p.quantity - p.exited_quantity - :contracts),
        profit_exited_quantity = p.profit_exited_quantity + :profit_contracts,
        exit_price = told.value / told.contracts,
        realized_pnl = coalesce(p.realized_pnl, 0) + gained.dollars,
        exit_costs = p.exit_costs + :costs,
        realized_pnl_net = coalesce(p.realized_pnl, 0) + gained.dollars - p.exit_costs - :costs,
        status = CASE WHEN closes THEN 'CLOSED' ELSE p.status END,
        exit_time = CASE WHEN closes THEN :closed_at ELSE p.exit_time END,
        exit_reason = CASE WHEN closes THEN coalesce(:reason, p.exit_reason) ELSE p.exit_reason END,
        close_kind = CASE WHEN closes THEN :kind ELSE p.close_kind END,
        gex_latched = CASE WHEN closes THEN false ELSE p.gex_latched END,
        unrealized_pnl = CASE WHEN closes THEN 0 ELSE p.unrealized_pnl END,
        updated_at = now()
    FROM told, gained
    WHERE p.id = :position_id
"""  # noqa: S608 the part is this module's own text

# A row that ended as EXTERNAL takes kind and time from what is told, once nothing is left open.
_EXPLAIN_CONTRACTS: Final = f"""
    WITH {_TOLD},
    gained AS (
        SELECT CASE side WHEN 'LONG' THEN 1 ELSE -1 END
               * (:value - entry_price * :contracts) * :shares AS dollars,
               status = 'CLOSED' AND close_kind = 'EXTERNAL' AS renames,
               CASE WHEN :kind = 'EXTERNAL' THEN 0 ELSE :contracts END AS settled
        FROM refactored_positions WHERE id = :position_id
    )
    UPDATE refactored_positions p
    SET settled_quantity = p.settled_quantity + gained.settled,
        external_quantity = p.external_quantity - gained.settled,
        exit_price = told.value / told.contracts,
        realized_pnl = coalesce(p.realized_pnl, 0) + gained.dollars,
        exit_costs = p.exit_costs + :costs,
        realized_pnl_net = coalesce(p.realized_pnl, 0) + gained.dollars - p.exit_costs - :costs,
        close_kind = CASE WHEN renames THEN :kind ELSE p.close_kind END,
        exit_time = CASE WHEN renames AND told.contracts = p.quantity THEN told.newest
                    ELSE p.exit_time END,
        updated_at = now()
    FROM told, gained
    WHERE p.id = :position_id
"""  # noqa: S608 the part is this module's own text


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """Contracts of a position that are no longer held.

    Attributes:
        contracts: How many, at least 1 and at most what is open.
        value: Σ price x contracts, dollars per share.
        costs: Commission and fees, dollars.
        released: Contracts whose reservation ends.
        profit_contracts: Of them, closed at a profit target's partial exit.
        kind: How the position ends, where nothing is left of it.
        reason: The rule's name in capitals; None leaves what is there.
        closed_at: When.
    """

    contracts: int
    value: Decimal
    costs: Decimal
    released: int
    profit_contracts: int = 0
    kind: str = CloseKind.EXIT
    reason: str | None = None
    closed_at: datetime


def close_contracts(connection: Connection, position_id: str, closing: Closing) -> None:
    """Take contracts out of a locked position, whose last one closes it.

    They are in ``trades`` or in ``closings`` already.

    Realised P&L is gross, exact and accumulated: (price - entry) x contracts x 100 for a long
    position and (entry - price) x contracts x 100 for a short one; net is gross less all exit
    costs. ``exit_price`` is the average of everything that was closed, weighted by contracts.

    Example: of 2 contracts bought at 2.00 one is sold at 3.20, +120, and one at 1.20, -80; with
    0.67 of costs each the position ends at +40.00 gross, +38.66 net and an exit price of 2.20.
    """
    run(
        connection,
        _CLOSE_CONTRACTS,
        position_id=position_id,
        shares=SHARES_PER_CONTRACT,
        **asdict(closing),
    )


def explain_contracts(connection: Connection, position_id: str, closing: Closing) -> None:
    """Give contracts of a locked position, gone without a price, the one in ``closings``.

    What they realise is added as in ``close_contracts``. Example: of 3 contracts bought at 2.00 and
    closed by hand, 2 were sold at 1.00: -200.00 gross, and nothing is known of the third.
    """
    values = asdict(closing)
    needed = ("contracts", "value", "costs", "kind")
    run(
        connection,
        _EXPLAIN_CONTRACTS,
        position_id=position_id,
        shares=SHARES_PER_CONTRACT,
        **{name: values[name] for name in needed},
    )


def lock_position(connection: Connection, position_id: str) -> Row[Any] | None:
    """Lock a position until the transaction ends; None where there is none of this id."""
    return run(
        connection,
        """
        SELECT status, side, broker, environment, account, option_symbol, open_quantity,
               reserved_quantity, managed, spread_leg
        FROM refactored_positions WHERE id = :id FOR UPDATE
        """,
        id=position_id,
    ).one_or_none()


def reserve(connection: Connection, position_id: str, contracts: int) -> None:
    """Reserve contracts, or give them back where negative."""
    run(
        connection,
        """
        UPDATE refactored_positions
        SET reserved_quantity = greatest(reserved_quantity + :contracts, 0), updated_at = now()
        WHERE id = :id
        """,
        id=position_id,
        contracts=contracts,
    )
