"""Contracts that left an account without an order of ours."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Connection

from exit_pipeline.adapters.clients.postgres_engine import as_json, run
from exit_pipeline.adapters.database.postgres.closing import lock_position
from exit_pipeline.core.model.holdings import Gap


def see_gaps(
    connection: Connection, environment: str, account: str, missing: Mapping[str, int], at: datetime
) -> dict[str, Gap]:
    """Remember which contracts a broker holds too few of; see ``PositionStore.see_gaps``."""
    place = {"environment": environment, "account": account}
    run(
        connection,
        """
        DELETE FROM held_gaps
        WHERE environment = :environment AND account = :account AND symbol <> ALL (:symbols)
        """,
        **place,
        symbols=list(missing),
    )
    if not missing:
        return {}
    rows = run(
        connection,
        """
        WITH seen AS (
            SELECT * FROM json_to_recordset(CAST(:rows AS json)) AS s(symbol text, missing integer)
        ),
        before AS (
            SELECT symbol, missing, first_seen_at FROM held_gaps
            WHERE environment = :environment AND account = :account AND last_seen_at < :at
        ),
        kept AS (
            INSERT INTO held_gaps (environment, account, symbol, missing, first_seen_at,
                                   last_seen_at)
            SELECT :environment, :account, s.symbol, s.missing, :at, :at FROM seen s
            ON CONFLICT (environment, account, symbol) DO UPDATE
            SET missing = excluded.missing, last_seen_at = excluded.last_seen_at
        )
        SELECT symbol, least(s.missing, b.missing) AS missing, b.first_seen_at
        FROM seen s JOIN before b USING (symbol)
        """,
        **place,
        rows=as_json({"symbol": symbol, "missing": count} for symbol, count in missing.items()),
        at=at,
    )
    return {row.symbol: Gap(missing=row.missing, first_seen_at=row.first_seen_at) for row in rows}


def closed_elsewhere(
    connection: Connection,
    environment: str,
    account: str,
    symbols: Collection[str],
    since: datetime,
) -> set[str]:
    """Symbols of positions that ended as EXTERNAL; see ``PositionStore.closed_elsewhere``."""
    found = run(
        connection,
        """
        SELECT DISTINCT option_symbol FROM refactored_positions
        WHERE environment = :environment AND account = :account
          AND option_symbol = ANY(:symbols) AND external_quantity > 0 AND updated_at >= :since
        """,
        environment=environment,
        account=account,
        symbols=list(symbols),
        since=since,
    )
    return set(found.scalars())


def close_elsewhere(connection: Connection, position_id: str, contracts: int, at: datetime) -> None:
    """Take contracts out of a position without a price: P&L stays what orders have realised."""
    position = lock_position(connection, position_id)
    if position is None or position.status != "OPEN":
        return
    run(
        connection,
        """
        UPDATE refactored_positions
        SET exited_quantity = exited_quantity + :gone,
            external_quantity = external_quantity + :gone,
            external_at = :at,
            reserved_quantity = least(reserved_quantity, quantity - exited_quantity - :gone),
            status = CASE WHEN exited_quantity + :gone = quantity THEN 'CLOSED' ELSE status END,
            close_kind = CASE WHEN exited_quantity + :gone = quantity THEN 'EXTERNAL'
                         ELSE close_kind END,
            exit_time = CASE WHEN exited_quantity + :gone = quantity THEN :at ELSE exit_time END,
            unrealized_pnl = CASE WHEN exited_quantity + :gone = quantity THEN 0
                             ELSE unrealized_pnl END,
            gex_latched = gex_latched AND exited_quantity + :gone < quantity,
            updated_at = now()
        WHERE id = :id
        """,
        id=position_id,
        gone=min(contracts, position.open_quantity),
        at=at,
    )
