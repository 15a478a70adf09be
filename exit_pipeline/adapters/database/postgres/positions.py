"""Managed positions: reading, importing, marking and settling them."""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Engine

from exit_pipeline.adapters.clients.postgres_engine import as_json, run, transaction
from exit_pipeline.adapters.database.postgres.elsewhere import (
    close_elsewhere,
    closed_elsewhere,
    see_gaps,
)
from exit_pipeline.adapters.database.postgres.evidence import settle
from exit_pipeline.adapters.database.postgres.holdings import take_step
from exit_pipeline.adapters.database.postgres.imports import add_positions, refuse_changed
from exit_pipeline.core.model.closing import settlement_evidence
from exit_pipeline.core.model.contract import SHARES_PER_CONTRACT, OptionContract, parse_contract
from exit_pipeline.core.model.direction import Direction
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.holdings import Gap, HeldStep, StepTaken
from exit_pipeline.core.model.lines import PositionLine
from exit_pipeline.core.model.market_state import Regime
from exit_pipeline.core.model.order import Settlement
from exit_pipeline.core.model.position import UNASSIGNED, Position, PositionSide
from exit_pipeline.core.model.record import NewPosition, PositionMark

log = logging.getLogger(__name__)

_MARK: Final = tuple(field.name for field in fields(PositionMark))

# Rows that no environment has yet are looked at by what trades for now, never by a replay.
_VISIBLE: Final = """
    (p.environment = :environment
     OR (p.environment IS NULL AND :environment IN ('paper', 'live')))
"""

_OPEN_POSITIONS: Final = f"""
    SELECT p.id, p.broker, p.environment, p.account, p.option_symbol,
           coalesce(p.underlying, p.symbol) AS underlying, p.side, p.quantity, p.exited_quantity,
           p.reserved_quantity, p.profit_exited_quantity, p.entry_price,
           CAST(p.entry_time AS timestamptz) AS entry_time, p.timeframe, p.policy, p.gex_latched,
           p.previous_mid, p.marked_at AS previous_mid_at, p.high_water_mark, p.rule_hits,
           p.rule_hits_policy, p.entry_iv, p.entry_regime, p.entry_gex, p.managed,
           p.spread_leg, p.imported_at, p.current_price AS last_mark, p.carried_pnl
    FROM refactored_positions p
    WHERE p.status = 'OPEN' AND {_VISIBLE}
      AND (CAST(:accounts AS text[]) IS NULL OR coalesce(p.account, :unassigned) = ANY(:accounts))
      AND (CAST(:underlyings AS text[]) IS NULL
           OR coalesce(p.underlying, p.symbol) = ANY(:underlyings))
      AND (CAST(:position_ids AS text[]) IS NULL OR p.id = ANY(:position_ids))
    ORDER BY p.id COLLATE "C"
"""  # noqa: S608 the parts are this module's own text

_LISTING: Final = f"""
    SELECT p.id, p.environment, p.account, p.broker, p.option_symbol, p.side, p.quantity,
           p.open_quantity, p.entry_price, p.current_price, p.unrealized_pnl, p.realized_pnl,
           p.realized_pnl_net, p.status, p.exit_reason, p.close_kind,
           CAST(p.exit_time AS timestamptz) AS exit_time, p.managed, p.spread_leg
    FROM refactored_positions p
    WHERE CAST(:environment AS text) IS NULL OR {_VISIBLE}
    ORDER BY p.id COLLATE "C"
"""  # noqa: S608 the parts are this module's own text

_REFRESH: Final = """
    WITH marks AS (
        SELECT m.* FROM json_to_recordset(CAST(:rows AS json)) AS m(
            position_id text, mark numeric, mid numeric, good_mark numeric, gex_latched boolean,
            rule_hits smallint[], rule_hits_policy text, entry_iv float8, entry_regime text,
            entry_gex text, carried_pnl numeric, marked_at timestamptz)
        -- A row that somebody holds locked is marked by the next tick, and all others by this one.
        JOIN refactored_positions o ON o.id = m.position_id
        ORDER BY m.position_id FOR UPDATE OF o SKIP LOCKED
    )
    UPDATE refactored_positions p
    SET current_price = coalesce(m.mark, p.current_price),
        unrealized_pnl = CASE p.side WHEN 'LONG' THEN 1 ELSE -1 END
            * (coalesce(m.mark, p.current_price) - p.entry_price) * p.open_quantity * :shares,
        high_water_mark = CASE p.side WHEN 'LONG' THEN greatest(p.high_water_mark, m.good_mark)
                          ELSE least(p.high_water_mark, m.good_mark) END,
        previous_mid = m.mid, marked_at = m.marked_at, gex_latched = m.gex_latched,
        rule_hits = m.rule_hits, rule_hits_policy = m.rule_hits_policy,
        entry_iv = coalesce(p.entry_iv, m.entry_iv),
        entry_regime = coalesce(p.entry_regime, m.entry_regime),
        entry_gex = coalesce(p.entry_gex, m.entry_gex),
        carried_pnl = coalesce(p.carried_pnl, m.carried_pnl),
        updated_at = now()
    FROM marks m
    WHERE p.id = m.position_id AND p.status = 'OPEN'
"""


class PostgresPositions:
    """The ``PositionStore`` in ``refactored_positions``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def accounts(self, environment: str) -> list[str]:
        """Every account that has, or has had, a position in this environment.

        Open rows without an account, where the environment sees them, are in ``unassigned``.
        """
        with transaction(self._engine) as connection:
            rows = run(
                connection,
                f"""
                SELECT DISTINCT coalesce(p.account, :unassigned) COLLATE "C"
                FROM refactored_positions p
                WHERE {_VISIBLE} AND (p.account IS NOT NULL OR p.status = 'OPEN') ORDER BY 1
                """,  # noqa: S608 the part is this module's own text
                environment=environment,
                unassigned=UNASSIGNED,
            )
            return list(rows.scalars())

    def open_positions(
        self,
        environment: str,
        accounts: Sequence[str] | None = None,
        underlyings: Sequence[str] | None = None,
        position_ids: Sequence[str] | None = None,
    ) -> list[Position]:
        """Open positions of an environment, and those that no broker has yet, by id.

        The latter only in ``paper`` and ``live``. None means all.
        """
        chosen = {"accounts": accounts, "underlyings": underlyings, "position_ids": position_ids}
        with transaction(self._engine) as connection:
            rows = run(
                connection,
                _OPEN_POSITIONS,
                environment=environment,
                unassigned=UNASSIGNED,
                **{name: None if of is None else list(of) for name, of in chosen.items()},
            )
            return [position for row in rows if (position := _position(row._asdict()))]

    def listing(self, environment: str | None = None) -> list[PositionLine]:
        """Every position, open and closed, of one environment or of all, by id."""
        with transaction(self._engine) as connection:
            rows = run(connection, _LISTING, environment=environment)
            return [PositionLine(**row._asdict()) for row in rows]

    def check_import(self, positions: Sequence[NewPosition]) -> None:
        """Refuse what ``import_positions`` would refuse; nothing is written.

        Raises:
            InputError: As there.
        """
        with transaction(self._engine) as connection:
            refuse_changed(connection, positions)

    def import_positions(self, positions: Sequence[NewPosition]) -> int:
        """Add positions in one transaction; returns how many were new.

        An id that exists, open or closed, must have the same content; a timeframe or a policy is
        compared only where the import gives one.

        Raises:
            InputError: An id exists with other content, or a symbol is no option symbol; nothing
                was imported.
        """
        with transaction(self._engine) as connection:
            new = add_positions(connection, positions)
            refuse_changed(connection, positions)
        return new

    def keep_in_step(self, step: HeldStep) -> StepTaken | None:
        """Take a step of an account's unmanaged rows, and find its legs of spreads, all or nothing.

        None where its open rows are no longer those of ``step.basis``: nothing was changed.

        Raises:
            InputError: A symbol is no option symbol.
        """
        with transaction(self._engine) as connection:
            return take_step(connection, step)

    def adopt(self, positions: Sequence[NewPosition]) -> int:
        """Give open rows a broker that have none yet, and have unmanaged ones managed.

        The former get broker, environment, account and policy, the latter their policy; a leg of a
        spread, and a row that another account holds, stays as it is. Returns how many were adopted.
        """
        with transaction(self._engine) as connection:
            return run(
                connection,
                """
                UPDATE refactored_positions p
                SET broker = n.broker, environment = n.environment, account = n.account,
                    policy = n.policy, managed = true, updated_at = now()
                FROM json_to_recordset(CAST(:rows AS json)) AS n(
                    id text, broker text, environment text, account text, policy text)
                WHERE p.id = n.id AND p.status = 'OPEN'
                  AND (p.broker IS NULL
                       OR NOT p.managed AND NOT p.spread_leg
                          AND (p.broker, p.environment, p.account)
                              = (n.broker, n.environment, n.account))
                """,
                rows=as_json(asdict(position) for position in positions),
            ).rowcount

    def refresh(self, marks: Sequence[PositionMark]) -> None:
        """Write marks, open P&L, high-water marks and latches, in one statement.

        Open P&L is gross and of the contracts still held: (mark - entry) x contracts x 100, the
        other way round for a short position. Example: 3 contracts sold at 2.00 and marked 1.50
        stand at +150.00. The high-water mark is the best good mark: the greatest of a long
        position, the least of a short one. A row that somebody holds locked is left out.
        """
        if not marks:
            return
        with transaction(self._engine) as connection:
            # Not asdict, which copies each value deeply: a tick does this a thousand times.
            rows = as_json({name: getattr(mark, name) for name in _MARK} for mark in marks)
            run(connection, _REFRESH, rows=rows, shares=SHARES_PER_CONTRACT)

    def settle(self, position_id: str, settlement: Settlement) -> int:
        """Close as many contracts as a settlement still has, at its value; returns how many.

        Each contract of a settlement counts once, whatever is settled with it how often.
        """
        with transaction(self._engine) as connection:
            return settle(connection, position_id, settlement_evidence(settlement))

    def see_gaps(
        self, environment: str, account: str, missing: Mapping[str, int], at: datetime
    ) -> dict[str, Gap]:
        """Remember which contracts a broker holds too few of; what an earlier tick saw as well."""
        with transaction(self._engine) as connection:
            return see_gaps(connection, environment, account, missing, at)

    def closed_elsewhere(
        self, environment: str, account: str, symbols: Collection[str], since: datetime
    ) -> set[str]:
        """Those of the symbols of which a position counts as closed by somebody since then."""
        with transaction(self._engine) as connection:
            return closed_elsewhere(connection, environment, account, symbols, since)

    def close_elsewhere(self, position_id: str, contracts: int, at: datetime) -> None:
        """Take contracts out of a position that somebody closed at a price that is not known."""
        with transaction(self._engine) as connection:
            close_elsewhere(connection, position_id, contracts, at)


def _position(row: dict[str, Any]) -> Position | None:
    """A users' row as a position; None where it lacks what makes one."""
    if None in (row["quantity"], row["entry_price"], row["entry_time"]):
        log.warning("ExitWorker: %s has no quantity, entry price or entry time", row["id"])
        return None
    words = {
        "side": PositionSide(row["side"]),
        "rule_hits": row["rule_hits"] or (),
        "entry_regime": Regime[row["entry_regime"]] if row["entry_regime"] else None,
        "entry_gex": Direction[row["entry_gex"] or "NONE"],
    }
    return Position(contract=_contract(row.pop("option_symbol")), **row | words)


def _contract(symbol: str | None) -> OptionContract | None:
    try:
        return parse_contract(symbol or "")
    except InputError:
        return None
