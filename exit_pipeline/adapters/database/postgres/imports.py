"""New rows of positions: written once per id, and compared with what the id stands for already."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from sqlalchemy import Connection, Row

from exit_pipeline.adapters.clients.postgres_engine import as_json, run
from exit_pipeline.core.model.contract import OptionContract, OptionRight, parse_contract
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.position import PositionSide
from exit_pipeline.core.model.record import NewPosition

_TENTH_OF_A_MILL: Final = Decimal(1).scaleb(-4)  # prices are kept with four decimals

_IMPORT: Final = """
    INSERT INTO refactored_positions (
        id, symbol, underlying, strike, expiration, option_type, option_symbol, direction, side,
        quantity, entry_price, entry_time, broker, environment, account, timeframe, policy, managed,
        imported_at, status)
    SELECT n.id, n.underlying, n.underlying, n.strike, n.expiration, n.option_type, n.symbol,
           n.direction, n.side, n.quantity, n.entry_price, n.entry_time, n.broker, n.environment,
           n.account, n.timeframe, n.policy, n.imported_at IS NULL, n.imported_at, 'OPEN'
    FROM json_to_recordset(CAST(:rows AS json)) AS n(
        id text, symbol text, underlying text, strike numeric, expiration date, option_type text,
        direction text, side text, quantity integer, entry_price numeric, entry_time timestamptz,
        broker text, environment text, account text, timeframe text, policy text,
        imported_at timestamptz)
    ON CONFLICT (id) DO NOTHING
"""


def add_positions(connection: Connection, positions: Sequence[NewPosition]) -> int:
    """Add open rows; an id that exists keeps its row. Returns how many were new.

    Raises:
        InputError: A symbol is no option symbol.
    """
    rows = [_row(position, parse_contract(position.symbol)) for position in positions]
    return run(connection, _IMPORT, rows=as_json(rows)).rowcount


def refuse_changed(connection: Connection, positions: Sequence[NewPosition]) -> None:
    """Refuse positions whose id is kept with other content.

    Raises:
        InputError: Names the id, the field and both values, or a symbol is no option symbol.
    """
    contracts = [parse_contract(position.symbol) for position in positions]
    found = run(
        connection,
        """
        SELECT id, option_symbol AS symbol, side, quantity, entry_price,
               CAST(entry_time AS timestamptz) AS entry_time, account, broker, environment,
               timeframe, policy
        FROM refactored_positions WHERE id = ANY(:ids)
        """,
        ids=[position.id for position in positions],
    )
    kept: Mapping[str, Row[Any]] = {row.id: row for row in found}
    for position, contract in zip(positions, contracts, strict=True):
        if position.id not in kept:
            continue
        given = asdict(position) | {
            "symbol": contract.symbol,
            "entry_price": position.entry_price.quantize(_TENTH_OF_A_MILL, ROUND_HALF_UP),
        }
        for field, there in kept[position.id]._asdict().items():
            value = given[field]
            if value != there and not (value is None and field in ("timeframe", "policy")):
                message = (
                    f"position {position.id!r} exists with {field} {there} and can't be imported"
                    f" with {field} {value}"
                )
                raise InputError(message)


def _row(position: NewPosition, contract: OptionContract) -> dict[str, Any]:
    return {
        **asdict(position),
        "underlying": contract.underlying,
        "strike": contract.strike,
        "expiration": contract.expiration,
        "option_type": contract.right,
        "direction": _market_view(position, contract),
    }


def _market_view(position: NewPosition, contract: OptionContract) -> OptionRight:
    """The right that gains as the position does: a long call and a short put are CALL."""
    is_bullish = (position.side == PositionSide.LONG) == (contract.right is OptionRight.CALL)
    return OptionRight.CALL if is_bullish else OptionRight.PUT
